"""Clips of moving faces with known truth, as a detector would give them: boxes that jitter, are missed, or are none.

A path gives a face's place at a time, its centre and side in px, or None where it cannot be seen. Of two faces that
overlap by more than the detector tells apart, the later in the list, which is nearer, is seen.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mien.inference.detector import OVERLAP, iou

WIDTH, HEIGHT = 640, 480
Box = tuple[float, float, float, float]
Path = Callable[[float], tuple[float, float, float] | None]


@dataclass
class Frame:
    """boxes: as found; faces: whose each is, None for a false one."""

    time_s: float
    boxes: list[Box]
    faces: list[int | None]


def crossing(rng: random.Random) -> list[Path]:
    """Two walk past each other at about one height, the nearer in front."""
    side, speed, slower, meet_s = rng.uniform(50, 110), rng.uniform(0.7, 4), rng.uniform(0.3, 1.2), rng.uniform(2, 3)
    far, y = side * rng.uniform(0.8, 1.25), 240 + side * rng.uniform(-0.15, 0.15)
    return [
        lambda t: (320 + speed * side * (t - meet_s), y, side),
        lambda t: (320 - speed * slower * side * (t - meet_s), 240, far),
    ]


def overtaking(rng: random.Random) -> list[Path]:
    """One passes in front of another who goes the same way."""
    side, speed, behind = rng.uniform(50, 90), rng.uniform(1, 2), rng.uniform(1.5, 2)
    return [
        lambda t: (120 + speed * side * t / 2, 240, side),
        lambda t: (120 + side * (speed * t * 0.9 - behind), 250, side * 1.1),
    ]


def occlusion(rng: random.Random) -> list[Path]:
    """One walks behind something for half a second; another stays."""
    side, speed, start_s = rng.uniform(50, 90), rng.uniform(0.3, 2.5), rng.uniform(1, 2)
    hidden = (start_s, start_s + 0.5)
    return [
        lambda t: None if hidden[0] < t < hidden[1] else (100 + speed * side * t, 200 + 30 * math.sin(t), side),
        lambda t: (400 + 20 * math.sin(t), 380, side),
    ]


def turning_back(rng: random.Random) -> list[Path]:
    """One turns round and walks back, unseen in profile for up to half a second; another stands beside."""
    side, speed, at_s, gap_s = rng.uniform(50, 90), rng.uniform(0.5, 2.5), rng.uniform(1.5, 2.5), rng.uniform(0.2, 0.5)

    def path(t: float) -> tuple[float, float, float] | None:
        if abs(t - at_s) < gap_s / 2:
            return None
        return 450 - speed * side * abs(t - at_s), 200, side * (1 - 0.15 * math.exp(-(((t - at_s) / 0.3) ** 2)))

    return [path, lambda t: (450 + side * 0.5 * math.sin(t / 2), 380, side)]


def leaving(rng: random.Random) -> list[Path]:
    """One leaves at the left and is back within a second; another comes in at the right while the first is away."""
    side, speed, away_s = rng.uniform(50, 90), rng.uniform(0.7, 2), rng.uniform(0.3, 1)
    return [
        lambda t: (speed * side * (abs(t - 2) - away_s / 2), 240, side),
        lambda t: (450, 200 + 20 * math.sin(2 * t), side),
        lambda t: (WIDTH - side * (t - 2), 380, side * 0.8),
    ]


def zoom(rng: random.Random) -> list[Path]:
    """Two come up to the camera, to 4 times the size at most, and go away again."""
    side, most, period_s = rng.uniform(35, 55), rng.uniform(1.5, 4), rng.uniform(3, 6)

    def scale(t: float) -> float:
        return most ** (0.5 - 0.5 * math.cos(2 * math.pi * t / period_s))

    return [
        lambda t: (320 - 72 * scale(t), 220, side * scale(t)),
        lambda t: (320 + 64 * scale(t), 220 + 25 * scale(t), side * 0.9 * scale(t)),
    ]


def shaking(rng: random.Random) -> list[Path]:
    """Three side by side before a camera that shakes: two sines a direction, to 0.2 sides and 5 Hz each."""
    side = rng.uniform(50, 90)
    waves = [(side * rng.uniform(0.05, 0.2), rng.uniform(1, 5), rng.uniform(0, 6)) for _ in range(4)]

    def shift(t: float, start: int) -> float:
        return sum(size * math.sin(2 * math.pi * hz * t + phase) for size, hz, phase in waves[start : start + 2])

    return [lambda t, i=i: (200 + 1.4 * i * side + shift(t, 0), 240 + shift(t, 2) + 20 * (i % 2), side) for i in range(3)]


def crowd(rng: random.Random) -> list[Path]:
    """Eight who sway about in each other's way."""

    def sway(middle: float) -> Callable[[float], float]:
        size, hz, phase = rng.uniform(20, 90), rng.uniform(0.05, 0.3), rng.uniform(0, 6)
        return lambda t: middle + size * math.sin(2 * math.pi * hz * t + phase)

    def path() -> Path:
        side, x, y = rng.uniform(35, 60), sway(rng.uniform(80, 560)), sway(rng.uniform(80, 400))
        return lambda t: (x(t), y(t), side)

    return [path() for _ in range(8)]


