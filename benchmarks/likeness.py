"""How far two streams of one clip say the same."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from mien.inference.detector import iou
from mien.results import Face, Result


class Tally(NamedTuple):
    """Counts and a sum over frames.

    sightings: faces in both streams' results once, and those in one of them alone. same, same_smoothed: whose top class is
    the same in both, each frame's own and over time. overlap: the sum of their boxes' intersections over unions. changes: how
    often a track's own top class is not that of its last frame, when every frame is searched.
    """

    frames: int = 0
    sightings: int = 0
    alone: int = 0
    same: int = 0
    same_smoothed: int = 0
    overlap: float = 0.0
    changes: int = 0


def add(tallies: Iterable[Tally]) -> Tally:
    return Tally(*map(sum, zip(*tallies, strict=True)))


def compare(every: Sequence[Result], ours: Sequence[Result]) -> Tally:
    """What a stream that searches every frame and another give, frame by frame."""
    frames, last = [Tally()], dict[int | None, str]()
    for one, other in zip(every, ours, strict=True):
        pairs = pair(one.faces, other.faces)
        alone = len(one.faces) + len(other.faces) - 2 * len(pairs)
        tops = {face.track: top(face) for face in one.faces}
        frames.append(Tally(
            1, len(pairs) + alone, alone,
            sum(top(a) == top(b) for a, b, _ in pairs), sum(a.emotion == b.emotion for a, b, _ in pairs),
            sum(overlap for *_, overlap in pairs), sum(last.get(track, label) != label for track, label in tops.items()),
        ))  # fmt: skip
        last |= tops
    return add(frames)


def pair(faces: Sequence[Face], others: Sequence[Face], least: float = 0.3) -> list[tuple[Face, Face, float]]:
    """Faces whose boxes overlap, and by how much, so that it is most in sum; those that overlap less than `least` are two."""
    overlaps = [[iou(tuple(face.box), tuple(other.box)) for other in others] for face in faces]
    rows, columns = linear_sum_assignment(-np.reshape(overlaps, (len(faces), len(others))))
    pairs = [(faces[i], others[j], overlaps[i][j]) for i, j in zip(rows, columns, strict=True)]
    return [pair for pair in pairs if pair[2] >= least]


def top(face: Face) -> str:
    """The emotion that the frame alone shows."""
    return max(face.probs, key=lambda emotion: face.probs[emotion])
