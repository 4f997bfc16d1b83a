"""BlazeFace by LiteRT: where the faces of a picture are.

Source: Bazarevsky et al. 2019, arXiv:1907.05047; the two networks are MediaPipe's (weights/blazeface/NOTICE).
"""

import json
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image

from mien.errors import unknown
from mien.inference.engines import load_interpreter
from mien.inference.weights import WEIGHTS, checked_file

POINTS = ("right_eye", "left_eye", "nose", "mouth", "right_ear", "left_ear")
"""The six landmarks, named from the face's own side: its right eye stands left in the picture."""
OVERLAP = 0.3
"""Detections whose intersection over union is larger are one face (MediaPipe's value)."""


REACH = 12
"""The smallest face that `full_range` reliably sees is this part of the picture's longer side."""


Row = list[float]
"""17 values: a box's x, y, width and height, x and y of POINTS, and the score."""
Tile = tuple[int, int, int]
"""Left, top and side of a square of the picture; it may reach beyond the right and the lower edge."""


@dataclass(frozen=True)
class Detection:
    """One face, in pixels of the picture, with the origin at the upper left corner of the upper left pixel.

    box: x, y, width, height; points: [6,2], x and y of POINTS; score: 0 to 1.
    """

    box: np.ndarray
    points: np.ndarray
    score: float


class Detector:
    """One of the shipped networks: `full_range` (the default, faces from 1/12 of the picture up) or `short_range` (selfies).

    Raises UsageError for an unknown name. Loads at once; safe to call from several threads.
    """

    def __init__(self, name: str = "full_range", threads: int | None = None):
        facts = read_detector(name)
        self.side_px = facts["input_px"]
        path = checked_file(WEIGHTS / "blazeface" / facts["file"], facts["sha256"])
        self._interpreter = load_interpreter(path, threads)
        outputs = sorted(self._interpreter.get_output_details(), key=lambda output: -output["shape"][-1])
        self._square = self._interpreter.tensor(self._interpreter.get_input_details()[0]["index"])
        self._raw, self._logits = (self._interpreter.tensor(output["index"]) for output in outputs)
        self._anchors = build_anchors(facts["grids"])
        self._lock = threading.Lock()

    def detect(self, pixels: np.ndarray, threshold: float = 0.5, least_px: float = 0) -> list[Detection]:
        """Faces with a score of at least `threshold`, best first. pixels: uint8 RGB [h,w,3].

        least_px: width down to which faces are looked for. Where that is less than the network sees in the whole picture,
        it also runs on overlapping tiles: slower by their number, and with a few more false faces.
        """
        height, width = pixels.shape[:2]
        found = self._detect(pixels, threshold, (0, 0, max(height, width)))
        for tile in tiles(height, width, least_px):
            found += [row for row in self._detect(pixels, threshold, tile) if is_whole(row, tile, (width, height))]
        return [Detection(np.array(row[:4]), np.array(row[4:16]).reshape(6, 2), row[16]) for row in suppress(found)]

    def _detect(self, pixels: np.ndarray, threshold: float, tile: Tile) -> list[Row]:
        """What the network finds in one tile of the picture, in pixels of the whole."""
        left, top, side = tile
        with self._lock:  # the tensors are read and written in place, which saves copies
            letterbox(pixels[top : top + side, left : left + side], self._square()[0])
            self._interpreter.invoke()
            found = decode(self._raw()[0], self._logits()[0, :, 0], self._anchors, self.side_px, threshold)
        start = [left, top, 0, 0, *[left, top] * 6]
        return [[*(value * side + offset for value, offset in zip(row, start, strict=False)), row[16]] for row in found]


def read_detector(name: str) -> dict[str, Any]:
    """File, sha256, input size and anchor grids of a shipped detector. Raises UsageError for an unknown name."""
    known = json.loads((WEIGHTS / "blazeface" / "detectors.json").read_text(encoding="utf-8"))
    if name not in known:
        raise unknown("detector", name, known)
    return known[name]


def tiles(height: int, width: int, least_px: float) -> list[Tile]:
    """Tiles in which a face of `least_px` is 1/12 of the side; none if the picture is no larger.

    They overlap by the size of face that the network sees in the whole picture, or by half.
    """
    longest, side = max(height, width), int(REACH * max(least_px, 12))
    if least_px <= 0 or side >= longest:
        return []
    step = side - int(min(longest / REACH, side / 2))
    tops, lefts = ([*range(0, max(length - side, 0), step), max(length - side, 0)] for length in (height, width))
    return [(left, top, side) for top in tops for left in lefts]


