"""Whether a file ends before it says that it does, by the lengths that its container states."""

from pathlib import Path
from typing import BinaryIO

BOXES = {b"ftyp", b"styp", b"moov", b"mdat", b"moof", b"free", b"skip", b"wide", b"pnot"}
"""With what a box an MP4 or MOV file may begin."""
TS_PACKET = 188
EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


def is_cut_off(path: Path) -> bool:
    """Whether the end of an MP4, MOV, AVI, Matroska or transport stream file is missing; False for others: they do not tell."""
    with path.open("rb") as file:
        head, size = file.read(2 * TS_PACKET), file.seek(0, 2)
        if head[:1] == head[TS_PACKET : TS_PACKET + 1] == b"G" and head[:4] != b"GIF8":
            return size % TS_PACKET > 0
        if head[4:8] in BOXES:
            return sum(length for _, length in _boxes(file, size)) > size
        if head[:4] == b"RIFF":
            return _end_of_riff(file, size) > size
        return head[:4] == EBML and _end_of_segment(file) > size


def lacks_index(path: Path) -> bool:
    """Whether it is an MP4 or MOV file without the index (moov), which is often written last."""
    with path.open("rb") as file:
        head, size = file.read(8), file.seek(0, 2)
        return head[4:] in BOXES and b"moov" not in {kind for kind, _ in _boxes(file, size)}


def _boxes(file: BinaryIO, size: int) -> list[tuple[bytes, int]]:
    """Kind and stated length of each box of the file itself (ISO 14496-12, 4.2)."""
    boxes, start = [], 0
    while start + 8 <= size:
        file.seek(start)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:], "big")
        if length < 8:  # 0: to the end of the file
            length = size - start
        boxes.append((head[4:8], length))
        start += length
    return boxes


def _end_of_riff(file: BinaryIO, size: int) -> int:
    """Where the last of the RIFF chunks ends; a large AVI has several."""
    end = 0
    while end + 8 <= size:
        file.seek(end)
        head = file.read(8)
        if head[:4] != b"RIFF":
            break
        end += 8 + int.from_bytes(head[4:], "little")
    return end


def _end_of_segment(file: BinaryIO) -> int:
    """Where the segment ends, which holds all but the header; 0 where it does not say (RFC 8794, 4 and 6)."""
    file.seek(len(EBML))
    file.seek(_size(file) or 0, 1)
    if file.read(len(SEGMENT)) != SEGMENT:
        return 0
    length = _size(file)
    return 0 if length is None else file.tell() + length


def _size(file: BinaryIO) -> int | None:
    """A variable-size integer of EBML: the leading zeros of its first byte count the bytes that follow; None: unknown."""
    first = file.read(1)
    more = 8 - first[0].bit_length() if first else 0
    raw = int.from_bytes(first + file.read(more), "big")
    largest = (1 << 7 * (more + 1)) - 1
    return None if raw & largest == largest else raw & largest
