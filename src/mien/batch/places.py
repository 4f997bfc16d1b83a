"""Where pictures stand: a local path, or a URL that pyarrow's file systems open, behind the same few functions."""

import os
import posixpath
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, BinaryIO, Protocol, cast
from urllib.parse import urlsplit, urlunsplit

from mien.errors import DataError, UsageError, lacking, one_line

RUN_MARK = "_mien.json"
"""A folder that holds this file is a run's output, and nothing in it is a source."""
MAX_BYTES = 1 << 28
"""A larger file is no picture."""


class Place(Protocol):
    """A file or folder. name: as it is shown and stored, without credentials."""

    name: str

    def kind(self) -> str | None:
        """`file`, `folder`, or None where nothing is there."""

    def walk(self) -> Iterator[tuple[str, str | None]]:
        """The files below a folder, in an order that stays: the name of each, and why it could not be listed, or None."""

    def open(self) -> BinaryIO:
        """Its bytes; can seek."""


class LocalPlace:
    """A path, relative to `base`."""

    def __init__(self, name: str, base: str):
        self.name, self._base = name, base
        self.path = os.path.join(base, name)

    def kind(self) -> str | None:
        return "folder" if os.path.isdir(self.path) else "file" if os.path.exists(self.path) else None

    def walk(self) -> Iterator[tuple[str, str | None]]:
        barred: list[OSError] = []
        for parent, folders, names in os.walk(self.path, onerror=barred.append):
            if RUN_MARK in names:
                folders.clear()
                continue
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if not name.startswith(".") and self._may_read(os.path.join(parent, name)):
                    yield os.path.join(self._shown(parent), name), None
        for error in barred:
            yield self._shown(error.filename), f"cannot be listed ({error.strerror}); change its mode."

    def open(self) -> BinaryIO:
        return open(self.path, "rb")

    def _shown(self, path: str) -> str:
        """A path at or below this one, by a name that begins as this one's."""
        return self.name if path == self.path else os.path.join(self.name, os.path.relpath(path, self.path))

    @staticmethod
    def _may_read(path: str) -> bool:
        """Not a pipe or a device; a link that leads nowhere is a picture that fails."""
        return os.path.isfile(path) or not os.path.exists(path)


class RemotePlace:
    """A URL. options: another one, whose credentials and query (region, endpoint_override, ...) are its own too."""

    def __init__(self, url: str, options: str = ""):
        self._url, self._options = url, options
        self.name = without_secrets(url)

    def kind(self) -> str | None:
        import pyarrow.fs as fs

        found = self._system().get_file_info(self._path())
        return {fs.FileType.File: "file", fs.FileType.Directory: "folder"}.get(found.type)

    def walk(self) -> Iterator[tuple[str, str | None]]:
        import pyarrow.fs as fs

        root, folders = self._path(), [self._path()]
        while folders:
            folder = folders.pop()
            found = sorted(self._system().get_file_info(fs.FileSelector(folder)), key=lambda info: info.path)
            if any(info.base_name == RUN_MARK for info in found):
                continue
            shown = [info for info in found if not info.base_name.startswith(".")]
            folders += [info.path for info in reversed(shown) if info.type == fs.FileType.Directory]
            for info in shown:
                if info.type == fs.FileType.File:
                    yield posixpath.join(self.name, posixpath.relpath(info.path, root)), None

    def open(self) -> BinaryIO:
        return cast(BinaryIO, self._system().open_input_file(self._path()))

    def _system(self) -> Any:
        parts = urlsplit(_with_options(self._url, self._options))
        return _open_system(urlunsplit((parts.scheme, parts.netloc, "", parts.query, "")))[0]

    def _path(self) -> str:
        """As the file system wants it: from the bucket on, or for HDFS below its host."""
        parts = urlsplit(self.name)
        return parts.path if parts.scheme in ("hdfs", "viewfs") else (parts.netloc + parts.path).rstrip("/")


def is_url(name: str) -> bool:
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", name) is not None


def find_place(name: str, base: str, options: str = "") -> Place:
    """The place of that name: a URL, or a path relative to `base`, which may be a URL too. options: as of RemotePlace.

    Raises UsageError for a URL that no file system opens.
    """
    if not is_url(name) and is_url(base):
        name = posixpath.join(base, name)
    if not is_url(name):
        return LocalPlace(name, base)
    if name.startswith("file://"):
        return LocalPlace(_open_system(name)[1], "/")
    return RemotePlace(name, options)


def without_secrets(url: str) -> str:
    """The URL without user, password and query, which may hold keys."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def read_picture_file(place: Place) -> bytes:
    """The whole file. Raises OSError where it cannot be read, DataError where it is too large to be a picture."""
    with place.open() as file:
        size = file.seek(0, os.SEEK_END)
        if size > MAX_BYTES:
            raise DataError(f"has {size:,} bytes, too many for a picture.")
        file.seek(0)
        return file.read()


def why(error: Exception) -> str:
    """An exception of pyarrow or of the system in a few words, on one line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return one_line(text.strip().splitlines()[0].rstrip("."))[:300]


def _with_options(url: str, options: str) -> str:
    own, given = urlsplit(url), urlsplit(options)
    if own.query or "@" in own.netloc or own.scheme != given.scheme:
        return url
    user = given.netloc.rpartition("@")[0]
    return urlunsplit((own.scheme, f"{user}@{own.netloc}" if user else own.netloc, own.path, given.query, ""))


@lru_cache(64)
def _open_system(url: str) -> tuple[Any, str]:
    """pyarrow's file system for the URL, and the path in it. Its errors may hold the keys, so they are not shown whole."""
    try:
        from pyarrow.fs import FileSystem
    except ModuleNotFoundError:
        raise lacking(f"{without_secrets(url)}: needs pyarrow", "batch") from None
    try:
        return FileSystem.from_uri(url)
    except Exception as error:  # ArrowInvalid and OSError, and what a missing library raises
        reason = why(error).replace(url, without_secrets(url))
        raise UsageError(f"{without_secrets(url)}: cannot be opened ({reason}); see docs/scale.md for addresses.") from None