def is_whole(row: Sequence[float], tile: Tile, size: tuple[int, int]) -> bool:
    """Whether the box lies inside the tile: a face that the tile cuts is whole in another, or in the picture.

    size: the picture's width and height; a face that its own edge cuts is whole nowhere else.
    """
    return all(
        (start <= 0 or start < row[i]) and (start + tile[2] >= length or row[i] + row[i + 2] < start + tile[2])
        for i, (start, length) in enumerate(zip(tile[:2], size, strict=True))
    )


def letterbox(pixels: np.ndarray, square: np.ndarray) -> None:
    """Writes the picture into the upper left of a square, its longer side filling it; -1 to 1, the rest black.

    pixels: uint8 [h,w,3]; square: float32 [side,side,3]. Where the picture shrinks to less than half, each pixel is the
    mean of two that stand diagonally in its place, after a mean over blocks where it shrinks to less than a sixth. That
    takes a small part of the time of a filter over all pixels and moves the landmarks that are found by a tenth of a
    crop's pixel, where they differ by 3 to 5 from face to face (docs/LOG.md).
    """
    side, longest = len(square), max(pixels.shape[:2])
    rows, columns = (max(1, round(length * side / longest)) for length in pixels.shape[:2])
    square[rows:] = square[:, columns:] = -1
    place = square[:rows, :columns]
    if longest < 2 * side:
        small = Image.fromarray(pixels).resize((columns, rows), Image.Resampling.BILINEAR)
        np.multiply(np.asarray(small), np.float32(2 / 255), out=place)
    else:
        if longest >= 6 * side:
            pixels = np.asarray(Image.fromarray(pixels).reduce(longest // side // 3))
        np.multiply(_sum_two(pixels, rows, columns), np.float32(1 / 255), out=place)
    place -= 1


def _sum_two(pixels: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The picture as uint16 [rows,columns,3], each pixel the sum of the first and the last of four."""
    height, width = pixels.shape[:2]
    (top, bottom), (left, right) = _pairs(height, rows, 1), _pairs(width, columns, 3)
    flat = pixels.reshape(height, width * 3)
    total = flat.take(top, 0).take(left, 1, mode="clip").astype(np.uint16)
    total += flat.take(bottom, 0).take(right, 1, mode="clip")
    return total.reshape(rows, columns, 3)


@lru_cache(16)
def _pairs(length: int, count: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the first and the second of each of `count` pairs stand when 2 * count pixels are picked evenly from `length`."""
    picked = ((np.arange(2 * count) + 0.5) * length / (2 * count)).astype(int)
    flat = picked[:, None] * channels + np.arange(channels)
    return flat[::2].ravel(), flat[1::2].ravel()


def build_anchors(grids: list[list[int]]) -> np.ndarray:
    """What is added to the network's values: float32 [n,16], shares of the side, for `[cells a side, anchors a cell]` grids.

    Row-major; the anchor's centre, x and y, for the box's centre and each point, 0 for the box's size.
    """
    centres = []
    for cells, repeats in grids:
        y, x = np.divmod(np.arange(cells * cells).repeat(repeats), cells)
        centres.append((np.stack([x, y], 1) + 0.5) / cells)
    anchors = np.tile(np.concatenate(centres).astype(np.float32), 8)
    anchors[:, 2:4] = 0
    return anchors


def decode(raw: np.ndarray, logits: np.ndarray, anchors: np.ndarray, side_px: int, threshold: float) -> list[Row]:
    """The network's outputs above the threshold, as shares of the side.

    raw: [n,16], box centre, box size and six points in pixels relative to the anchors (build_anchors); logits: [n].
    Plain floats, as below: the few rows of a picture pass quicker than by numpy.
    """
    least = min(max(threshold, 1e-9), 1 - 1e-9)
    rows = []
    for hit in (logits >= math.log(least / (1 - least))).nonzero()[0].tolist():
        x, y, width, height, *points = (
            value / side_px + anchor for value, anchor in zip(raw[hit].tolist(), anchors[hit].tolist(), strict=True)
        )
        score = 1 / (1 + math.exp(-logits[hit]))
        rows.append([x - width / 2, y - height / 2, width, height, *points, score])
    return rows


def suppress(found: Sequence[Row], overlap: float = OVERLAP) -> list[Row]:
    """Non-maximum suppression with blending: each face is the score-weighted mean of the rows that overlap its best.

    Best score first. The best score is kept. Weighted means make boxes steadier than picking one (MediaPipe does the same).
    """
    rest = sorted(found, key=lambda row: -row[16])
    faces = []
    while rest:
        best, others, rest = rest[0], rest[1:], []
        same = [best]
        for row in others:
            (same if iou(best, row) > overlap else rest).append(row)
        total = sum(row[16] for row in same)
        faces.append([*(sum(row[16] * row[i] for row in same) / total for i in range(16)), best[16]])
    return faces


def iou(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two boxes, each beginning with x, y, width, height; 0 where both are empty."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (one[2] * one[3] + other[2] * other[3] - width * height)
