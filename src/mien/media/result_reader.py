"""Result files read back, as far as they are whole: a last line without its end was torn off, and is left out."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

from mien.errors import DataError, UsageError
from mien.media.parquet import read_parquet
from mien.media.table import COLUMNS, CSV_COLUMNS, VIDEO_COLUMNS, from_rows, rows_to_frame, to_rows
from mien.results import Result

Row = dict[str, Any]
PARSERS: dict[type, Callable[[str], Any]] = {str: str, int: int, float: float, bool: {"true": True, "false": False}.__getitem__}


def read_results(path: str | PathLike[str], library: str = "pandas") -> Any:
    """The results of `mien predict` or `mien video`, as a pandas or polars DataFrame: a row a face.

    path: a .csv, .jsonl, .json or .parquet; one that is still being written, or was cut off, gives what is whole of it.
    The columns are the same for all: those of a video's CSV (docs/contract.md), with numbers as numbers and missing values
    where a picture has no face, a face no track, or nothing was smoothed. Raises DataError for what is no result file,
    UsageError for another suffix or where the library (or pyarrow, for Parquet) is not installed.
    """
    path = Path(path)
    if path.suffix.lower() not in READERS:
        raise UsageError(f"{path}: expected a name that ends in {', '.join(READERS)}.")
    with _readable(path):
        return rows_to_frame(READERS[path.suffix.lower()](path), library)


def read_finished(path: Path, format_: str) -> Iterator[tuple[Result, int]]:
    """A video's finished frames in a csv or jsonl file, and where in it each one ends, in bytes.

    Whether the last frame of a CSV has all its faces is known only where it has none: otherwise it counts as unfinished.
    Raises DataError for another file.
    """
    with _readable(path), path.open("rb") as file:
        yield from _csv_frames(file) if format_ == "csv" else _json_lines(file)


def rows_to_results(rows: Iterable[Row]) -> Iterator[Result]:
    """The frames of a video that they were made of; sizes and model are not in rows."""
    return (from_rows(list(of_frame)) for _, of_frame in groupby(rows, key=lambda row: row["frame"]))


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; check the path.") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); check its disk and permissions.") from error
    except (LookupError, TypeError, ValueError, AttributeError, csv.Error) as error:
        raise DataError(f"{path}: is no result file of mien, or was changed since ({error}).") from error


def _csv_frames(file: BinaryIO) -> Iterator[tuple[Result, int]]:
    held: list[Row] = []
    end = 0
    for row, row_end in _csv_rows(file, VIDEO_COLUMNS):
        if held and row["frame"] != held[0]["frame"]:
            yield from_rows(held), end
            held = []
        held, end = [*held, row], row_end
    if held and held[0]["face"] is None:
        yield from_rows(held), end


def _csv_rows(file: BinaryIO, expected: Iterable[str] = CSV_COLUMNS) -> Iterator[tuple[Row, int]]:
    end, torn = 0, True

    def lines() -> Iterator[str]:
        nonlocal end, torn
        for line in _whole_lines(file):
            end += len(line)
            torn = False
            yield line.decode()
        torn = True

    reader = csv.reader(lines(), strict=True)
    try:
        header = next(reader, list(expected))
        if missing := [name for name in expected if name not in header]:
            raise DataError(f"{file.name}: has no column {missing[0]!r}; expected {','.join(expected)}.")
        for texts in reader:
            yield _typed(dict(zip(header, texts, strict=True))), end
    except csv.Error:
        if not torn:  # else a quoted text that goes over several lines has been cut off between them
            raise


def _typed(texts: dict[str, str]) -> Row:
    return {name: PARSERS[kind](text) if (text := texts.get(name)) else None for name, kind in COLUMNS.items()}


def _json_lines(file: BinaryIO) -> Iterator[tuple[Result, int]]:
    end = 0
    for line in _whole_lines(file):
        end += len(line)
        yield Result.from_dict(json.loads(line)), end


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    return (line for line in file if line.endswith(b"\n"))


def _rows_of_csv(path: Path) -> Iterator[Row]:
    with path.open("rb") as file:
        yield from (row for row, _ in _csv_rows(file))


def _rows_of_json_lines(path: Path) -> Iterator[Row]:
    with path.open("rb") as file:
        yield from (row for result, _ in _json_lines(file) for row in to_rows(result))


def _rows_of_json(path: Path) -> Iterator[Row]:
    return (row for data in json.loads(path.read_bytes()) for row in to_rows(Result.from_dict(data)))


READERS = {".csv": _rows_of_csv, ".jsonl": _rows_of_json_lines, ".json": _rows_of_json, ".parquet": read_parquet}
