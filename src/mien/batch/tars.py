"""Tars in WebDataset's form: members read in their order, of which a share is told by the bytes that it begins in."""

import tarfile
from collections.abc import Iterator
from typing import Any, BinaryIO, Self, cast

from mien.batch.places import MAX_BYTES, Place
from mien.errors import DataError

PACKED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
TARS = (".tar", *PACKED)


class Header(tarfile.TarInfo):
    """A member, which tells its tar why there is no other after it: tarfile passes over that in silence."""

    @classmethod
    def fromtarfile(cls, tarfile: Any) -> Self:
        try:
            return super().fromtarfile(tarfile)
        except Exception as error:
            tarfile.last_error = error
            raise


def is_packed(name: str) -> bool:
    """Compressed, so that it is only to be read from its beginning."""
    return name.lower().endswith(PACKED)


def check_tar(place: Place, packed: bool) -> None:
    """Raises DataError where not even its beginning is that of a tar."""
    try:
        with place.open() as file, tarfile.open(fileobj=file, mode=_mode(packed)):
            pass
    except (tarfile.TarError, EOFError) as error:
        raise DataError(f"{place.name}: is no tar ({error}); write or fetch it again.") from None


def read_members(file: BinaryIO, start: int, stop: int | None, packed: bool) -> Iterator[tuple[str, Any, str | None]]:
    """Name, bytes and error of each file whose header stands from byte `start` on and before `stop`.

    The name is empty where the tar itself is what is broken. packed: compressed, or only to be read from the beginning.
    """
    last, name, broken = -1, "", False
    try:
        with tarfile.open(fileobj=file, mode=_mode(packed), tarinfo=Header) as tar:
            while member := tar.next():
                cast(Any, tar).members = []  # or every one that was seen is kept
                last, name = member.offset, member.name
                if stop is not None and last >= stop:
                    return
                if last >= start and member.isfile():
                    data, problem = _read(tar, member)
                    broken = problem is not None
                    yield name, data, problem
            ended = type(getattr(tar, "last_error", None)).__name__ == "EOFHeaderError"
            place = tar.offset
    except Exception as error:  # tarfile's, and those of the three decompressors
        if not broken and last >= start:
            yield "", None, _cut_off(name, str(error))
        elif last < 0 and start == 0:
            yield "", None, f"is no tar ({error}); write or fetch it again."
        return
    if not ended and not broken and place >= start and (stop is None or place < stop):
        yield "", None, _cut_off(name)


def _mode(packed: bool) -> Any:
    return "r|*" if packed else "r:"


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[bytes | None, str | None]:
    if member.size > MAX_BYTES:
        return None, f"has {member.size:,} bytes, too many for a picture."
    try:
        file = tar.extractfile(member)
        return (file.read() if file else b""), None
    except (tarfile.TarError, EOFError, OSError) as error:
        return None, f"the tar is cut off in the midst of it ({error}); fetch or write that again."


def _cut_off(after: str, reason: str = "") -> str:
    where = f" after {after}" if after else ""
    why = f" ({reason})" if reason else ": it ends without an end mark"
    return f"is cut off or damaged{where}{why}; fetch or write it again."
