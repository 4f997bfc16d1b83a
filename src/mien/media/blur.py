"""Faces made unrecognisable."""

from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image

MARGIN = 0.25
"""Hidden beyond each edge of a box, in its sides: hair line, ears and chin."""
BLOCKS = 6
"""Mean colours a side that are left of what is hidden: about four across the face itself. The detector sees no face in it,
and people need 7 x 10 of them for a face they know well (Yip and Sinha 2002)."""


def blur_faces(pixels: np.ndarray, boxes: Iterable[Sequence[float] | Iterable[float]]) -> np.ndarray:
    """A copy in which nothing is left of each box and its margin but BLOCKS x BLOCKS mean colours, smoothly joined.

    pixels: uint8 [h,w,3]; boxes: x, y, width, height in px. The whole rectangle is hidden, as an ellipse shows the outline
    of a head. All other pixels stay as they are. What is left of one picture cannot be undone. Over many frames of a moving
    face more could be worked out: where that matters, do not show the face at all.
    """
    hidden = pixels.copy()
    for box in boxes:
        _blur(hidden, *box)
    return hidden


def _blur(pixels: np.ndarray, x: float, y: float, width: float, height: float) -> None:
    """In place. The blocks keep their size where the picture's edge cuts the rectangle: fewer are left then."""
    across, down = (1 + 2 * MARGIN) * width, (1 + 2 * MARGIN) * height
    left, top = x - MARGIN * width, y - MARGIN * height
    place = pixels[_inside(top, top + down), _inside(left, left + across)]
    if place.size:
        rows, columns = (max(1, round(BLOCKS * n / whole)) for n, whole in zip(place.shape, (down, across), strict=False))
        means = Image.fromarray(place).resize((columns, rows), Image.Resampling.BOX)
        place[:] = np.asarray(means.resize(place.shape[1::-1], Image.Resampling.BICUBIC))


def _inside(start: float, end: float) -> slice:
    return slice(max(0, int(np.floor(start))), max(0, int(np.ceil(end))))
