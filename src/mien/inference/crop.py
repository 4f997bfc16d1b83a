"""From a found face to the 48x48 grey crop that the network was trained on.

FRAME says where the landmarks of FER2013's own training faces fall in its 48x48 pictures, measured by
`benchmarks/crop.py frame`. A face's square is the one that puts its landmarks there, in the least-squares sense.
"""

import cmath
import math
from typing import NamedTuple

import numpy as np
from PIL import Image

from mien.inference.detector import Detection

SIDE_PX = 48
FRAME = {
    "right_eye": (15.4, 18.9),
    "left_eye": (32.6, 18.9),
    "nose": (24.0, 29.7),
    "mouth": (24.0, 37.1),
    "right_ear": (6.9, 21.9),
    "left_ear": (41.1, 21.9),
}
"""Landmark -> x and y in pixels of the crop: medians over training faces and their mirror images."""


LANDMARKS = [complex(x - SIDE_PX / 2, y - SIDE_PX / 2) for x, y in FRAME.values()]
OFFSET = sum(LANDMARKS) / len(LANDMARKS)
SPREAD = [point - OFFSET for point in LANDMARKS]
"""FRAME as complex numbers about the crop's centre: their mean, and what is left of each beside it."""

TURN_FROM_DEG = 15.0
"""Faces tilted further are turned upright; FER2013's own faces are not (their tilt has a standard deviation of 11)."""


class Square(NamedTuple):
    """Left and top edge and side, in pixels of the picture, turned clockwise about its centre; it may reach outside."""

    left: float
    top: float
    side: float
    turn_deg: float = 0.0


def face_square(detection: Detection) -> Square:
    """The square around a detection that frames it as FER2013 frames its faces.

    The similarity (scale, turn, shift) that takes FRAME to the six landmarks with the least squared error gives its centre
    and side, and its turn where the face is tilted by more than TURN_FROM_DEG. Of validation faces turned by 45 degrees and
    found again, 91% keep their top class this way, and 73% without (docs/LOG.md).
    """
    points = [complex(x, y) for x, y in detection.points.tolist()]
    middle = sum(points) / len(points)
    fit = sum(spread.conjugate() * (point - middle) for spread, point in zip(SPREAD, points, strict=True))
    turn = fit / sum(abs(spread) ** 2 for spread in SPREAD)
    centre, side = middle - turn * OFFSET, abs(turn) * SIDE_PX
    tilt_deg = math.degrees(cmath.phase(turn))
    turn_deg = tilt_deg if abs(tilt_deg) > TURN_FROM_DEG else 0.0
    return Square(centre.real - side / 2, centre.imag - side / 2, side, turn_deg)


def crop_square(pixels: np.ndarray, square: Square, size: int = SIDE_PX) -> np.ndarray:
    """That square of the picture as uint8 [size,size] grey levels; what lies outside repeats the picture's edge.

    pixels: uint8 [h,w,3] RGB (its grey is ITU-R BT.601 luma) or [h,w] grey. Pixel i covers i to i+1. Each crop pixel is a
    triangle-weighted mean, as wide as its spacing or one pixel, whichever is larger: no aliasing when a face is reduced,
    linear when it is enlarged (Pillow's bilinear resize).
    """
    if square.turn_deg:
        return _turned(pixels, square, size)
    reach = max(square.side / size, 1.0)
    low = int(square.left - reach) - 1, int(square.top - reach) - 1
    high = int(square.left + square.side + reach) + 2, int(square.top + square.side + reach) + 2
    part = _as_grey(_region(pixels, *low, *high))
    left, top = square.left - low[0], square.top - low[1]
    box = (left, top, left + square.side, top + square.side)
    return np.asarray(part.resize((size, size), Image.Resampling.BILINEAR, box))


def _region(pixels: np.ndarray, left: int, top: int, right: int, bottom: int) -> np.ndarray:
    """Those rows and columns of the picture, its edge repeated beyond it."""
    height, width = pixels.shape[:2]
    if left >= 0 and top >= 0 and right <= width and bottom <= height:
        return pixels[top:bottom, left:right]
    rows, columns = np.arange(top, bottom).clip(0, height - 1), np.arange(left, right).clip(0, width - 1)
    return pixels[rows[:, None], columns]


def _as_grey(pixels: np.ndarray) -> Image.Image:
    """What Image.fromarray(pixels).convert("L") gives, in less time: it is asked for every face."""
    height, width = pixels.shape[:2]
    return Image.frombytes("RGB" if pixels.ndim == 3 else "L", (width, height), pixels.tobytes()).convert("L")


def _turned(pixels: np.ndarray, square: Square, size: int) -> np.ndarray:
    """The upright square half as large again, at twice the resolution, and from it the turned one by linear interpolation."""
    around = Square(square.left - square.side / 4, square.top - square.side / 4, square.side * 1.5)
    halo = Image.fromarray(crop_square(pixels, around, 3 * size))
    turn = 2 * np.exp(1j * np.deg2rad(square.turn_deg))
    start = 1.5 * size * (1 + 1j) - turn * size / 2 * (1 + 1j)
    affine = (turn.real, -turn.imag, start.real, turn.imag, turn.real, start.imag)
    return np.asarray(halo.transform((size, size), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR))
