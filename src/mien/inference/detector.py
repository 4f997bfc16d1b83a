"""BlazeFace by LiteRT: where the faces of a picture are.

Source: Bazarevsky et al. 2019, arXiv:1907.05047; the two networks are MediaPipe's (weights/blazeface/NOTICE).
"""

import json
import threading
from dataclasses import dataclass
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
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = sorted(self._interpreter.get_output_details(), key=lambda output: -output["shape"][-1])
        self._anchors = build_anchors(facts["grids"])
        self._lock = threading.Lock()

    def detect(self, pixels: np.ndarray, threshold: float = 0.5, least_px: float = 0) -> list[Detection]:
        """Faces with a score of at least `threshold`, best first. pixels: uint8 RGB [h,w,3].

        least_px: width down to which faces are looked for. Where that is less than the network sees in the whole picture,
        it also runs on overlapping tiles: slower by their number, and with a few more false faces.
        """
        found = [self._detect(pixels, threshold)]
        for left, top, side in tiles(pixels.shape[0], pixels.shape[1], least_px):
            rows = self._detect(pixels[top : top + side, left : left + side], threshold)
            found.append(_whole(rows, side, side) + np.array([left, top, 0, 0, *[left, top] * 6, 0]))
        faces = suppress(np.concatenate(found))
        return [Detection(row[:4], row[4:16].reshape(6, 2), float(row[16])) for row in faces]

    def _detect(self, pixels: np.ndarray, threshold: float) -> np.ndarray:
        """Rows as `decode` gives them, but in pixels of the picture, whose longer side fills the network's square."""
        raw, logits = self._run(letterbox(pixels, self.side_px))
        found = decode(raw, logits, self._anchors, self.side_px, threshold)
        found[:, :-1] *= max(pixels.shape[:2])
        return found

    def _run(self, square: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with self._lock:
            self._interpreter.set_tensor(self._input, square[None])
            self._interpreter.invoke()
            raw, logits = (self._interpreter.get_tensor(output["index"])[0] for output in self._outputs)
        return raw, logits[:, 0]


def read_detector(name: str) -> dict[str, Any]:
    """File, sha256, input size and anchor grids of a shipped detector. Raises UsageError for an unknown name."""
    known = json.loads((WEIGHTS / "blazeface" / "detectors.json").read_text())
    if name not in known:
        raise unknown("detector", name, known)
    return known[name]


def tiles(height: int, width: int, least_px: float) -> list[tuple[int, int, int]]:
    """Left, top and side of square tiles in which a face of `least_px` is 1/12 of the side; none if the picture is no larger.

    They overlap by the size of face that the network sees in the whole picture, or by half.
    """
    longest, side = max(height, width), int(REACH * max(least_px, 12))
    if least_px <= 0 or side >= longest:
        return []
    step = side - int(min(longest / REACH, side / 2))
    tops, lefts = ([*range(0, max(length - side, 0), step), max(length - side, 0)] for length in (height, width))
    return [(left, top, side) for top in tops for left in lefts]


def _whole(found: np.ndarray, width: int, height: int) -> np.ndarray:
    """The rows whose box lies inside the tile: a face that the tile cuts is whole in another, or in the picture."""
    low, high = found[:, :2], found[:, :2] + found[:, 2:4]
    return found[(low > 0).all(1) & (high < [width, height]).all(1)]


def letterbox(pixels: np.ndarray, side_px: int) -> np.ndarray:
    """The picture in the upper left of a square, its longer side filling it; float32 [side,side,3], -1 to 1, rest black."""
    height, width = pixels.shape[:2]
    scale = side_px / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(_resize(Image.fromarray(pixels), size))
    square = np.full((side_px, side_px, 3), -1, np.float32)
    square[: size[1], : size[0]] = small * np.float32(2 / 255) - np.float32(1)
    return square


def _resize(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture at `size`. Where it shrinks to less than half, each pixel is the mean of four, evenly picked from blocks.

    That takes an eighth of the time of a filter over all pixels and moves the landmarks that are found by a tenth of a
    crop's pixel, where they differ by 3 to 5 from face to face (docs/LOG.md).
    """
    factor = max(picture.size) // max(size)
    if factor < 2:
        return picture.resize(size, Image.Resampling.BILINEAR)
    blocks = picture.reduce(factor // 3) if factor >= 6 else picture
    return blocks.resize((2 * size[0], 2 * size[1]), Image.Resampling.NEAREST).reduce(2)


def build_anchors(grids: list[list[int]]) -> np.ndarray:
    """Anchor centres float32 [n,2], x and y as shares of the side, for `[cells a side, anchors a cell]` grids, row-major."""
    centres = []
    for cells, repeats in grids:
        y, x = np.divmod(np.arange(cells * cells).repeat(repeats), cells)
        centres.append((np.stack([x, y], 1) + 0.5) / cells)
    return np.concatenate(centres).astype(np.float32)


def decode(raw: np.ndarray, logits: np.ndarray, anchors: np.ndarray, side_px: int, threshold: float) -> np.ndarray:
    """The network's outputs above the threshold: float [m,17], box, six points and score, as shares of the side.

    raw: [n,16], box centre, box size and six points in pixels relative to the anchor centres [n,2]; logits: [n].
    """
    least = np.clip(threshold, 1e-9, 1 - 1e-9)
    hits = np.flatnonzero(logits >= np.log(least / (1 - least)))
    values = raw[hits].reshape(-1, 8, 2).astype(float) / side_px
    values += anchors[hits, None]
    values[:, 1] -= anchors[hits]
    values[:, 0] -= values[:, 1] / 2
    scores = 1 / (1 + np.exp(-logits[hits].astype(float)))
    return np.concatenate([values.reshape(-1, 16), scores[:, None]], 1)


def suppress(found: np.ndarray, overlap: float = OVERLAP) -> np.ndarray:
    """Non-maximum suppression with blending: each face is the score-weighted mean of the rows that overlap its best.

    found: [n,17] as `decode` gives it -> [m,17], best score first. The best score is kept. Weighted means make boxes
    steadier than picking one (MediaPipe does the same).
    """
    rest = found[np.argsort(-found[:, -1], kind="stable")]
    faces = []
    while len(rest):
        same = iou(rest[0, :4], rest[:, :4]) > overlap
        same[0] = True
        scores = rest[same, -1]
        faces.append(np.append(scores @ rest[same, :-1] / scores.sum(), scores[0]))
        rest = rest[~same]
    return np.array(faces).reshape(-1, 17)


def iou(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Intersection over union of a box [4] with boxes [n,4], each x, y, width, height; 0 where both are empty."""
    size = np.minimum(box[:2] + box[2:], boxes[:, :2] + boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    shared = np.where((size > 0).all(1), size[:, 0] * size[:, 1], 0.0)
    union = box[2] * box[3] + boxes[:, 2] * boxes[:, 3] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
