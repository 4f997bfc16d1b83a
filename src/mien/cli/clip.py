"""What `mien video` writes of a clip, and where."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.errors import MienError, UsageError, lacking, unknown

if TYPE_CHECKING:
    from mien.inference.stream import Stream
    from mien.results import Result


def choose_format(name: str | None, out: Path | None) -> str:
    """The named one, or else as the file's name ends, or csv; Plan.check says whether there is such a one."""
    return name or (out.suffix.lower().removeprefix(".") if out else "") or "csv"


@dataclass(frozen=True)
class Plan:
    """What is to be written of which video."""

    source: str
    format: str
    out: Path | None
    annotate: Path | None
    timelines: list[Path]
    summary: Path | None
    elan: Path | None
    fps: float | None
    blur: bool

    def check(self) -> None:
        """Raises UsageError for a place or format that cannot be written, or a place named twice, before any work is done."""
        from mien.media.elan import check_elan
        from mien.media.result_files import FORMATS
        from mien.media.summary import check_summary_path
        from mien.media.timeline import check_timeline

        checks: list[tuple[str, Path | None, Callable[[Path], None]]] = [
            ("--out", self.out, lambda path: None),
            ("--annotate", self.annotate, self.check_annotate),
            ("--summary", self.summary, check_summary_path),
            ("--elan", self.elan, check_elan),
            *(("--timeline", path, check_timeline) for path in self.timelines),
        ]
        taken = {os.path.realpath(self.source): "the video itself"}
        for option, path, check in checks:
            if path:
                check(path)
                check_place(path, option)
                if other := taken.get(os.path.realpath(path)):
                    raise UsageError(f"{option} {path}: is {other}; choose another file.")
                taken[os.path.realpath(path)] = f"that of {option}"
        if self.format not in FORMATS:
            raise unknown("format", self.format, FORMATS)
        if self.format == "parquet" and not self.out:
            raise UsageError("--format parquet needs --out FILE.")

    def check_annotate(self, path: Path) -> None:
        """Raises UsageError without PyAV, or where what is written until the end would take the video's own place."""
        if not find_spec("av"):
            raise lacking("writing a video needs PyAV", "video")
        from mien.media.unfinished import partial_path

        if os.path.realpath(partial_path(path)) == os.path.realpath(self.source):
            raise UsageError(f"--annotate {path}: would first be written to the video itself; choose another name.")

    def find_kept(self) -> int:
        """How many frames an interrupted run has finished, in all that it wrote frame by frame. Raises UsageError for none."""
        from mien.media.result_files import left_results

        if not self.out:
            raise UsageError("--resume needs the --out FILE of the run that was interrupted.")
        first, count = None, 0
        for result in left_results(self.out, self.format):
            first, count = first or result, count + 1
        if first and first.source != self.source:
            raise UsageError(
                f"--out {self.out}: holds results of {first.source}; choose another file, or run without --resume."
            )
        if self.annotate:
            from mien.media.unfinished import written_times

            count = min(count, len(written_times(self.annotate)))
        return count

    def kept(self, keep: int) -> "Iterator[Result]":
        from mien.media.result_files import left_results

        return islice(left_results(self.out, self.format), keep) if self.out and keep else iter(())


def check_place(path: Path, option: str) -> None:
    """Raises UsageError where no file can be made beside `path`, or that is a folder."""
    if path.is_dir():
        raise UsageError(f"{option} {path}: is a folder; give the name of a file.")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{option} {path}: there is no folder {path.parent}; make it, or choose another place.")
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise UsageError(f"{option} {path}: cannot be written (no permission); choose another place.")


@dataclass
class Outputs:
    """Where each result goes. tail: the latest ones; newest: of those before them, one with the highest track, if any."""

    plan: Plan
    tail: "deque[Result]" = field(default_factory=deque)
    newest: "list[Result]" = field(default_factory=list)

    def __post_init__(self) -> None:
        from mien.media.elan import Segments
        from mien.media.summary import Summary
        from mien.media.timeline import Timeline

        self.summary = Summary()
        self.segments = Segments() if self.plan.elan else None
        self.timeline = Timeline() if self.plan.timelines else None

    @property
    def needs_pixels(self) -> bool:
        return bool(self.plan.annotate or (self.timeline and not self.plan.blur))

    def remember(self, result: "Result") -> None:
        """Adds a frame to what is written at the end, but for the timeline."""
        from mien.inference.stream import REMEMBERED_S

        self.summary.add(result)
        if self.segments:
            self.segments.add(result)
        self.tail.append(result)
        while self.tail[0].time_s < result.time_s - REMEMBERED_S:
            self.newest = [max([*self.newest, self.tail.popleft()], key=highest_track)]

    def needed(self) -> "list[Result]":
        """What a run that goes on needs of this one."""
        return [*self.newest, *self.tail]

    def show(self, result: "Result", pixels: Any) -> None:
        """Adds a frame to the timeline; pixels: uint8 [h,w,3], or None."""
        if self.timeline:
            self.timeline.add(result, None if self.plan.blur else pixels)

    def finish(self, stream: "Stream") -> list[MienError]:
        """Writes what is of the whole video, and gives what went wrong with it."""
        from mien.media.elan import write_elan
        from mien.media.summary import write_summary

        plan, writes = self.plan, list[Callable[[], None]]()
        if path := plan.summary:
            writes.append(partial(write_summary, path, self.summary, len(stream.lost), stream.damaged))
        if self.segments and (path := plan.elan):
            writes.append(partial(write_elan, path, self.segments, Path(plan.source) if Path(plan.source).is_file() else None))
        if self.timeline:
            writes += [partial(self.timeline.write, path) for path in plan.timelines]
        problems = []
        for write in writes:
            try:
                write()
            except MienError as error:
                problems.append(error)
        return problems


def highest_track(result: "Result") -> int:
    """0 where there is none."""
    return max((face.track or 0 for face in result.faces), default=0)
