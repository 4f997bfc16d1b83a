"""A part's pictures, one after the other: the name of each, and what the recogniser is to read."""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from mien.batch.parts import Part, Source
from mien.batch.places import LocalPlace, Place, is_url, read_picture_file, why
from mien.batch.tables import read_rows
from mien.batch.tars import is_packed, read_members
from mien.errors import DataError, MienError

THREADS = 8
"""Files that are fetched at a time where they come from afar."""


@dataclass(frozen=True)
class Item:
    """A picture: a local path or the bytes of a file, or why there is neither."""

    name: str
    picture: Path | bytes | None = None
    error: str | None = None


def read_items(source: Source, part: Part) -> Iterator[Item]:
    """One for each of the part's pictures, whatever befalls them, and one more where a container itself is broken."""
    if part.kind == "rows":
        yield from _rows(source, part)
    elif part.kind == "members":
        yield from _members(source, part)
    elif part.kind == "failed":
        yield from (Item(name, error=part.error) for name in part.names)
    else:
        yield from _files(source, part.names)


def _files(source: Source, names: tuple[str, ...]) -> Iterator[Item]:
    """Local ones are left to who decodes them; the others are fetched while those before them are decoded."""
    if not any(is_url(name) for name in (source.base, *names)):
        yield from (_fetch(source, name) for name in names)
        return
    with ThreadPoolExecutor(THREADS) as pool:
        waiting = deque(pool.submit(_fetch, source, name) for name in names[: 2 * THREADS])
        for name in names[2 * THREADS :]:
            yield waiting.popleft().result()
            waiting.append(pool.submit(_fetch, source, name))
        while waiting:
            yield waiting.popleft().result()


def _fetch(source: Source, name: str) -> Item:
    try:
        place = source.place(name)
        if isinstance(place, LocalPlace):
            return Item(name, Path(place.path))
        return Item(place.name, read_picture_file(place))
    except FileNotFoundError:
        return Item(_shown(source, name), error="no such file; check the path.")
    except OSError as error:
        return Item(_shown(source, name), error=f"cannot be read ({why(error)}).")
    except MienError as error:
        return Item(_shown(source, name), error=str(error))


def _shown(source: Source, name: str) -> str:
    return source.place(name).name if is_url(name) or is_url(source.base) else name


def _rows(source: Source, part: Part) -> Iterator[Item]:
    container, row = part.names[0], part.start
    place, stop = source.place(container), part.stop or 0
    try:
        for number, data, path in read_rows(place, part.start, stop):
            row = number + 1
            yield _row_item(source, container, number, data, path)
    except DataError as error:
        reason = str(error).removeprefix(f"{place.name}: ")
        yield from (Item(f"{container}:{lost}", error=reason) for lost in range(row, stop))


def _row_item(source: Source, container: str, number: int, data: bytes | None, path: str | None) -> Item:
    """Named by its path, or by the table's name and its row; a relative path starts from the table's folder."""
    name = path or f"{container}:{number}"
    if data is not None:
        return Item(name, data)
    if path is None:
        return Item(name, error="its row holds no picture.")
    beside = path if is_url(path) else os.path.join(os.path.dirname(container), path)
    return replace(_fetch(source, beside), name=name)


def _members(source: Source, part: Part) -> Iterator[Item]:
    """Those with a picture's suffix, but for what is hidden; errors of the tar itself go by its own name."""
    container = part.names[0]
    try:
        yield from _read_tar(source, source.place(container), part)
    except OSError as error:
        yield Item(container, error=f"cannot be read ({why(error)}).")


def _read_tar(source: Source, place: Place, part: Part) -> Iterator[Item]:
    packed = is_packed(place.name) or not isinstance(place, LocalPlace)
    with place.open() as file:
        for name, data, error in read_members(file, part.start, part.stop, packed):
            base, suffix = os.path.basename(name), os.path.splitext(name)[1].lower()
            if not name:
                yield Item(place.name, error=error)
            elif suffix in source.suffixes and not base.startswith("."):
                yield Item(f"{place.name}/{name}", data, error)
