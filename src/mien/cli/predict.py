"""`mien predict`: pictures in, faces and their expressions out."""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.gallery import Gallery, draw_marks, draw_reasons
from mien.cli.inputs import Input, advise, find_inputs, real_paths
from mien.cli.options import DetectorName, EngineName, MaxFaces, MinFace, ModelName, Threshold
from mien.cli.output import open_output, progress, say
from mien.errors import UsageError, unknown

if TYPE_CHECKING:
    from mien.inference.recognizer import Recognizer
    from mien.media.sinks import Sink
    from mien.results import Result

CHUNK = 16
"""Pictures whose faces are classified together."""


def predict(
    source: Annotated[list[str], typer.Argument(help="Pictures, folders, globs, or - for a picture on stdin.")],
    format_: Annotated[
        str | None, typer.Option("--format", help="text, json, jsonl or csv; as --out's name ends, or text.")
    ] = None,
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
    min_face: MinFace = 0,
    max_faces: MaxFaces = None,
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

    format_ = choose_format(format_, out)
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
    galleries = [Gallery(annotate, inputs, partial(draw_marks, blur_faces))] if annotate else []
    galleries += [Gallery(explain, inputs, partial(draw_reasons, recognizer), "--explain", ".png")] if explain else []
    with open_output(out) as stream, contextlib.closing(SINKS[format_](stream)) as sink:
        found: Iterable[tuple[Input, Result]] = share(recognizer, inputs, whole_image, options, jobs)
        found = progress(found, len(inputs), hidden=stream.isatty())
        code = write_all(found, sink, galleries, failed_too=bool(out) or format_ != "text")
    for gallery in galleries:
        if gallery.written:
            print(gallery.summary(), file=sys.stderr)
    raise typer.Exit(code)


def choose_format(name: str | None, out: Path | None) -> str:
    """The named one, or else as the file's name ends, or text. Raises UsageError for a name that is none."""
    from mien.media.sinks import SINKS

    if name is None:
        ending = out.suffix.lower().removeprefix(".") if out else ""
        return ending if ending in SINKS else "text"
    if name not in SINKS:
        raise unknown("format", name, SINKS)
    return name


def write_all(
    found: "Iterable[tuple[Input, Result]]", sink: "Sink", galleries: Sequence[Gallery], failed_too: bool = True
) -> int:
    """Writes and draws each result as it comes, and says on stderr what went wrong; the exit code.

    failed_too: the sink gets what could not be read as well.
    """
    code = 0
    try:
        for item, result in found:
            if failed_too or not result.error:
                sink.write(result)
            failed = [f"{result.source}: {result.error}"] if result.error else [g.add(item, result) for g in galleries]
            problems = [problem for problem in failed if problem]
            say(*problems)
            code = 1 if problems else code
    except KeyboardInterrupt:
        say("interrupted; what was finished is kept.")
        return 130
    return code


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
        answer = Result(item.name, 0, 0, error=item.error) if item.source is None else next(answers)
        yield item, replace(answer, source=item.name, model=recognizer.model, error=advise(item.name, answer.error))