def nodding(rng: random.Random) -> list[Path]:
    """One nods and shakes the head, by 0.3 sides; another sits beside."""
    side = rng.uniform(60, 150)
    return [
        lambda t: (200 + 0.3 * side * math.sin(4 * math.pi * t), 240 + 0.3 * side * math.sin(2.6 * math.pi * t), side),
        lambda t: (200 + 1.5 * side, 240, side),
    ]


SCENES = {
    scene.__name__: scene for scene in (crossing, overtaking, occlusion, turning_back, leaving, zoom, shaking, crowd, nodding)
}


def film(scene: str, seed: int, fps: float | None = 30.0, seconds: float = 5.0, **errors: float) -> list[Frame]:
    """A clip of one of SCENES; fps: None for frames between 1/60 and 1/8 s apart. errors: of `find`."""
    rng = random.Random(f"{scene} {seed}")
    paths = SCENES[scene](rng)
    frames, time_s = [], 0.0
    while time_s < seconds:
        frames.append(find([path(time_s) for path in paths], time_s, rng, **errors))
        time_s = len(frames) / fps if fps else time_s + rng.choice((1 / 60, 1 / 30, 1 / 30, 1 / 15, 1 / 8))
    return frames


def find(
    places: Sequence[tuple[float, float, float] | None],
    time_s: float,
    rng: random.Random,
    jitter: float = 0.03,
    missed: float = 0.03,
    false: float = 0.02,
) -> Frame:
    """What a detector finds: in any order, off by `jitter` sides, some missed, and false ones of any size, at these rates."""
    seen = [(face, (x - s / 2, y - s / 2, s, s)) for face, (x, y, s) in enumerate(filter_inside(places)) if s]
    found: list[tuple[int | None, Box]] = [
        (face, shake(box, jitter, rng))
        for i, (face, box) in enumerate(seen)
        if rng.random() >= missed and not any(iou(box, nearer) > OVERLAP for _, nearer in seen[i + 1 :])
    ]
    if rng.random() < false:
        side = rng.uniform(30, 120)
        found.append((None, (rng.uniform(0, WIDTH - side), rng.uniform(0, HEIGHT - side), side, side)))
    rng.shuffle(found)
    return Frame(time_s, [box for _, box in found], [face for face, _ in found])


def filter_inside(places: Sequence[tuple[float, float, float] | None]) -> list[tuple[float, float, float]]:
    """The places, with a side of 0 for what is not seen or has its centre outside the picture."""
    return [place if place and 0 < place[0] < WIDTH and 0 < place[1] < HEIGHT else (0, 0, 0) for place in places]


def shake(box: Box, jitter: float, rng: random.Random) -> Box:
    """The box with errors of its centre, in sides, and of its size."""
    x, y, side, _ = box
    larger = side * math.exp(rng.gauss(0, 1.2 * jitter))
    x, y = (start + side / 2 + side * rng.gauss(0, jitter) - larger / 2 for start in (x, y))
    return x, y, larger, larger
