"""`mien video`: a video or a camera in, every frame's faces and their expressions over time out."""

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.clip import Outputs, Plan, choose_format
from mien.cli.options import DetectorName, EngineName, MaxFaces, MinFace, ModelName, Threshold
from mien.cli.output import open_output, say
from mien.errors import UsageError, VideoError

if TYPE_CHECKING:
    from numpy import ndarray

    from mien.inference.stream import Stream
    from mien.media.video import Video
    from mien.media.video_writer import VideoWriter
    from mien.results import Result


def video(
    source: Annotated[str, typer.Argument(help="A video file, a camera (0, /dev/video0), an address, or a folder of frames.")],
    format_: Annotated[
        str | None, typer.Option("--format", help="csv, jsonl or parquet; as --out's name ends, or csv.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the results to this file, frame by frame, not to stdout.")] = None,
    annotate: Annotated[Path | None, typer.Option(help="Write the video with its faces marked, as .mp4 with sound.")] = None,
    timeline: Annotated[
        str | None, typer.Option(metavar="FILE.png,FILE.svg", help="Draw all of it as a picture, or several.")
    ] = None,
    summary: Annotated[Path | None, typer.Option(help="Write what it comes to for each face, as .csv or .json.")] = None,
    elan: Annotated[Path | None, typer.Option(help="Write the emotions as tiers for ELAN, as .eaf.")] = None,
    fps: Annotated[float | None, typer.Option(help="Only the frames nearest to so many moments a second.")] = None,
    no_smooth: Annotated[bool, typer.Option("--no-smooth", help="Each frame alone, nothing over time.")] = False,
    blur_faces: Annotated[bool, typer.Option("--blur-faces", help="Hide the faces that are found in what is drawn.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an interrupted run with the same options ended.")
    ] = False,
    detect_every: Annotated[
        int | None,
        typer.Option(min=1, metavar="K", help="Search each K-th frame for faces; as fast as they move if not given."),
    ] = None,
    min_face: MinFace = 0,
    max_faces: MaxFaces = None,
    threshold: Threshold = 0.5,
    model: ModelName = "mien",
    detector: DetectorName = "full_range",
    engine: EngineName = "litert",
    threads: Annotated[int, typer.Option(min=1, help="Threads of each network.")] = 1,
) -> None:
    """Follow the faces in a video and name their expressions, one result for every frame at its own time.

    What was finished is kept whatever happens: at an error in the video the exit code is 1, at Ctrl-C 130.
    """
    from mien.inference.recognizer import Recognizer

    if blur_faces and not (annotate or timeline):
        raise UsageError("--blur-faces hides faces in what is drawn; give --annotate or --timeline too.")
    timelines = [Path(name) for name in (timeline or "").split(",") if name]
    plan = Plan(source, choose_format(format_, out), out, annotate, timelines, summary, elan, fps, blur_faces)
    plan.check()
    recognizer = Recognizer(
        model, detector, threads, engine=engine, threshold=threshold, min_face_px=min_face, max_faces=max_faces
    )
    recognizer.classify([])  # loads the network: what it lacks is said before a file is touched
    keep = plan.find_kept() if resume else 0
    outputs = Outputs(plan)
    for result in plan.kept(keep):
        outputs.remember(result)
    with recognizer.stream(source, fps, smooth=not no_smooth, detect_every=detect_every, after=outputs.needed()) as stream:
        raise typer.Exit(run(stream, outputs, keep))


def run(stream: "Stream", outputs: Outputs, keep: int) -> int:
    """Writes the results as they come, the rest at their end, whatever that was; the exit code."""
    code = 0
    try:
        write_all(stream, outputs, keep)
    except VideoError as error:
        say(str(error))
        code = 1
    except KeyboardInterrupt:
        say("interrupted; what was finished is kept.")
        code = 130
    for unwritten in outputs.finish(stream):
        say(str(unwritten))
        code = code or 1
    if problem := describe_damage(stream):
        say(problem)
    return code or bool(problem)


