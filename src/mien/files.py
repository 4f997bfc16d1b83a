"""Files and folders that are written whole or not at all, and their checksums."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def replaced_file(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to, which takes its place when the block ends without an error.

    After a kill at any moment `path` holds the old content or the new.
    """
    partial = path.with_name(f".{path.name[:50]}.{os.getpid()}.partial")  # a long name has no room for more
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """An empty folder to fill, which takes the place of `folder` when the block ends without an error.

    Until then the old one stays where it is; it is put back where the new one cannot take its place.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name[:50]}-") as beside:
        partial, old = Path(beside, "new"), Path(f"{beside}-old")  # outside, or it would be deleted with the rest
        partial.mkdir()
        yield partial
        try:
            if folder.exists():
                folder.replace(old)
            partial.replace(folder)
        except BaseException:
            with suppress(OSError):
                old.replace(folder)
            raise
        if old.exists():
            old.replace(Path(beside, "old"))
