"""Files that are written whole or not at all, and their checksums."""

import hashlib
import os
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
