"""Parquet files that hold pictures: a column `bytes` with the files themselves, or `path` with where they stand.

Either may be a field of a struct `image`, as Hugging Face's data sets have it. Where both are there, `path` is the name.
"""

from collections.abc import Iterator
from typing import Any

from mien.batch.places import Place, why
from mien.errors import DataError

BATCH = 64
"""Rows that are held at a time."""


def count_rows(place: Place) -> int:
    """Raises DataError for what is no Parquet, or has neither column."""
    with place.open() as file:
        table = _open(place, file)
        if not find_columns(table):
            raise DataError(f"{place.name}: has no column `bytes` or `path`; it has {', '.join(table.schema_arrow.names)}.")
        return table.metadata.num_rows


def find_columns(table: Any) -> dict[str, str]:
    """Which of the table's columns are `bytes` and `path`, as far as they are there and of such a type."""
    import pyarrow.types as types

    found: dict[str, str] = {}
    for field in table.schema_arrow:
        fields = [field.type.field(i) for i in range(field.type.num_fields)] if types.is_struct(field.type) else [field]
        for inner in fields:
            name = inner.name if inner is field else f"{field.name}.{inner.name}"
            if inner.name == "bytes" and (types.is_binary(inner.type) or types.is_large_binary(inner.type)):
                found.setdefault("bytes", name)
            if inner.name == "path" and (types.is_string(inner.type) or types.is_large_string(inner.type)):
                found.setdefault("path", name)
    return found


def read_rows(place: Place, start: int, stop: int) -> Iterator[tuple[int, bytes | None, str | None]]:
    """Number, bytes and path of each of these rows. Raises DataError where they cannot be read, which may be after some."""
    import pyarrow as arrow

    try:
        with place.open() as file:
            table = _open(place, file)
            columns = find_columns(table)
            groups, first = _groups(table.metadata, start, stop)
            for batch in table.iter_batches(BATCH, groups, list(columns.values())):
                wanted = batch.slice(max(start - first, 0), max(stop - max(first, start), 0))
                yield from _rows(arrow.Table.from_batches([wanted]), columns, max(first, start))
                first += len(batch)
                if first >= stop:
                    return
    except (OSError, ValueError) as error:  # arrow's errors are of these kinds
        raise DataError(f"{place.name}: cannot be read ({why(error)}); write or fetch it again.") from None


def _rows(table: Any, columns: dict[str, str], first: int) -> Iterator[tuple[int, bytes | None, str | None]]:
    flat = table.flatten()
    values = [flat[columns[kind]] if kind in columns else None for kind in ("bytes", "path")]
    for i in range(len(flat)):
        data, path = (column[i].as_py() if column is not None else None for column in values)
        yield first + i, data, path


def _groups(metadata: Any, start: int, stop: int) -> tuple[list[int], int]:
    """The row groups that hold any of these rows, and the number of the first row in them."""
    groups, first, base = [], 0, None
    for i in range(metadata.num_row_groups):
        end = first + metadata.row_group(i).num_rows
        if first < stop and end > start:
            groups.append(i)
            base = first if base is None else base
        first = end
    return groups, base or 0


def _open(place: Place, file: Any) -> Any:
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(file)
    except (OSError, ValueError) as error:
        raise DataError(f"{place.name}: is no whole Parquet file ({why(error)}); write or fetch it again.") from None
