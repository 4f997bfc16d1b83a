"""From a found face to the 48x48 grey crop that the network was trained on.

FRAME says where the landmarks of FER2013's own training faces fall in its 48x48 pictures, measured by
`benchmarks/crop.py frame`. A face's square is the one that puts its landmarks there, in the least-squares sense.
"""

from typing import NamedTuple

import numpy as np

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


class Square(NamedTuple):
    """Left and top edge and side, in pixels of the picture; it may reach beyond the picture."""

    left: float
    top: float
    side: float


def face_square(detection: Detection) -> Square:
    """The upright square around a detection that frames it as FER2013 frames its faces.

    The similarity (scale, turn, shift) that takes FRAME to the six landmarks with the least squared error gives the
    square's centre and side; the turn is left out, as FER2013's faces are not turned upright either.
    """
    frame = np.array(list(FRAME.values())) - SIDE_PX / 2
    source, target = frame @ [1, 1j], detection.points @ [1, 1j]
    source_mean, target_mean = source.mean(), target.mean()
    turn = np.vdot(source - source_mean, target - target_mean) / np.sum(np.abs(source - source_mean) ** 2)
    centre, side = target_mean - turn * source_mean, abs(turn) * SIDE_PX
    return Square(float(centre.real - side / 2), float(centre.imag - side / 2), float(side))


def crop_square(pixels: np.ndarray, square: Square, size: int = SIDE_PX) -> np.ndarray:
    """That square of the picture as uint8 [size,size] grey levels; what lies outside repeats the picture's edge.

    pixels: uint8 [h,w,3] RGB or [h,w] grey. Pixel i covers i to i+1. Each crop pixel is a triangle-weighted mean, as
    wide as its spacing or one pixel, whichever is larger: no aliasing when a face is reduced, linear when enlarged.
    """
    rows, top = _resampling(square.top, square.side, pixels.shape[0], size)
    columns, left = _resampling(square.left, square.side, pixels.shape[1], size)
    part = pixels[top : top + rows.shape[1], left : left + columns.shape[1]].astype(np.float32)
    grey = part @ LUMA if part.ndim == 3 else part
    return np.clip(np.rint(rows @ grey @ columns.T), 0, 255).astype(np.uint8)


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
