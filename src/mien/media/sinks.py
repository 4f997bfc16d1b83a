"""Results to text streams: one writer a format, each writing a result as soon as it is there; and files written at once."""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Protocol, TextIO

from mien.errors import VideoError, one_line
from mien.files import replaced_file
from mien.media.table import CSV_COLUMNS, VIDEO_COLUMNS, to_rows
from mien.results import Result, label, percent


class Sink(Protocol):
    """Gets results one by one; `close` writes what the format needs at its end, and leaves the stream open."""

    def write(self, result: Result) -> None: ...
    def close(self) -> None: ...


class JsonLinesSink:
    """One JSON object a line (the schema of docs/contract.md)."""

    def __init__(self, out: TextIO):
        self._out = out

    def write(self, result: Result) -> None:
        self._out.write(json.dumps(result.to_dict(), ensure_ascii=False) + "\n")
        self._out.flush()

    def close(self) -> None:
        pass


class JsonSink:
    """One JSON array of results."""

    def __init__(self, out: TextIO):
        self._out, self._before = out, "[\n"

    def write(self, result: Result) -> None:
        self._out.write(self._before + json.dumps(result.to_dict(), ensure_ascii=False))
        self._before = ",\n"

    def close(self) -> None:
        self._out.write("[]\n" if self._before == "[\n" else "\n]\n")


class CsvSink:
    """A row a face, and one with empty face columns for a picture without faces."""

    def __init__(self, out: TextIO, columns: Sequence[str] = CSV_COLUMNS):
        # Python before 3.13 quotes a carriage return only where it ends the lines.
        lines = SimpleNamespace(write=lambda line: out.write(line.removesuffix("\r\n") + "\n"))
        self._out = out
        self._writer = csv.DictWriter(lines, columns, extrasaction="ignore", lineterminator="\r\n")
        self._writer.writeheader()

    def write(self, result: Result) -> None:
        for row in to_rows(result):
            ambiguous = {True: "true", False: "false", None: ""}[row["ambiguous"]]
            self._writer.writerow({**row, "ambiguous": ambiguous})
        self._out.flush()

    def close(self) -> None:
        pass


class TextSink:
    """For people: a picture a line, its faces indented below, with their most probable emotions as bars."""

    def __init__(self, out: TextIO):
        self._out = out

    def write(self, result: Result) -> None:
        count = f"{len(result.faces)} face{'' if len(result.faces) == 1 else 's'}"
        self._out.write(one_line(f"{result.source}: {result.error or count}") + "\n")
        for i, face in enumerate(result.faces):
            box = f"{face.box.width}x{face.box.height} at {face.box.x},{face.box.y}"
            note = "  (ambiguous)" if face.ambiguous else ""
            self._out.write(f"  face {i}  {box}  {label(face)}{note}\n")
            probs = face.smoothed or face.probs
            for name in sorted(probs, key=lambda name: -probs[name]):
                self._out.write(f"    {name:<10} {percent(probs[name], 1):>6} {'█' * round(30 * probs[name])}".rstrip() + "\n")
        self._out.flush()

    def close(self) -> None:
        pass


SINKS: dict[str, Callable[[TextIO], Sink]] = {"text": TextSink, "json": JsonSink, "jsonl": JsonLinesSink, "csv": CsvSink}
VIDEO_SINKS: dict[str, Callable[[TextIO], Sink]] = {
    "csv": partial(CsvSink, columns=VIDEO_COLUMNS),
    "jsonl": JsonLinesSink,
}


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """As `files.replaced_file`. Raises VideoError where it cannot be written."""
    try:
        with replaced_file(path) as new:
            yield new
    except OSError as error:
        raise VideoError(
            f"{path}: cannot be written ({error.strerror or error}); make room or choose another place."
        ) from error
