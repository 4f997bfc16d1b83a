"""The faces of a clip where not every frame is searched: when to search, whose face each is, where it is in between."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mien.errors import UsageError
from mien.inference.crop import Square
from mien.inference.detector import iou
from mien.inference.tracker import Tracker

Found = tuple[Square, float]
"""A face that the detector gave, and its score."""
LONGEST_S = 0.2
"""No frame is further than this from a search, so that a new face is seen no later."""
PACE = 0.08
"""The way that a face may go between two searches, as a share of its side: what moves faster is searched more often."""
LIKELY = 0.65
"""Overlap (intersection over union) of what is expected and what a search finds, below which it did not go as expected."""


class Sighting(NamedTuple):
    """One face in one frame; square: in pixels of the frame, not clipped to it."""

    number: int
    square: Square
    score: float


class Follower:
    """Numbers the faces and fills in the frames between two searches. Not safe to share.

    every: search each so-many-th frame; None: as often as the faces' pace asks for.
    """

    def __init__(self, every: int | None = None):
        if every is not None and every < 1:
            raise UsageError(f"detect_every = {every}: expected None or at least 1.")
        self._every, self._tracker = every, Tracker()
        self._last: dict[int, Sighting] = {}
        self._last_s = -math.inf
        self._gap_s = 0.0
        self._asked, self._searched_s = 0, -math.inf

    def wants(self, time_s: float) -> bool:
        """Whether to search this frame; asked once a frame, in order."""
        self._asked += 1
        due = time_s - self._searched_s > self._gap_s - 1e-6 if self._every is None else (self._asked - 1) % self._every == 0
        self._searched_s = time_s if due else self._searched_s
        return due

    def surprised(self, time_s: float, found: Sequence[Found]) -> bool:
        """Whether a search gave a face more or less than was expected, or one elsewhere: no straight line leads there.

        Then it is worth while to search the frames in between, where they can still be had. Never where `every` is given.
        """
        expected, boxes = [_box(face.square) for face in self.expect(time_s)], [_box(square) for square, _ in found]
        alike = len(expected) == len(boxes) and all(max(iou(one, box) for box in boxes) >= LIKELY for one in expected)
        return self._every is None and not alike

    def settle(self, times_s: Sequence[float], found: Sequence[Found]) -> list[list[Sighting]]:
        """The sightings in each frame since the last search, by number; `found` is what the search of the last one gave.

        Between two searches a face moves on a straight line. One that was found by the first alone is expected on its way
        until half of the time is over; one that only the second has is there from then on.
        """
        *between_s, end_s = times_s
        expected = [self.expect(time_s) for time_s in between_s]
        numbers = self._tracker.update(end_s, [_box(square) for square, _ in found])
        now = {number: Sighting(number, *face) for number, face in sorted(zip(numbers, found, strict=True))}
        shares = [(time_s - self._last_s) / (end_s - self._last_s) for time_s in between_s]
        filled = [_between(self._last, now, share, guess) for share, guess in zip(shares, expected, strict=True)]
        self._last, self._last_s = now, end_s
        self._gap_s = min(LONGEST_S, PACE / max(self._tracker.pace(), 1e-9))
        return [*filled, list(now.values())]

    def expect(self, time_s: float) -> list[Sighting]:
        """The sightings at a time after the last search, from that and those before alone, as for a camera."""
        boxes = self._tracker.boxes_at(time_s)
        return [last._replace(square=_square(boxes[n], last.square.turn_deg)) for n, last in self._last.items() if n in boxes]

    def recall(self, time_s: float, seen: Mapping[int, Sequence[float]]) -> None:
        """Takes over a frame of an earlier run: x, y, width and height of each face by its number."""
        self._tracker.follow(time_s, seen)


def _between(before: dict[int, Sighting], after: dict[int, Sighting], share: float, guess: list[Sighting]) -> list[Sighting]:
    moved = {n: _mix(before[n], after[n], share) for n in before.keys() & after.keys()}
    alone = guess if share < 0.5 else after.values()
    return [face for _, face in sorted(({face.number: face for face in alone} | moved).items())]


def _mix(before: Sighting, after: Sighting, share: float) -> Sighting:
    turn = (after.square.turn_deg - before.square.turn_deg + 180) % 360 - 180
    left, top, side = (a + share * (b - a) for a, b in zip(before.square[:3], after.square[:3], strict=True))
    square = Square(left, top, side, before.square.turn_deg + share * turn)
    return Sighting(before.number, square, before.score + share * (after.score - before.score))


def _box(square: Square) -> tuple[float, float, float, float]:
    return square.left, square.top, square.side, square.side


def _square(box: Sequence[float], turn_deg: float) -> Square:
    x, y, width, height = box
    side = math.sqrt(width * height)
    return Square(x + (width - side) / 2, y + (height - side) / 2, side, turn_deg)
