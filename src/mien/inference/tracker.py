"""Which face is which from frame to frame: a number for every box, by motion alone.

Plain loops over floats, so that the page runs the same equations with the same constants. A track has four values, x and
y of its box's centre in px and the logarithms of its width and height, and the rate of each per second. Rates fade and
wander (an integrated Ornstein-Uhlenbeck process); Kalman's equations follow them with one covariance for all four, in
sides of the box and natural logarithms: a of a value, b of a value with its rate, c of a rate. Times are in seconds, so
that any frame rate will do, and a varying one.

    new track       value = measured, rate = 0, a = NOISE^2, b = 0, c = SPEED^2
    dt later        e = exp(-dt / KEEP_S), g = KEEP_S (1 - e)
                    value += g rate, then rate = e rate
                    a += 2 g b + g^2 c + SPEED^2 KEEP_S^2 (2 dt / KEEP_S - 3 + 4 e - e^2)
                    b = e (b + g c) + SPEED^2 KEEP_S (1 - e)^2
                    c = e^2 c + SPEED^2 (1 - e^2)                         (all three from the old a, b and c)
    cost of a box   s = a + NOISE^2, r = measured - value
                    d = (r_x^2 + r_y^2) / (width height) + r_width^2 + r_height^2      (the track's width and height)
                    cost = (TAIL + 4) ln(1 + d / (TAIL s)) + 4 ln(s / NOISE^2), + AWAY if not found in the last frame
    its own box     value += (a / s) r, rate += (b / s) r, then c -= b^2 / s, b *= 1 - a / s, a *= 1 - a / s

The cost is -2 ln of Student's t density with TAIL degrees of freedom: it trusts a track less the longer it is out of
sight, and forgives jumps that a normal density would not. How the constants were chosen stands in docs/LOG.md.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mien.errors import UsageError, lacking

SPEED = 1.0
"""Standard deviation of a face's rates: its own sides per second, or natural logarithms of its size per second."""
KEEP_S = 0.7
"""How long a rate holds: without news it has faded to 1/e after this time."""
NOISE = 0.1
"""How far a found box is off, a share of its side. Found ones are off by .01 to .06; more makes tracks forgive shaking."""
TAIL = 4.0
"""Degrees of freedom of the errors: the less, the more readily a jump is forgiven."""
AWAY = 3.0
"""Added to the cost of a track that was not found in the last frame: where two fit, it is the one that was."""
LIMIT = 27.0
"""Cost from which a box is another face: a jump by 1.2 sides in 1/30 s, by 1.6 after half a second, by 1.9 after 1 or 2."""
MEMORY_S = 3.0
"""How long a face may be out of sight and still get its number back."""
TIE = 1e-9
"""Times (track's place - box's place)^2, added to each cost, so that of equal assignments always the same is taken."""

Solver = Callable[[list[list[float]]], tuple[Sequence[int], Sequence[int]]]


@dataclass
class Track:
    """One face: its latest box as measured, when, and whether in the latest frame; what is expected of it at `time_s`."""

    number: int
    seen_s: float
    seen: list[float]
    time_s: float
    value: list[float]
    rate: list[float] = field(default_factory=lambda: [0.0] * 4)
    a: float = NOISE**2
    b: float = 0.0
    c: float = SPEED**2
    found: bool = True

    def advance(self, time_s: float) -> None:
        """What is expected of it at a later time."""
        dt, a, b, c = time_s - self.time_s, self.a, self.b, self.c
        e, g = _fade(dt)
        self.time_s = time_s
        self.value = [value + g * rate for value, rate in zip(self.value, self.rate, strict=True)]
        self.rate = [e * rate for rate in self.rate]
        self.a = a + 2 * g * b + g * g * c + (SPEED * KEEP_S) ** 2 * (2 * dt / KEEP_S - 3 + 4 * e - e * e)
        self.b = e * (b + g * c) + SPEED**2 * KEEP_S * (1 - e) ** 2
        self.c = e * e * c + SPEED**2 * (1 - e * e)

    def cost(self, measured: Sequence[float]) -> float:
        """How little a box looks like this face's next: at least 0 where it was just seen, LIMIT at most."""
        x, y, width, height = (new - value for new, value in zip(measured, self.value, strict=True))
        spread = self.a + NOISE**2
        distance = (x * x + y * y) / math.exp(self.value[2] + self.value[3]) + width * width + height * height
        cost = (TAIL + 4) * math.log(1 + distance / (TAIL * spread)) + 4 * math.log(spread / NOISE**2)
        return min(cost if self.found else cost + AWAY, LIMIT)

    def correct(self, measured: list[float]) -> None:
        """Its box was found at `time_s`."""
        spread = self.a + NOISE**2
        for i in range(4):
            error = measured[i] - self.value[i]
            self.value[i] += self.a / spread * error
            self.rate[i] += self.b / spread * error
        self.c -= self.b * self.b / spread
        self.b *= 1 - self.a / spread
        self.a *= 1 - self.a / spread
        self.seen, self.seen_s, self.found = measured, self.time_s, True