def write_all(stream: "Stream", outputs: Outputs, keep: int) -> None:
    from mien.media.draw import Annotator

    plan = outputs.plan
    with contextlib.ExitStack() as stack:
        writer = stack.enter_context(open_annotated(plan.annotate, stream, keep)) if plan.annotate else None
        annotator = Annotator(plan.blur)
        for result in outputs.tail:
            annotator.follow(result, (stream.facts.height, stream.facts.width))
        again = stack.enter_context(open_again(plan)) if outputs.needs_pixels and not stream.facts.live else None
        for result in plan.kept(keep):
            outputs.show(result, pixels_of(result, again) if again else None)
        write = stack.enter_context(open_results(plan, keep))
        for result in shown(stream, outputs, keep):
            write(result)
            pixels = pixels_of(result, again) if again else stream.pixels
            outputs.remember(result)
            outputs.show(result, pixels)
            if writer and pixels is not None:
                writer.write(result.time_s, annotator.draw(pixels, result))


def open_annotated(path: Path, stream: "Stream", keep: int) -> "VideoWriter":
    from mien.media.video_writer import VideoWriter

    return VideoWriter(path, stream.facts, keep)


@contextlib.contextmanager
def open_results(plan: Plan, keep: int) -> "Iterator[Callable[[Result], None]]":
    """What takes each result, to the file or to stdout; a terminal is spared where other files were asked for."""
    from mien.media.result_files import ResultFile
    from mien.media.sinks import VIDEO_SINKS

    if plan.out:
        with ResultFile(plan.out, plan.format, keep) as file:
            yield file.write
    elif sys.stdout and sys.stdout.isatty() and (plan.annotate or plan.timelines or plan.summary or plan.elan):
        yield lambda result: None
    else:
        with open_output(None) as stream, contextlib.closing(VIDEO_SINKS[plan.format](stream)) as sink:
            yield sink.write


def open_again(plan: Plan) -> "Video":
    """The video once more, for the pixels: the results follow seconds later, too many frames to be held."""
    from mien.media.video import open_video

    return open_video(plan.source, plan.fps)


def pixels_of(result: "Result", again: "Video") -> "ndarray":
    """Its frame, uint8 [h,w,3], to which the second reading goes on. Raises VideoError where that has no such frame."""
    frame = next((frame for frame in again if frame.index >= result.frame), None)
    if frame is None or frame.index > result.frame:
        raise VideoError(f"{again.name}: frame {result.frame} is not read again; resume with the same --fps, or start anew.")
    return frame.pixels


def shown(stream: "Stream", outputs: Outputs, done: int) -> "Iterable[Result]":
    """The results, with frames a second and the time left on stderr where that is a terminal that does not show them too."""
    if not sys.stderr.isatty() or (sys.stdout and sys.stdout.isatty() and not outputs.plan.out):
        return stream
    return bar(stream, stream.facts.count, done)


def bar(results: "Iterable[Result]", total: int | None, done: int) -> "Iterator[Result]":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("frames"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total, completed=done, rate="")
        for result in results:
            yield result
            speed = progress.tasks[task].speed
            progress.update(task, advance=1, rate=f"{speed:.0f} a second" if speed else "")


def describe_damage(stream: "Stream") -> str:
    """What could not be read in the midst of the video; empty if that was nothing."""
    words = []
    if stream.lost:
        places = ", ".join(f"{lost.time_s:.2f} s ({lost.why.rstrip('.')})" for lost in stream.lost[:3])
        more = f" and {len(stream.lost) - 3} more" if len(stream.lost) > 3 else ""
        words.append(f"{len(stream.lost)} frame{'s' * (len(stream.lost) > 1)} could not be decoded, at {places}{more}")
    if stream.damaged:
        words.append(f"{stream.damaged} were damaged and patched by the decoder")
    return f"{stream.facts.name}: {'; '.join(words)}." if words else ""
