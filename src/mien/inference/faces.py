"""Which square of a picture is the face that a network is scored on."""

import numpy as np

from mien.inference.crop import Square, face_square
from mien.inference.detector import Detector


def largest_square(pixels: np.ndarray, detector: Detector) -> Square | None:
    """The largest face that is found, framed as the recogniser frames it; None where there is none. pixels: uint8 [h,w,3]."""
    squares = [face_square(found) for found in detector.detect(pixels)]
    return max(squares, key=lambda square: square.side, default=None)


def whole_square(pixels: np.ndarray) -> Square:
    """The square around a picture that is a face already, as `mien predict --whole-image` takes it. pixels: [h,w,...]."""
    height, width = pixels.shape[:2]
    side = max(height, width)
    return Square((width - side) / 2, (height - side) / 2, side)
