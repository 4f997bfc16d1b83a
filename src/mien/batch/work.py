"""A part scored: its pictures in, the bytes of a Parquet file out."""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import Any

from mien.batch.guard import Guard
from mien.batch.items import Item, read_items
from mien.batch.parts import Part, Source
from mien.errors import BundleError
from mien.media.parquet import ROWS, build_schema
from mien.media.table import CSV_COLUMNS, to_rows
from mien.results import SCHEMA, Result

GROUP = 16
"""Pictures whose faces are classified together, as `mien predict` does."""


@dataclass(frozen=True)
class Job:
    """What a run does, the same on every machine. options: of Recognizer; model: the name and sha256 that it must have."""

    source: Source
    options: Mapping[str, Any]
    model: Mapping[str, str]
    whole_image: bool = False


@dataclass(frozen=True)
class Counts:
    pictures: int = 0
    faces: int = 0
    errors: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.pictures + other.pictures, self.faces + other.faces, self.errors + other.errors)

    @classmethod
    def of(cls, result: Result) -> "Counts":
        return cls(1, len(result.faces), result.error is not None)


def score_part(job: Job, part: Part, guard: Guard) -> tuple[bytes, Counts]:
    """Its results as a Parquet file, in the order of its pictures. Raises BundleError where the model is another one."""
    import pyarrow.parquet

    out, counts = io.BytesIO(), Counts()
    rows: list[dict[str, Any]] = []
    with pyarrow.parquet.ParquetWriter(out, schema(job.model), compression="zstd") as writer:
        for result in recognize_items(job, read_items(job.source, part), guard):
            counts += Counts.of(result)
            rows += to_rows(result)
            if len(rows) >= ROWS:
                writer.write_table(pyarrow.Table.from_pylist(rows, writer.schema))
                rows.clear()
        writer.write_table(pyarrow.Table.from_pylist(rows, writer.schema))
    return out.getvalue(), counts


def recognize_items(job: Job, items: Iterable[Item], guard: Guard) -> Iterator[Result]:
    """Each item's result, by its name."""
    items = iter(items)
    while group := list(islice(items, GROUP)):
        answers = iter(guard.recognize([i.picture for i in group if i.picture is not None], job.whole_image))
        for item in group:
            result = Result(item.name, 0, 0, error=item.error) if item.picture is None else next(answers)
            if result.model and result.model != job.model:
                raise BundleError(f"model {result.model}: expected {job.model}; install the same mien on every machine.")
            yield replace(result, source=item.name)


def schema(model: Mapping[str, str]) -> Any:
    """The columns of a table of pictures, with what they are in the metadata."""
    facts = {"mien.schema": str(SCHEMA), "mien.model": model["name"], "mien.model.sha256": model["sha256"]}
    return build_schema(CSV_COLUMNS, facts)


@lru_cache(1)
def own_guard(options: tuple[tuple[str, Any], ...]) -> Guard:
    """This process's, which lives as long as it does: its end ends the guarded process too."""
    return Guard(dict(options))
