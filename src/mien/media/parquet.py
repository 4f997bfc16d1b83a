"""Results as Parquet, which other tools read fastest: rows of mien.media.table.COLUMNS, needs pyarrow."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from mien.errors import UsageError
from mien.media.sinks import written
from mien.media.table import COLUMNS, to_rows
from mien.results import Result

ROWS = 2_000
"""Those that are held, and written or read, together."""


def load_pyarrow() -> Any:
    """pyarrow with its parquet module. Raises UsageError where it is not installed."""
    try:
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise UsageError("Parquet needs pyarrow: pip install pyarrow.") from None
    return pyarrow


def build_schema(columns: Collection[str], facts: Mapping[str, str] | None = None) -> Any:
    """pyarrow's, of these of mien.media.table.COLUMNS; facts: its metadata."""
    arrow = load_pyarrow()
    types = {str: arrow.string(), int: arrow.int64(), float: arrow.float64(), bool: arrow.bool_()}
    return arrow.schema([(name, types[COLUMNS[name]]) for name in columns], facts)


def write_parquet(path: Path, results: Iterable[Result]) -> None:
    """Writes them whole or not at all; memory is that of ROWS rows. Raises VideoError where it cannot be written."""
    arrow = load_pyarrow()
    schema = build_schema(COLUMNS)
    rows = (row for result in results for row in to_rows(result))
    with written(path) as new, arrow.parquet.ParquetWriter(new, schema) as out:
        while group := list(islice(rows, ROWS)):
            out.write_table(arrow.Table.from_pylist(group, schema))


def read_parquet(path: Path) -> Iterator[dict[str, Any]]:
    """Its rows. Raises LookupError where it lacks one of COLUMNS, ValueError for what is no Parquet."""
    try:
        with load_pyarrow().parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(ROWS):
                yield from batch.select(list(COLUMNS)).to_pylist()
    except NotImplementedError as error:  # pyarrow's for kinds of numbers that only a damaged file has
        raise ValueError(str(error)) from error
