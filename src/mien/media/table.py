"""Results as a table: rows, and a DataFrame of them."""

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from itertools import islice
from typing import Any

from mien.emotions import EMOTIONS
from mien.errors import UsageError, unknown
from mien.results import Box, Face, Result, as_unicode

SMOOTHED = tuple(f"smoothed_{name}" for name in EMOTIONS)
COLUMNS: dict[str, type] = {
    "source": str, "frame": int, "time_s": float, "face": int, "track": int, "x": int, "y": int, "width": int, "height": int,
    "score": float, "emotion": str, "confidence": float, "ambiguous": bool, **dict.fromkeys(EMOTIONS + SMOOTHED, float),
    "error": str,
}  # fmt: skip
"""What a row of a table holds, in order; each may also be None."""
VIDEO_COLUMNS = tuple(COLUMNS)
CSV_COLUMNS = tuple(name for name in COLUMNS if name not in SMOOTHED)
"""Those of pictures, which nothing smooths."""


def to_rows(result: Result) -> list[dict[str, Any]]:
    """One row of COLUMNS a face; one with None for a face where there is none, so that nothing vanishes."""
    error = None if result.error is None else as_unicode(result.error)
    base = {"source": as_unicode(result.source), "frame": result.frame, "time_s": result.time_s, "error": error}
    blank: dict[str, Any] = dict.fromkeys(COLUMNS)
    if not result.faces:
        return [blank | base]
    return [blank | base | _face_row(i, face) for i, face in enumerate(result.faces)]


def from_rows(rows: Sequence[Mapping[str, Any]]) -> Result:
    """The result that `to_rows` made them of, but for what they do not hold: the picture's size (here 0) and the model."""
    first = rows[0]
    faces = tuple(_row_face(row) for row in rows if row["face"] is not None)
    return Result(first["source"], 0, 0, faces, {}, first["frame"], first["time_s"], first["error"])


def _face_row(number: int, face: Face) -> dict[str, Any]:
    box = {"x": face.box.x, "y": face.box.y, "width": face.box.width, "height": face.box.height}
    named = {"emotion": face.emotion, "confidence": face.confidence, "ambiguous": face.ambiguous}
    smoothed = {f"smoothed_{name}": p for name, p in (face.smoothed or {}).items()}
    return {"face": number, "track": face.track, **box, "score": face.score, **named, **face.probs, **smoothed}


def _row_face(row: Mapping[str, Any]) -> Face:
    box = Box(row["x"], row["y"], row["width"], row["height"])
    smoothed = {name: row[f"smoothed_{name}"] for name in EMOTIONS}
    return Face(
        box,
        row["score"],
        {name: row[name] for name in EMOTIONS},
        row["emotion"],
        row["confidence"],
        row["ambiguous"],
        row["track"],
        None if None in smoothed.values() else smoothed,
    )


def to_frame(results: Iterable[Result], library: str = "pandas") -> Any:
    """All results as a pandas or polars DataFrame, a row a face. Raises UsageError where that is not installed."""
    return rows_to_frame((row for result in results for row in to_rows(result)), library)


PIECE = 10_000


def rows_to_frame(rows: Iterable[Mapping[str, Any]], library: str) -> Any:
    """Rows of COLUMNS as a DataFrame whose columns have the same types whatever they hold.

    Of the rows themselves, which are many times as large, PIECE are held at a time.
    """
    if library not in ("pandas", "polars"):
        raise unknown("library", library, ("pandas", "polars"))
    try:
        module = import_module(library)
    except ModuleNotFoundError:
        raise UsageError(f"{library} is not installed: pip install {library}.") from None
    rows, piece = iter(rows), _polars_piece if library == "polars" else _pandas_piece
    pieces = [piece(module, list(islice(rows, PIECE)))]
    while group := list(islice(rows, PIECE)):
        pieces.append(piece(module, group))
    return module.concat(pieces) if library == "polars" else module.concat(pieces, ignore_index=True)


def _pandas_piece(pandas: Any, rows: Sequence[Mapping[str, Any]]) -> Any:
    types = {str: "string", int: "Int64", float: "float64", bool: "boolean"}
    return pandas.DataFrame({c: pandas.Series([row[c] for row in rows], dtype=types[kind]) for c, kind in COLUMNS.items()})


def _polars_piece(polars: Any, rows: Sequence[Mapping[str, Any]]) -> Any:
    types = {str: polars.String, int: polars.Int64, float: polars.Float64, bool: polars.Boolean}
    return polars.DataFrame({c: [row[c] for row in rows] for c in COLUMNS}, {c: types[kind] for c, kind in COLUMNS.items()})
