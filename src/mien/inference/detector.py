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


@dataclass(frozen=True)
class Detection:
    """One face, in pixels of the picture, with the origin at the upper left corner of the upper left pixel.

    box: x, y, width, height; points: [6,2], x and y of POINTS; score: 0 to 1.
    """

    box: np.ndarray
    points: np.ndarray
    score: float


class Detector:
    """One of the shipped networks: `full_range` (the default, faces from 1/16 of the picture up) or `short_range` (selfies).

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

    def detect(self, pixels: np.ndarray, threshold: float = 0.5) -> list[Detection]:
        """Faces with a score of at least `threshold`, best first. pixels: uint8 RGB [h,w,3]."""
        raw, logits = self._run(letterbox(pixels, self.side_px))
        scale = max(pixels.shape[:2])  # the picture fills the longer side of the network's square
        found = decode(raw, logits, self._anchors, self.side_px, threshold)
        return [Detection(d.box * scale, d.points * scale, d.score) for d in suppress(found)]

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


def letterbox(pixels: np.ndarray, side_px: int) -> np.ndarray:
    """The picture in the upper left of a square, its longer side filling it; float32 [side,side,3], -1 to 1, rest black."""
    height, width = pixels.shape[:2]
    scale = side_px / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR, reducing_gap=1.0)
    square = np.full((side_px, side_px, 3), -1, np.float32)
    np.multiply(np.asarray(small), 2 / 255, out=square[: size[1], : size[0]])
    square[: size[1], : size[0]] -= 1
    return square


def build_anchors(grids: list[list[int]]) -> np.ndarray:
    """Anchor centres float32 [n,2], x and y as shares of the side, for `[cells a side, anchors a cell]` grids, row-major."""
    centres = []
    for cells, repeats in grids:
        y, x = np.divmod(np.arange(cells * cells).repeat(repeats), cells)
        centres.append((np.stack([x, y], 1) + 0.5) / cells)
    return np.concatenate(centres).astype(np.float32)


def decode(raw: np.ndarray, logits: np.ndarray, anchors: np.ndarray, side_px: int, threshold: float) -> list[Detection]:
    """The network's outputs above the threshold, as shares of the side.

    raw: [n,16], box centre, box size and six points in pixels relative to the anchor centres [n,2]; logits: [n].
    """
    scores = 1 / (1 + np.exp(-np.clip(logits.astype(float), -100, 100)))
    hits = np.flatnonzero(scores >= threshold)
    values = raw[hits].reshape(-1, 8, 2) / side_px
    values[:, [0, 2, 3, 4, 5, 6, 7]] += anchors[hits, None]
    corners = values[:, 0] - values[:, 1] / 2
    boxes = np.concatenate([corners, values[:, 1]], 1)
    return [Detection(box, v[2:], float(scores[i])) for box, v, i in zip(boxes, values, hits, strict=True)]


def suppress(detections: list[Detection], overlap: float = OVERLAP) -> list[Detection]:
    """Non-maximum suppression with blending: each face is the score-weighted mean of the detections that overlap its best.

    The best score is kept. Weighted means make boxes steadier than picking one (MediaPipe does the same).
    """
    rest = sorted(detections, key=lambda d: -d.score)
    faces = []
    while rest:
        overlaps = iou(rest[0].box, np.stack([d.box for d in rest]))
        same = [d for d, value in zip(rest, overlaps, strict=True) if value > overlap or d is rest[0]]
        weights = np.array([d.score for d in same])
        weights /= weights.sum()
        box = np.tensordot(weights, [d.box for d in same], 1)
        points = np.tensordot(weights, [d.points for d in same], 1)
        faces.append(Detection(box, points, same[0].score))
        rest = [d for d, value in zip(rest, overlaps, strict=True) if value <= overlap and d is not rest[0]]
    return faces


def iou(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Intersection over union of a box [4] with boxes [n,4], each x, y, width, height; 0 where both are empty."""
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[:2] + box[2:], boxes[:, :2] + boxes[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    union = np.prod(box[2:]) + np.prod(boxes[:, 2:], axis=1) - shared
    return np.divide(shared, union, out=np.zeros_like(shared, float), where=union > 0)
