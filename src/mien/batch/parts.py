"""SOURCE cut into parts, each a few hundred pictures that are scored and written together."""

import io
import os
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import asdict, dataclass, replace
from typing import Any, Self, cast

from mien.batch import tables
from mien.batch.places import LocalPlace, Place, find_place, why
from mien.batch.tars import TARS, check_tar, is_packed
from mien.errors import DataError, MienError, UsageError

SHARE_BYTES = 1 << 26
"""Of a tar that can be cut: a share is one part."""
CONTAINERS = (".parquet", ".pq", *TARS)


@dataclass(frozen=True)
class Part:
    """Pictures by name, or those of a range of one container: rows of a Parquet file, or bytes of a tar.

    names: the files of kind `files`, or of `failed`, which has `error`; the container alone of `rows` and `members`.
    stop: None for the end.
    """

    kind: str
    names: tuple[str, ...]
    start: int = 0
    stop: int | None = None
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{**data, "names": tuple(data["names"])})


@dataclass(frozen=True)
class Source:
    """What the user named. base: what relative names start from. suffixes: of files that are pictures, in lower case.

    size: pictures in a part. kind: `folder`, `file` or `list`, as `resolve` finds. options: a URL whose credentials and
    query open others of its kind.
    """

    name: str
    base: str
    suffixes: Set[str]
    size: int
    kind: str = ""
    options: str = ""

    def place(self, name: str) -> Place:
        return find_place(name, self.base, self.options)


def resolve(source: Source) -> Source:
    """The source as it is stored: a list's own folder is what its lines start from.

    Raises UsageError where nothing is there, DataError where that cannot be told.
    """
    place = source.place(source.name)
    try:
        kind = place.kind()
    except OSError as error:
        raise DataError(f"{place.name}: cannot be read ({why(error)}); check the address and the credentials.") from None
    if kind is None:
        raise UsageError(f"{place.name}: no such file or folder; check the path.")
    if kind == "folder" or _is_container(place.name) or _is_picture(place.name, source):
        return replace(source, kind=kind)
    path = place.path if isinstance(place, LocalPlace) else place.name
    return replace(source, name=path, base=os.path.dirname(path), kind="list")


def find_parts(source: Source) -> Iterator[Part]:
    """The parts of what `resolve` gave, in an order that stays. Raises DataError where it cannot be read."""
    place = source.place(source.name)
    if source.kind == "folder":
        return _cut(source, _walk(place))
    if source.kind == "list":
        return _cut(source, _read_list(place))
    if _is_container(source.name):
        return iter(list(_cut_container(source, place)))  # at once: what is wrong with it is said before anything is made
    return iter([Part("files", (source.name,))])


def _is_container(name: str) -> bool:
    return name.lower().endswith(CONTAINERS)


def _is_picture(name: str, source: Source) -> bool:
    return os.path.splitext(name)[1].lower() in source.suffixes


def _walk(place: Place) -> Iterator[tuple[str, str | None]]:
    try:
        yield from place.walk()
    except OSError as error:
        raise DataError(f"{place.name}: cannot be listed ({why(error)}); check the address and the credentials.") from None


def _read_list(place: Place) -> Iterator[tuple[str, str | None]]:
    """A line a picture. Raises DataError for what is no text."""
    try:
        with place.open() as file:
            for line in io.BufferedReader(cast(Any, file)):  # what comes from afar gives no lines of its own
                if b"\0" in line:
                    raise DataError(
                        f"{place.name}: is no list of pictures: it holds bytes that are no text; give one path a line."
                    )
                if name := os.fsdecode(line.rstrip(b"\r\n")):
                    yield name, None
    except OSError as error:
        raise DataError(f"{place.name}: cannot be read ({why(error)}); check its path and permissions.") from None


def _cut(source: Source, found: Iterable[tuple[str, str | None]]) -> Iterator[Part]:
    """Files in groups of source.size, containers in parts of their own; of a folder's other files nothing is said."""
    pictures: list[str] = []
    for name, error in found:
        if error is not None:
            yield Part("failed", (name,), error=error)
        elif _is_container(name):
            try:
                yield from _cut_container(source, source.place(name))
            except MienError as broken:
                yield Part("failed", (name,), error=str(broken).removeprefix(f"{name}: "))
        elif source.kind == "list" or _is_picture(name, source):
            pictures.append(name)
        if len(pictures) == source.size:
            yield Part("files", tuple(pictures))
            pictures.clear()
    if pictures:
        yield Part("files", tuple(pictures))


def _cut_container(source: Source, place: Place) -> Iterator[Part]:
    """Raises DataError where it cannot be used."""
    name, size = place.name, source.size
    try:
        if not name.lower().endswith(TARS):
            rows = tables.count_rows(place)
            yield from (Part("rows", (name,), i, min(i + size, rows)) for i in range(0, rows, size))
            return
        whole = not isinstance(place, LocalPlace) or is_packed(name)
        check_tar(place, whole)
        starts = [0] if whole else [*range(0, os.path.getsize(place.path), SHARE_BYTES)]  # type: ignore[attr-defined]
        yield from (Part("members", (name,), i, j) for i, j in zip(starts, [*starts[1:], None], strict=True))
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({why(error)}); check its path and permissions.") from None
