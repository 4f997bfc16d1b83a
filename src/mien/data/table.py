"""CSV tables out of plain files, tar archives and zip files, with errors that name file, line and column."""

import csv
import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NoReturn, cast

from mien.errors import DataError

ARCHIVES = (".tar.gz", ".tgz", ".tar", ".zip")
DAMAGED: tuple[type[Exception], ...] = (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError, zipfile.BadZipFile)
with suppress(ImportError):  # Python may be built without it, and then opens no such archive
    from lzma import LZMAError

    DAMAGED += (LZMAError,)
CUT_OFF = "if this is the last line, the download was cut off"


@contextmanager
def open_table(path: Path, members: Sequence[str]) -> Iterator[tuple[BinaryIO, str]]:
    """The CSV at `path`, or the one among `members` (file names) inside the archive at `path`, however nested.

    Yields the open binary stream and a name for messages, such as `fer2013.tar.gz:fer2013/fer2013.csv`.
    """
    try:
        with path.open("rb") as file:
            yield _descend(file, str(path), members)
    except DAMAGED as error:  # also what is raised while the caller reads
        raise DataError(
            f"{path}: the archive ends early or is damaged ({error}); the download was cut off: fetch it again."
        ) from error
    except RuntimeError as error:  # zipfile's for a password or a method of compression that it does not know
        raise DataError(f"{path}: cannot be unpacked here ({error}); unpack it yourself, into the same folder.") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); check its disk and permissions.") from error


def _descend(stream: BinaryIO, name: str, members: Sequence[str]) -> tuple[BinaryIO, str]:
    if not name.endswith(ARCHIVES):
        return stream, name
    if name.endswith(".zip"):
        zipped = zipfile.ZipFile(stream)
        inside = _pick(zipped.namelist(), name, members)
        return _descend(cast(BinaryIO, zipped.open(inside)), f"{name}:{inside}", members)
    tarred = tarfile.open(fileobj=stream, mode="r:*")  # noqa: SIM115 (closed with the stream beneath it)
    files = {member.name: member for member in tarred if member.isreg()}  # not a folder, nor a link that leads nowhere
    inside = _pick(list(files), name, members)
    return _descend(cast(BinaryIO, tarred.extractfile(files[inside])), f"{name}:{inside}", members)


def _pick(names: list[str], archive: str, members: Sequence[str]) -> str:
    wanted = [n for member in members for n in names if Path(n).name == member]
    wanted += [n for n in names if n.endswith(ARCHIVES)]
    if not wanted:
        raise DataError(f"{archive}: holds {names[:5]}, expected one of {', '.join(members)}; this is another archive.")
    return wanted[0]


def read_rows(stream: BinaryIO, name: str, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Line number and the fields of `columns` for each row. Column order and blanks around names do not matter.

    Raises DataError for a table without these columns, and for a row with too few or too many fields.
    """
    reader = csv.reader(io.TextIOWrapper(stream, encoding="utf-8-sig", newline=""))
    try:
        header = [cell.strip() for cell in next(reader, [])]
        if not header:
            raise DataError(f"{name}: is empty; the download was cut off: fetch it again.")
        if missing := [column for column in columns if column not in header]:
            raise DataError(
                f"{name}: the first line lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)} "
                f"(found: {', '.join(header)[:80] or 'nothing'}); this is another file."
            )
        at = [header.index(column) for column in columns]
        for row in reader:
            if len(row) != len(header):
                malformed(name, reader.line_num, header[min(len(row), len(header)) - 1],
                          f"the row has {len(row)} fields, expected {len(header)}; {CUT_OFF}")  # fmt: skip
            yield reader.line_num, [row[i] for i in at]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{name}: is not a CSV table ({error}); this is another file.") from error


def malformed(name: str, line: int, column: str, problem: str) -> NoReturn:
    """Raises the DataError for one bad cell."""
    raise DataError(f"{name}, line {line}, column {column}: {problem}.")