class Tracker:
    """Numbers the faces of one clip or camera; not safe to share. Raises UsageError where scipy is missing."""

    def __init__(self) -> None:
        self._solve = _load_solver()
        self._tracks: list[Track] = []
        self._count = 0
        self._time_s = -math.inf

    def update(self, time_s: float, boxes: Sequence[Sequence[float]]) -> list[int]:
        """The boxes found in a frame -> the number of each one's face, from 1; a new face's is new, none comes twice.

        boxes: x, y, width and height in px, not clipped to the picture where that is known. Tracks out of sight for longer
        than MEMORY_S end. Of all ways to give boxes to tracks the one with the least sum of costs is taken; a pair whose
        cost is LIMIT is none, and a box without a track begins one at once. Raises UsageError for a time before that of the
        latest call, or a box without a size.
        """
        self._advance(time_s)
        found = [_measure(box) for box in boxes]
        owners = self._match(found)
        for track in self._tracks:
            track.found = False
        for measured, owner in zip(found, owners, strict=True):
            if owner:
                owner.correct(measured)
        return [owner.number if owner else self._begin(self._count + 1, measured)
                for owner, measured in zip(owners, found, strict=True)]  # fmt: skip

    def follow(self, time_s: float, boxes: Mapping[int, Sequence[float]]) -> None:
        """As `update`, but whose face each box is is known: those of a frame of an earlier run, by number."""
        self._advance(time_s)
        tracks = {track.number: track for track in self._tracks}
        for track in self._tracks:
            track.found = False
        for number, box in boxes.items():
            measured = _measure(box)
            if number in tracks:
                tracks[number].correct(measured)
            else:
                self._begin(number, measured)

    def pace(self) -> float:
        """Of the faces found in the latest `update` the fastest's way and growth: sides and natural logarithms a second."""
        found = [track for track in self._tracks if track.found]
        paces = (math.hypot(*t.rate[:2]) / math.exp((t.value[2] + t.value[3]) / 2) + abs(t.rate[2]) for t in found)
        return max(paces, default=0.0)

    def boxes_at(self, time_s: float) -> dict[int, tuple[float, float, float, float]]:
        """Number -> x, y, width and height in px at a time without detection, of the faces found in the latest `update`.

        That is the box as it was found, moved and scaled on at its track's rates: + KEEP_S (1 - e) rate. Raises UsageError
        for a time before the latest `update`.
        """
        self._check(time_s)
        return {track.number: _expect(track, time_s) for track in self._tracks if track.found}

    def _advance(self, time_s: float) -> None:
        self._check(time_s)
        self._time_s = time_s
        self._tracks = [track for track in self._tracks if time_s - track.seen_s <= MEMORY_S]
        for track in self._tracks:
            track.advance(time_s)

    def _match(self, found: Sequence[Sequence[float]]) -> list[Track | None]:
        """The track of each box, None where it has none yet."""
        owners: list[Track | None] = [None] * len(found)
        if not found or not self._tracks:
            return owners
        costs = [[track.cost(measured) for measured in found] for track in self._tracks]
        tied = [[cost + TIE * (i - j) ** 2 for j, cost in enumerate(row)] for i, row in enumerate(costs)]
        for i, j in zip(*self._solve(tied), strict=True):
            if costs[i][j] < LIMIT:
                owners[j] = self._tracks[i]
        return owners

    def _begin(self, number: int, measured: list[float]) -> int:
        self._count = max(self._count, number)
        self._tracks.append(Track(number, self._time_s, measured, self._time_s, list(measured)))
        return number

    def _check(self, time_s: float) -> None:
        if not time_s >= self._time_s or math.isinf(time_s):
            raise UsageError(f"frame at {time_s} s after one at {self._time_s} s: expected frames in the order of their times.")


def _fade(dt: float) -> tuple[float, float]:
    """e, what is left of a rate after dt seconds, and g, how many seconds at its start's rate a value has moved."""
    e = math.exp(-dt / KEEP_S)
    return e, KEEP_S * (1 - e)


def _expect(track: Track, time_s: float) -> tuple[float, float, float, float]:
    _, g = _fade(time_s - track.time_s)
    x, y, width, height = (seen + g * rate for seen, rate in zip(track.seen, track.rate, strict=True))
    width, height = math.exp(width), math.exp(height)
    return x - width / 2, y - height / 2, width, height


def _measure(box: Sequence[float]) -> list[float]:
    """x and y of the centre, ln width, ln height."""
    x, y, width, height = map(float, box)
    if not (math.isfinite(x + y + width + height) and min(width, height) > 0):
        raise UsageError(f"box {tuple(box)}: expected x, y, width and height in pixels, the last two above 0.")
    return [x + width / 2, y + height / 2, math.log(width), math.log(height)]


def _load_solver() -> Solver:
    """scipy's exact assignment: rows and columns of the pairs with the least sum of costs; any exact solver gives the same."""
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError:
        raise lacking("tracking faces needs scipy", "video") from None
    return linear_sum_assignment
