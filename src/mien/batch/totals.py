"""A run's results read back, one row group at a time."""

import heapq
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mien.batch.store import Store
from mien.emotions import EMOTIONS
from mien.media.parquet import ROWS

BINS = 20
KINDS = 200
"""Kinds of error that are told apart; the rest are one."""
NAMED = 3
"""Pictures that are named for each kind of error."""


@dataclass
class Totals:
    """Sums over all rows. bins: of `confidence`, 0 to 1.

    named: the first pictures with each kind of error. least: the rows of the least certain faces, of identical ones one, and
    their part.
    """

    pictures: int = 0
    faces: int = 0
    ambiguous: int = 0
    without_face: int = 0
    failed: int = 0
    emotions: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    named: dict[str, list[str]] = field(default_factory=dict)
    bins: list[int] = field(default_factory=lambda: [0] * BINS)
    least: list[tuple[int, dict[str, Any]]] = field(default_factory=list)


def read_totals(store: Store, least: int) -> Totals:
    """Of the parts that are done; memory does not grow with them."""
    totals = Totals()
    heap: list[tuple[float, int, int, dict[str, Any]]] = []
    kept: set[tuple[float, ...]] = set()
    for number, place, row in read_rows(store, sorted(store.done())):
        _add(totals, row)
        if row["face"] is None:
            continue
        entry = (-row["confidence"], number, place, row)
        if (len(heap) == least and entry < heap[0]) or probs_of(row) in kept:
            continue
        kept.add(probs_of(row))
        heapq.heappush(heap, entry)
        if len(heap) > least:
            kept.remove(probs_of(heapq.heappop(heap)[-1]))
    totals.least = [(number, row) for _, number, _, row in sorted(heap, reverse=True)]
    return totals


def read_rows(store: Store, numbers: Sequence[int], **options: Any) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Part, place in it and values of each row of these parts. options: of ParquetFile.iter_batches."""
    import pyarrow.parquet

    for number in numbers:
        place = 0
        with pyarrow.parquet.ParquetFile(store.path(number)) as file:
            for batch in file.iter_batches(ROWS, **options):
                for row in batch.to_pylist():
                    yield number, place, row
                    place += 1


def read_errors(store: Store, numbers: Sequence[int], most: int) -> Iterator[tuple[str, str]]:
    """Source and error of the first pictures in these parts that have one."""
    rows = read_rows(store, numbers, columns=["source", "error"])
    for row in (row for _, _, row in rows if row["error"] is not None):
        if most == 0:
            return
        most -= 1
        yield row["source"], row["error"]


def probs_of(row: Mapping[str, Any]) -> tuple[float, ...]:
    """All eight, which to the last digit only identical crops have in common."""
    return tuple(row[emotion] for emotion in EMOTIONS)


def kind_of(error: str) -> str:
    """An error without what differs from picture to picture: `is a damaged picture (..); ...` -> `is a damaged picture`."""
    return re.sub(r"\d[\d,.]*", "…", re.split(r" \(|;", error)[0]).strip(" .")


def _add(totals: Totals, row: dict[str, Any]) -> None:
    totals.pictures += not row["face"]
    if row["error"] is not None:
        totals.failed += 1
        kind = kind_of(row["error"])
        kind = kind if kind in totals.kinds or len(totals.kinds) < KINDS else "other"
        totals.kinds[kind] += 1
        if totals.kinds[kind] <= NAMED:
            totals.named.setdefault(kind, []).append(row["source"])
    elif row["face"] is None:
        totals.without_face += 1
    else:
        totals.faces += 1
        totals.ambiguous += row["ambiguous"]
        totals.emotions[row["emotion"]] += 1
        totals.bins[min(int(row["confidence"] * BINS), BINS - 1)] += 1
