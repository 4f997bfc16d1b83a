"""`mien score`: a large set of pictures to Parquet, and a finished run to a page."""

import os
import sys
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.inputs import SUFFIXES
from mien.cli.options import DetectorName, EngineName, MaxFaces, MinFace, ModelName, Threshold
from mien.cli.output import say
from mien.errors import UsageError, lacking

if TYPE_CHECKING:
    from mien.batch.run import Execute
    from mien.batch.store import Store
    from mien.batch.work import Counts, Job

NAMED = 10
"""Errors that are said on stderr; all are in the results."""


def score(
    source: Annotated[
        str, typer.Argument(help="A folder, a list, a Parquet, a tar, or a URL of one; with --summary alone, a finished run.")
    ],
    out: Annotated[Path | None, typer.Option(help="The folder for the results; the same command goes on with it.")] = None,
    address: Annotated[str | None, typer.Option(help="Of a Ray cluster; without it all is done on this machine.")] = None,
    summary: Annotated[bool, typer.Option("--summary", help="Write _summary.html into the run's folder.")] = False,
    workers: Annotated[int, typer.Option(min=0, help="Processes on this machine; 0: one a core.")] = 0,
    part: Annotated[int, typer.Option(min=1, help="Pictures in a file; each worker loses so many at most when killed.")] = 256,
    whole_image: Annotated[bool, typer.Option("--whole-image", help="Each picture is one face already cropped.")] = False,
    min_face: MinFace = 0,
    max_faces: MaxFaces = None,
    threshold: Threshold = 0.5,
    model: ModelName = "mien",
    detector: DetectorName = "full_range",
    engine: EngineName = "litert",
) -> None:
    """Score many pictures into Parquet files, a row a face, on all cores or a cluster; goes on where it was stopped.

    A picture that cannot be read, or that ends the process which reads it, is a row with `error`, and the exit code is 1.
    """
    from mien.inference.recognizer import Recognizer

    if out is None:
        if not summary:
            raise UsageError("score: give --out DIR for the results, or --summary DIR for a page about a finished run.")
        print(write_summary_page(Path(source)))
        return
    check_packages()
    options: dict[str, Any] = {
        "model": str(Path(model).resolve()) if os.path.isdir(model) else model, "detector": detector, "threads": 1,
        "engine": engine, "threshold": threshold, "min_face_px": min_face, "max_faces": max_faces,
    }  # fmt: skip
    recognizer = Recognizer(**options)
    recognizer.classify([])  # loads the network: what it lacks is said before a folder is made
    job = build_job(source, part, options, dict(recognizer.model), whole_image)
    code = run_to_end(job, out, workers, address)
    print(write_summary_page(out) if summary and code in (0, 1) else out)
    raise typer.Exit(code)


def build_job(source: str, part: int, options: dict, model: dict[str, str], whole_image: bool) -> "Job":
    from mien.batch.parts import Source
    from mien.batch.places import is_url, without_secrets
    from mien.batch.work import Job

    name, given = (without_secrets(source), source) if is_url(source) else (source, "")
    return Job(Source(name, os.getcwd(), frozenset(SUFFIXES), part, options=given), options, model, whole_image)


def run_to_end(job: "Job", out: Path, workers: int, address: str | None) -> int:
    """The exit code, everything that is to be said having been said."""
    from mien.batch.cluster import score_parts
    from mien.batch.run import prepare
    from mien.machine import count_cores

    start = time.monotonic()
    job, store = prepare(job, out)
    before = len(store.done())
    try:
        new = follow(job, store, partial(score_parts, workers=workers or count_cores(), address=address), before)
    except KeyboardInterrupt:
        say(f"interrupted; what is done is kept in {out}, and the same command goes on.")
        return 130
    return conclude(store, new, time.monotonic() - start)


def follow(job: "Job", store: "Store", execute: "Execute", before: int) -> int:
    """Runs it with a bar where stderr is a terminal; how many pictures were scored."""
    from mien.batch.run import run

    pictures = 0
    for counts in bar(run(job, store, execute), store.facts["parts"], before):
        pictures += counts.pictures
    return pictures


def bar(parts: "Iterable[Counts]", total: int, done: int) -> "Iterable[Counts]":
    if not sys.stderr.isatty():
        yield from parts
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("parts", total=total, completed=done)
        for counts in parts:
            yield counts
            progress.update(task, advance=1)


def conclude(store: "Store", new: int, seconds: float) -> int:
    """Says what the whole run comes to, and its first errors; the exit code."""
    from mien.batch.totals import read_errors
    from mien.batch.work import Counts

    done = store.done()
    total = sum(done.values(), Counts())
    for name, error in read_errors(store, [number for number in sorted(done) if done[number].errors], NAMED):
        say(f"{name}: {error}")
    if total.errors > NAMED:
        say(f"... and {total.errors - NAMED:,} more; see the rows with `error`.")
    words = f"{total.pictures:,} pictures, {total.faces:,} faces, {total.errors:,} errors in {store.folder}"
    say(f"{words}; {new:,} of them in {seconds:.1f} s.")
    return 1 if total.errors else 0


def write_summary_page(folder: Path) -> Path:
    """Writes the page about a run; its path."""
    from mien.batch.summary import write_page

    check_packages()
    return write_page(folder, frozenset(SUFFIXES))


def check_packages() -> None:
    """Raises UsageError where the extra is not installed."""
    from importlib.util import find_spec

    for package in ("pyarrow", "ray"):
        if find_spec(package) is None:
            raise lacking(f"mien score needs {package}", "batch")
