"""`mien predict`: pictures in, faces and their expressions out."""

import contextlib
import io
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO, TypeVar

import typer

from mien.cli.options import DetectorName, EngineName, ModelName, Threshold
from mien.cli.output import make_folder
from mien.errors import MienError, UsageError, one_line, unknown

if TYPE_CHECKING:
    from PIL.Image import Image

    from mien.inference.recognizer import Recognizer
    from mien.results import Result

SUFFIXES = {".avif", ".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".jp2", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
T = TypeVar("T")
CHUNK = 16  # pictures whose faces are classified together


@dataclass(frozen=True)
class Input:
    """A picture to read, by the name that its result gets, or what is wrong with what the user named."""

    name: str
    source: Path | bytes | None = None
    error: str | None = None


def predict(
    source: Annotated[list[str], typer.Argument(help="Pictures, folders, globs, or - for a picture on stdin.")],
    format_: Annotated[str, typer.Option("--format", help="text, json, jsonl or csv.")] = "text",
    out: Annotated[Path | None, typer.Option(help="Write the results to this file, not to stdout.")] = None,
    annotate: Annotated[Path | None, typer.Option(help="Write the pictures with their faces marked into this folder.")] = None,
    blur_faces: Annotated[
        bool,
        typer.Option("--blur-faces", help="Hide the faces in what --annotate writes; one that is not found stays visible."),
    ] = False,
    explain: Annotated[
        Path | None, typer.Option(help="Write what in each face speaks for its emotions, as pictures, into this folder.")
    ] = None,
    whole_image: Annotated[bool, typer.Option("--whole-image", help="Each picture is one face already cropped.")] = False,
    min_face: Annotated[
        int, typer.Option(min=0, metavar="PX", help="Look for faces down to this size; slower below 1/12 of the picture.")
    ] = 0,
    max_faces: Annotated[int | None, typer.Option(min=1, metavar="N", help="At most so many a picture.")] = None,
    threshold: Threshold = 0.5,
    model: ModelName = "mien",
    detector: DetectorName = "full_range",
    engine: EngineName = "litert",
    threads: Annotated[int, typer.Option(min=1, help="Threads of each network.")] = 1,
    jobs: Annotated[int, typer.Option(min=0, help="Processes that share the pictures; 0: one a core.")] = 1,
) -> None:
    """Find the faces in pictures and name their expressions, with calibrated probabilities.

    One bad file never stops the rest: its result says what was wrong, and the exit code is 1.
    """
    from mien.inference.recognizer import Recognizer
    from mien.media.sinks import SINKS

    if format_ not in SINKS:
        raise unknown("format", format_, SINKS)
    if blur_faces and not annotate:
        raise UsageError("--blur-faces: needs --annotate DIR, the folder for the pictures in which faces are hidden.")
    options: dict[str, Any] = {
        "model": model, "detector": detector, "threads": threads, "engine": engine, "threshold": threshold,
        "min_face_px": min_face, "max_faces": max_faces,
    }  # fmt: skip
    recognizer = Recognizer(**options)
    inputs = find_inputs(source)
    if out and os.path.realpath(out) in real_paths(inputs):
        raise UsageError(f"--out {out}: is one of the pictures; choose another file.")
    galleries = [Gallery(annotate, inputs, partial(draw_faces, blur_faces))] if annotate else []
    galleries += [Gallery(explain, inputs, partial(draw_reasons, recognizer), "--explain", ".png")] if explain else []
    failures = 0
    with open_output(out) as stream, contextlib.closing(SINKS[format_](stream)) as sink:
        shown = format_ == "text" and stream.isatty()
        found = share(recognizer, inputs, whole_image, options, jobs)
        for item, result in progress(found, len(inputs), hidden=stream.isatty()):
            sink.write(result)
            failed = [f"{result.source}: {result.error}"] if result.error else [g.add(item, result) for g in galleries]
            problems = [problem for problem in failed if problem]
            failures += bool(problems)
            if problems and not (result.error and shown):
                print("".join(f"mien: {one_line(problem)}\n" for problem in problems), end="", file=sys.stderr)
    for gallery in galleries:
        if gallery.written:
            print(gallery.summary(), file=sys.stderr)
    raise typer.Exit(1 if failures else 0)


def find_inputs(sources: Sequence[str]) -> list[Input]:
    """Each source in turn: `-` is stdin, a folder all pictures below it, a glob what it matches; a name is taken as it is."""
    found: list[Input] = []
    for name in sources:
        if name == "-":
            found.append(Input("-", sys.stdin.buffer.read() if sys.stdin else b""))
        elif os.path.isdir(name):
            found += _in_folder(name)
        elif has_magic(name) and not os.path.lexists(name):
            matches = sorted(glob(name, recursive=True))
            for match in matches:
                found += _in_folder(match) if os.path.isdir(match) else [Input(match, Path(match))]
            found += [] if matches else [Input(name, error="matches no file; check the pattern.")]
        else:
            found.append(Input(name, Path(name)))
    return found


def _in_folder(folder: str) -> list[Input]:
    """The pictures below a folder, by path, but for what is hidden or no file, such as a pipe.

    A part of it that cannot be listed is an input with an error; so is a link that leads nowhere.
    """
    barred: list[OSError] = []
    paths: list[Path] = []
    for parent, folders, names in os.walk(folder, onerror=barred.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths += [Path(parent, name) for name in names if not name.startswith(".")]
    pictures = sorted(path for path in paths if path.suffix.lower() in SUFFIXES)
    found = [Input(str(path), path) for path in pictures if os.path.isfile(path) or not os.path.exists(path)]
    found += [Input(str(error.filename), error=f"cannot be listed ({error.strerror}); change its mode.") for error in barred]
    return found or [Input(folder, error=f"holds no pictures; looked for {' '.join(sorted(SUFFIXES))}.")]


def share(
    recognizer: "Recognizer", inputs: Sequence[Input], whole_image: bool, options: Mapping[str, Any], jobs: int
) -> Iterator[tuple[Input, "Result"]]:
    """Each input with its result, in order; a few pictures at a time are read and classified together.

    jobs: processes that share them, 0 for one a core; 1 is this one. options: those of the recogniser.
    """
    chunks = [inputs[start : start + CHUNK] for start in range(0, len(inputs), CHUNK)]
    pictures = ([item.source for item in chunk if item.source is not None] for chunk in chunks)
    if jobs == 1 or len(chunks) == 1:
        found: Iterator[list[Result]] = (recognizer.predict_batch(group, whole_image) for group in pictures)
    else:
        from mien.batch.jobs import recognize_groups

        found = recognize_groups(pictures, options, jobs, whole_image)
    for chunk, results in zip(chunks, found, strict=True):
        yield from name_results(recognizer, chunk, results)


def name_results(
    recognizer: "Recognizer", chunk: Iterable[Input], results: "Iterable[Result]"
) -> Iterator[tuple[Input, "Result"]]:
    """Each input with its result; results: of those that there is something to read of, in order."""
    from mien.results import Result

    answers = iter(results)
    for item in chunk:
        failed = Result(item.name, 0, 0, model=recognizer.model, error=item.error)
        yield item, failed if item.source is None else replace(next(answers), source=item.name, model=recognizer.model)


def progress(items: Iterable[T], total: int, hidden: bool) -> Iterable[T]:
    """The items, with a bar on stderr where that is a terminal and there are many; hidden: the results would cross it."""
    if hidden or total <= CHUNK or not sys.stderr.isatty():
        return items
    from rich.console import Console  # a tenth of the time of a short run, so only where it is seen
    from rich.progress import track

    return track(items, "pictures", total=total, console=Console(stderr=True), transient=True)


@contextlib.contextmanager
def open_output(path: Path | None) -> Iterator[TextIO]:
    """stdout, or the file at `path`, in UTF-8. Raises UsageError where that cannot be written.

    A file's name may be no Unicode: what is left of it as lone surrogates is written as \\udcXX, which JSON reads back.
    """
    if not path:
        if not sys.stdout:
            raise UsageError("stdout is closed; give --out FILE.")
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
        yield sys.stdout
        return
    try:
        stream = path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
    except OSError as error:
        raise UsageError(f"--out {path}: cannot be written ({error.strerror}); choose another file.") from error
    with stream:
        yield stream


def real_paths(inputs: Iterable[Input]) -> set[str]:
    """Where the inputs that are files really stand."""
    return {os.path.realpath(item.source) for item in inputs if isinstance(item.source, Path)}


def draw_faces(blur_faces: bool, source: Path | bytes, result: "Result") -> "Image":
    """The picture with its faces marked, or hidden."""
    from mien.media.draw import draw

    return draw(source, result, blur_faces)


def draw_reasons(recognizer: "Recognizer", source: Path | bytes, result: "Result") -> "Image | None":
    """What in each face speaks for its emotions; None where there is no face."""
    from mien.media.explanation import draw_explanations

    return draw_explanations([recognizer.explain(source, face) for face in result.faces]) if result.faces else None


class Gallery:
    """A folder of drawn pictures, named after their originals; two of one name are told apart by a number.

    inputs: never overwritten, nor is anything else in a folder that one of them stands in. draw: gives the picture for one and
    its result, or None. option: which asked for it.
    """

    def __init__(
        self,
        folder: Path,
        inputs: Iterable[Input],
        draw: "Callable[[Path | bytes, Result], Image | None]",
        option: str = "--annotate",
        suffix: str = ".jpg",
    ):
        make_folder(folder, option)
        self.folder, self._draw, self._option, self._suffix = folder, draw, option, suffix
        self.written: list[Path] = []
        self._taken = real_paths(inputs)
        if os.path.realpath(folder) in {os.path.dirname(path) for path in self._taken}:
            self._taken |= {os.path.realpath(path) for path in folder.iterdir()}

    def add(self, item: Input, result: "Result") -> str | None:
        """Draws the result and writes it; gives what went wrong, if anything."""
        assert item.source is not None
        stem = "stdin" if isinstance(item.source, bytes) else item.source.stem
        names = (f"{stem}{number}{self._suffix}" for number in itertools.chain([""], itertools.count(-2, -1)))
        path = next(path for name in names if os.path.realpath(path := self.folder / name) not in self._taken)
        try:
            if not (drawn := self._draw(item.source, result)):
                return None
            drawn.save(path, quality=92)
        except (OSError, MienError) as error:
            return f"{self._option} {path}: cannot be written ({getattr(error, 'strerror', None) or error})."
        self._taken.add(os.path.realpath(path))
        self.written.append(path)
        return None

    def summary(self) -> str:
        """Where the pictures are."""
        done = {"--annotate": "annotated", "--explain": "explained"}[self._option]
        if len(self.written) <= 3:
            return "\n".join(f"{done}: {one_line(str(path))}" for path in self.written)
        return f"{done}: {len(self.written)} pictures in {self.folder}"
