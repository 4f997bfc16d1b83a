"""From a found face to the 48x48 grey crop that the network was trained on.

FRAME says where the landmarks of FER2013's own training faces fall in its 48x48 pictures, measured by
`benchmarks/crop.py frame`. A face's square is the one that puts its landmarks there, in the least-squares sense.
"""

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
    "right_ear": (6.9, 21.8),
    "left_ear": (41.1, 21.8),
}
"""Landmark -> x and y in pixels of the crop: medians over training faces and their mirror images."""
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as Pillow's mode L


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
    found again, 88% keep their top class this way, and 65% without (docs/LOG.md).
    """
    frame = np.array(list(FRAME.values())) - SIDE_PX / 2
    source, target = frame @ [1, 1j], detection.points @ [1, 1j]
    source_mean, target_mean = source.mean(), target.mean()
    turn = np.vdot(source - source_mean, target - target_mean) / np.sum(np.abs(source - source_mean) ** 2)
    centre, side = target_mean - turn * source_mean, abs(turn) * SIDE_PX
    tilt_deg = float(np.rad2deg(np.angle(turn)))
    turn_deg = tilt_deg if abs(tilt_deg) > TURN_FROM_DEG else 0.0
    return Square(float(centre.real - side / 2), float(centre.imag - side / 2), float(side), turn_deg)


def crop_square(pixels: np.ndarray, square: Square, size: int = SIDE_PX) -> np.ndarray:
    """That square of the picture as uint8 [size,size] grey levels; what lies outside repeats the picture's edge.

    pixels: uint8 [h,w,3] RGB or [h,w] grey. Pixel i covers i to i+1. Each crop pixel is a triangle-weighted mean, as
    wide as its spacing or one pixel, whichever is larger: no aliasing when a face is reduced, linear when enlarged.
    """
    if square.turn_deg:
        return _turned(pixels, square, size)
    rows, top = _resampling(square.top, square.side, pixels.shape[0], size)
    columns, left = _resampling(square.left, square.side, pixels.shape[1], size)
    part = pixels[top : top + rows.shape[1], left : left + columns.shape[1]].astype(np.float32)
    grey = part @ LUMA if part.ndim == 3 else part
    return np.clip(np.rint(rows @ grey @ columns.T), 0, 255).astype(np.uint8)


def _turned(pixels: np.ndarray, square: Square, size: int) -> np.ndarray:
    """The upright square half as large again, at twice the resolution, and from it the turned one by linear interpolation."""
    around = Square(square.left - square.side / 4, square.top - square.side / 4, square.side * 1.5)
    halo = Image.fromarray(crop_square(pixels, around, 3 * size))
    turn = 2 * np.exp(1j * np.deg2rad(square.turn_deg))
    start = 1.5 * size * (1 + 1j) - turn * size / 2 * (1 + 1j)
    affine = (turn.real, -turn.imag, start.real, turn.imag, turn.real, start.imag)
    return np.asarray(halo.transform((size, size), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR))


def _resampling(start: float, length: float, available: int, size: int) -> tuple[np.ndarray, int]:
    """Weights float32 [size,m] on the m picture pixels that matter in one direction, and the first of them."""
    step = length / size
    centres = start + step * (np.arange(size) + 0.5) - 0.5
    reach = max(step, 1.0)
    positions = np.arange(int(centres[0] - reach), int(np.ceil(centres[-1] + reach)) + 1)
    weights = np.clip(1 - np.abs(positions - centres[:, None]) / reach, 0, None)
    inside = np.clip(positions, 0, available - 1)  # beyond the edge, the edge pixel takes the weight
    folded = np.zeros((size, inside[-1] - inside[0] + 1))
    np.add.at(folded.T, inside - inside[0], weights.T)
    return (folded / folded.sum(1, keepdims=True)).astype(np.float32), int(inside[0])
