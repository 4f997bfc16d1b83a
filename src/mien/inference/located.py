"""A face cut out of its picture, before it is classified."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mien.errors import ImageError
from mien.inference.crop import SIDE_PX, Square, crop_square
from mien.inference.faces import whole_square
from mien.media.images import WORKING_SIDE_PX, Picture, Source, name_source, read_picture
from mien.results import Box


@dataclass(frozen=True)
class Located:
    """A face before it is classified. crop: uint8 [48,48]; box: what it shows, in full-size pixels, clipped."""

    crop: np.ndarray
    box: Box
    score: float


@dataclass(frozen=True)
class Seen:
    """A picture's size and faces, so that its pixels need not be kept, or the error that kept it from being read."""

    source: str
    width: int = 0
    height: int = 0
    located: tuple[Located, ...] = ()
    error: str | None = None


def locate(picture: Picture, square: Square, score: float) -> Located | None:
    """A square of the picture's pixels as crop and box, which is clipped and in whole pixels of the full-size picture.

    None for a square that has no pixel in common with the picture.
    """
    left, top, side = (round(value / picture.scale) for value in square[:3])
    right, bottom = min(left + side, picture.width), min(top + side, picture.height)
    left, top = max(left, 0), max(top, 0)
    if right <= left or bottom <= top:
        return None
    return Located(crop_square(picture.pixels, square), Box(left, top, right - left, bottom - top), score)


def locate_given(picture: Picture, box: Box | Sequence[float]) -> Located:
    """A caller's box. Raises ImageError where it is malformed, outside the picture, or twice as large."""
    square = _around(box)
    located = locate(picture, square, 1.0) if square.side <= 2 * max(picture.width, picture.height) else None
    if not located:
        raise ImageError(f"box {box}: expected one in the picture, which has {picture.width}x{picture.height} pixels.")
    return located


def _around(box: Box | Sequence[float]) -> Square:
    try:
        x, y, width, height = map(float, box)
    except (TypeError, ValueError, OverflowError):
        x = y = width = height = np.nan
    if not np.isfinite([x, y, width, height]).all() or min(width, height) <= 0:
        raise ImageError(f"box {box}: expected x, y, width and height in pixels, the last two above 0.")
    side = max(width, height)
    return Square(x + (width - side) / 2, y + (height - side) / 2, side)


def see_whole(source: Source) -> Seen:
    """A picture that is one face already. Raises ImageError if it cannot be read."""
    picture = read_picture(source, WORKING_SIDE_PX)
    crop = crop_square(picture.pixels, whole_square(picture.pixels))
    face = Located(crop, Box(0, 0, picture.width, picture.height), 1.0)
    return Seen(name_source(source), picture.width, picture.height, (face,))


def as_crop(crop: np.ndarray) -> np.ndarray:
    """One face to uint8 [48,48]."""
    if crop.shape == (SIDE_PX, SIDE_PX) and crop.dtype == np.uint8:
        return crop
    pixels = read_picture(crop).pixels
    return crop_square(pixels, whole_square(pixels))
