"""`mien predict`: pictures in, faces and their expressions out."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from mien.errors import MienError, UsageError, unknown

if TYPE_CHECKING:
    from mien.inference.recognizer import Recognizer
    from mien.results import Result

SUFFIXES = {".avif", ".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".jp2", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
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
    whole_image: Annotated[bool, typer.Option("--whole-image", help="Each picture is one face already cropped.")] = False,
    min_face: Annotated[int, typer.Option(min=0, metavar="PX", help="Leave out smaller faces.")] = 0,
    max_faces: Annotated[int | None, typer.Option(min=1, metavar="N", help="At most so many a picture.")] = None,
    threshold: Annotated[float, typer.Option(min=0, max=1, help="Least detector score.")] = 0.5,
    model: Annotated[str, typer.Option(help="A bundle's name or folder.")] = "mien",
    detector: Annotated[str, typer.Option(help="full_range, or short_range for selfies.")] = "full_range",
    engine: Annotated[str, typer.Option(help="litert, litert-int8 or onnx.")] = "litert",
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of each network.")] = None,
) -> None:
    """Find the faces in pictures and name their expressions, with calibrated probabilities.

    One bad file never stops the rest: its result says what was wrong, and the exit code is 1.
    """
    from mien.inference.recognizer import Recognizer
    from mien.media.sinks import SINKS

    if format_ not in SINKS:
        raise unknown("format", format_, SINKS)
    recognizer = Recognizer(
        model, detector, threads, engine=engine, threshold=threshold, min_face_px=min_face, max_faces=max_faces
    )
    gallery = Gallery(annotate) if annotate else None
    failed = False
    with open_output(out) as stream, contextlib.closing(SINKS[format_](stream)) as sink:
        for item, result in recognize(recognizer, find_inputs(source), whole_image):
            sink.write(result)
            failed |= result.error is not None
            if gallery and item.source and not result.error:
                gallery.add(item, result)
    if gallery:
        print(gallery.summary(), file=sys.stderr)
    raise typer.Exit(1 if failed else 0)


def find_inputs(sources: Sequence[str]) -> list[Input]:
    """Each source in turn: `-` is stdin, a folder all pictures below it, a glob what it matches; a name is taken as it is."""
    found: list[Input] = []
    for name in sources:
        path = Path(name)
        if name == "-":
            found.append(Input("-", sys.stdin.buffer.read()))
        elif path.is_dir():
            found += _in_folder(path)
        elif has_magic(name) and not path.exists():
            matches = sorted(glob(name, recursive=True))
            found += find_inputs(matches) if matches else [Input(name, error=f"{name}: matches no file; check the pattern.")]
        else:
            found.append(Input(name, path))
    return found


def _in_folder(folder: Path) -> list[Input]:
    try:
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    except OSError as error:
        return [Input(str(folder), error=f"{folder}: cannot be listed ({error.strerror}).")]
    known = " ".join(sorted(SUFFIXES))
    return [Input(str(path), path) for path in paths] or [
        Input(str(folder), error=f"{folder}: holds no pictures; looked for {known}.")
    ]


def recognize(recognizer: "Recognizer", inputs: Sequence[Input], whole_image: bool) -> Iterator[tuple[Input, "Result"]]:
    """Each input with its result, in order, a few pictures at a time, with a progress bar where there are many."""
    from mien.results import Result

    with progress(len(inputs)) as advance:
        for start in range(0, len(inputs), CHUNK):
            chunk = inputs[start : start + CHUNK]
            answers = iter(recognizer.predict_batch([i.source for i in chunk if i.source is not None], whole_image))
            for item in chunk:
                answer = Result(item.name, 0, 0, error=item.error) if item.source is None else next(answers)
                yield item, replace(answer, source=item.name)
                advance()


@contextlib.contextmanager
def progress(total: int) -> Iterator[Callable[[], None]]:
    """A bar on stderr, where that is a terminal and there are many pictures; yields what moves it on by one."""
    if total <= CHUNK or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console  # a tenth of the time of a short run, so only where it is seen
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("pictures", total=total)
        yield lambda: bar.advance(task)


@contextlib.contextmanager
def open_output(path: Path | None) -> Iterator[TextIO]:
    """stdout, or the file at `path`. Raises UsageError where that cannot be written."""
    if path is None:
        yield sys.stdout
        return
    try:
        stream = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"--out {path}: cannot be written ({error.strerror}); choose another file.") from error
    with stream:
        yield stream


class Gallery:
    """A folder of annotated pictures, named after their originals; two of one name are told apart by a number."""

    def __init__(self, folder: Path):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"--annotate {folder}: cannot be made ({error.strerror}); choose another folder.") from error
        self.folder = folder
        self.written: list[Path] = []

    def add(self, item: Input, result: "Result") -> None:
        """Draws the result and writes it. Raises MienError where the folder cannot be written."""
        from mien.media.draw import draw

        assert item.source is not None
        stem = "stdin" if isinstance(item.source, bytes) else item.source.stem
        path, number = self.folder / f"{stem}.jpg", 1
        while path in self.written:
            number += 1
            path = self.folder / f"{stem}-{number}.jpg"
        try:
            draw(item.source, result).save(path, quality=92)
        except OSError as error:
            raise MienError(f"{path}: cannot be written ({error.strerror or error}).") from error
        self.written.append(path)

    def summary(self) -> str:
        """Where the pictures are."""
        if len(self.written) <= 3:
            return "\n".join(f"annotated: {path}" for path in self.written)
        return f"annotated: {len(self.written)} pictures in {self.folder}"
