"""Tracks against clips with known truth, scored as the field scores them, and against trackers that do without motion.

IDF1 and switches count the boxes that were found: whether a face is found at all is the detector's affair. A false box
counts as one that belongs to nobody.
"""

import itertools
import math
import random
import sys
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.optimize import linear_sum_assignment
from tests.inference.moving_faces import SCENES, Box, Frame, film

from mien.errors import UsageError
from mien.inference import tracker
from mien.inference.detector import iou
from mien.inference.tracker import AWAY, KEEP_S, LIMIT, MEMORY_S, NOISE, SPEED, TAIL, Track, Tracker

CONDITIONS = {
    "30 fps": {},
    "variable": {"fps": None},
    "10 fps": {"fps": 10},
    "poor": {"missed": 0.15, "false": 0.06, "jitter": 0.05},
}


class Score(NamedTuple):
    """Sums over clips: switches of a face's number, boxes that hold their face's number, boxes of faces, all boxes."""

    switches: int
    right: int
    faces: int
    boxes: int

    @property
    def idf1(self) -> float:
        return 2 * self.right / (self.faces + self.boxes)


class Plain:
    """The nearest old box is the same face: greedily by a likeness of its last place, remembered as long as Tracker does."""

    def __init__(self, likeness, least):
        self.likeness, self.least, self.last, self.count = likeness, least, {}, 0

    def update(self, time_s, boxes):
        self.last = {number: (box, seen) for number, (box, seen) in self.last.items() if time_s - seen <= MEMORY_S}
        pairs = [(self.likeness(box, old), i, number) for i, box in enumerate(boxes) for number, (old, _) in self.last.items()]
        numbers = [0] * len(boxes)
        for value, i, number in sorted(pairs, reverse=True):
            if value > self.least and not numbers[i] and number not in numbers:
                numbers[i] = number
        for i, box in enumerate(boxes):
            if not numbers[i]:
                self.count = numbers[i] = self.count + 1
            self.last[numbers[i]] = box, time_s
        return numbers


def nearness(box, old):
    """0 where the centres are one side apart, 1 where they are one."""
    return 1 - math.dist(centre(box), centre(old)) / old[2]


def centre(box):
    return box[0] + box[2] / 2, box[1] + box[3] / 2


BASELINES = {"overlap": lambda: Plain(iou, 0.3), "nearest": lambda: Plain(nearness, 0.0)}


def track(clip: list[Frame], tracking) -> list[list[int]]:
    return [tracking.update(frame.time_s, frame.boxes) for frame in clip]


def between(clip: list[Frame], every: int) -> Iterator[tuple[int, dict[int | None, int], dict[int, Box]]]:
    """Each frame between every k-th, which alone is tracked: its number, the faces' numbers, and the boxes predicted for it."""
    tracking, numbers = Tracker(), {}
    for i, frame in enumerate(clip):
        if i % every == 0:
            numbers = dict(zip(frame.faces, tracking.update(frame.time_s, frame.boxes), strict=True))
        else:
            yield i, numbers, tracking.boxes_at(frame.time_s)


def score(clip: list[Frame], numbers: list[list[int]]) -> Score:
    """Switches: a face has another number than when last found. Right: each face keeps the one number that suits best."""
    together, last, switches = Counter(), {}, 0
    for frame, row in zip(clip, numbers, strict=True):
        for face, number in zip(frame.faces, row, strict=True):
            if face is not None:
                switches += last.get(face, number) != number
                last[face] = number
                together[face, number] += 1
    faces, tracks = (sorted({pair[i] for pair in together}) for i in (0, 1))
    counts = np.array([[together[face, number] for number in tracks] for face in faces])
    right = counts[linear_sum_assignment(-counts)].sum()
    return Score(switches, int(right), sum(together.values()), sum(map(len, numbers)))


def total(clips: list[list[Frame]], build) -> Score:
    return Score(*map(sum, zip(*(score(clip, track(clip, build())) for clip in clips), strict=True)))


@pytest.mark.parametrize("scene", SCENES)
def test_faces_keep_their_numbers(scene):
    """Twelve clips a scene: IDF1 of 0.95, and at most half of the switches of the better baseline."""
    clips = [film(scene, seed, **options) for options in CONDITIONS.values() for seed in range(3)]
    ours, plain = total(clips, Tracker), [total(clips, build) for build in BASELINES.values()]
    assert ours.idf1 >= 0.95
    assert 2 * ours.switches <= min(baseline.switches for baseline in plain)


def test_scores_are_those_of_py_motmetrics():
    motmetrics = pytest.importorskip("motmetrics")
    clip = film("crossing", 3, seconds=4, missed=0.15, false=0.1)
    numbers = track(clip, BASELINES["overlap"]())
    accumulator = motmetrics.MOTAccumulator(auto_id=True)
    for frame, row in zip(clip, numbers, strict=True):
        faces = [face for face in frame.faces if face is not None]
        accumulator.update(faces, row, [[0.0 if own == face else np.nan for own in frame.faces] for face in faces])
    expected = motmetrics.metrics.create().compute(accumulator, metrics=["idf1", "num_switches"]).iloc[0]
    ours = score(clip, numbers)
    assert ours.switches == expected["num_switches"] > 0
    assert ours.idf1 == pytest.approx(expected["idf1"])


def plain_numbers(time_s, boxes, tracks, first):
    """A frame by the module docstring's model in matrices, every assignment tried. tracks: number -> what is known of it."""
    found = [np.array([x + w / 2, y + h / 2, np.log(w), np.log(h)]) for x, y, w, h in boxes]
    for known in tracks.values():
        advance(known, time_s)
    live = [number for number, known in tracks.items() if time_s - known["seen"] <= MEMORY_S]
    best, owners = math.inf, ()
    for choice in itertools.product([None, *live], repeat=len(found)):
        taken = [number for number in choice if number]
        if len(taken) == len(set(taken)):
            gain = sum(cost(tracks[n], measured) - LIMIT for n, measured in zip(choice, found, strict=True) if n)
            best, owners = min((best, owners), (gain, choice), key=lambda pair: pair[0])
    fresh = itertools.count(first)
    numbers = [number or next(fresh) for number in owners]
    for known in tracks.values():
        known["found"] = False
    for number, measured in zip(numbers, found, strict=True):
        if number in tracks:
            correct(tracks[number], measured)
        else:
            state = np.stack([measured, np.zeros(4)])
            tracks[number] = {"time": time_s, "state": state, "P": np.diag([NOISE**2, SPEED**2])}
        tracks[number] |= {"seen": time_s, "found": True}
    return numbers


def advance(known, time_s):
    """d value = rate dt, d rate = -rate / KEEP_S dt + noise: state and covariance by a matrix exponential (Van Loan 1978)."""
    drift, noise = np.array([[0, 1], [0, -1 / KEEP_S]]), np.diag([0, 2 * SPEED**2 / KEEP_S])
    blocks = expm(np.block([[-drift, noise], [np.zeros((2, 2)), drift.T]]) * (time_s - known["time"]))
    step = blocks[2:, 2:].T
    known["state"] = step @ known["state"]
    known["P"] = step @ known["P"] @ step.T + step @ blocks[:2, 2:]
    known["time"] = time_s


def cost(known, measured):
    r, s = measured - known["state"][0], known["P"][0, 0] + NOISE**2
    r[:2] /= np.exp(known["state"][0, 2:].mean())
    return (TAIL + 4) * np.log(1 + r @ r / TAIL / s) + 4 * np.log(s / NOISE**2) + (0 if known["found"] else AWAY)


def correct(known, measured):
    """Kalman's update, in Joseph's form."""
    h = np.array([[1.0, 0.0]])
    gain = known["P"] @ h.T / (known["P"][0, 0] + NOISE**2)
    known["state"] = known["state"] + gain @ (measured - known["state"][0])[None]
    rest = np.eye(2) - gain @ h
    known["P"] = rest @ known["P"] @ rest.T + NOISE**2 * gain @ gain.T


@pytest.mark.parametrize("scene", ["crossing", "leaving"])
def test_numbers_and_predictions_are_those_of_the_model(scene):
    clip = film(scene, 3, fps=6, missed=0.2, false=0.2)
    ours, tracks = Tracker(), {}
    for frame in clip:
        numbers = plain_numbers(frame.time_s, frame.boxes, tracks, len(tracks) + 1)
        assert ours.update(frame.time_s, frame.boxes) == numbers
        assert sorted(ours.boxes_at(frame.time_s + 0.1)) == sorted(numbers)
        for number, box in ours.boxes_at(frame.time_s + 0.1).items():
            rate = tracks[number]["state"][1] * KEEP_S * (1 - math.exp(-0.1 / KEEP_S))
            x, y, width, height = frame.boxes[numbers.index(number)]
            x, y = x + width / 2 + rate[0], y + height / 2 + rate[1]
            width, height = width * np.exp(rate[2]), height * np.exp(rate[3])
            np.testing.assert_allclose(box, [x - width / 2, y - height / 2, width, height], rtol=1e-6)
    assert len(tracks) > 3


def test_a_new_face_gets_a_new_number_and_none_comes_twice():
    """One face at a time, each too far from the last to be it, and where one was before only when that is forgotten."""
    tracking, numbers = Tracker(), []
    for i in range(20):
        numbers += tracking.update(i * 0.6, [(200.0 * (i % 3), 150.0 * (i % 2), 40.0, 40.0)])
    assert numbers == list(range(1, 21))


@pytest.mark.parametrize(("away_s", "number"), [(0.5, 1), (MEMORY_S, 1), (MEMORY_S + 0.1, 2)])
def test_a_face_that_was_away_is_known_for_so_long(away_s, number):
    tracking = Tracker()
    for i in range(11):
        tracking.update(i / 10, [(100, 100, 50, 50)])
    assert tracking.update(1 + away_s, [(103, 98, 52, 52)]) == [number]


def test_order_of_boxes_does_not_matter():
    clip = film("crowd", 0, seconds=2)
    rng = random.Random(0)
    straight, shuffled = Tracker(), Tracker()
    for frame in clip:
        numbers = straight.update(frame.time_s, frame.boxes)
        order = list(range(len(numbers)))
        if frame is not clip[0]:
            rng.shuffle(order)
        assert shuffled.update(frame.time_s, [frame.boxes[i] for i in order]) == [numbers[i] for i in order]


def solve_backwards(costs):
    """Every assignment tried, the last one first: another exact solver, that takes another one of equal sums."""
    rows, columns = len(costs), len(costs[0])
    if rows > columns:
        flipped = solve_backwards([list(row) for row in zip(*costs, strict=True)])
        return flipped[::-1]
    choices = list(itertools.permutations(range(columns), rows))[::-1]
    best = min(choices, key=lambda choice: sum(costs[i][j] for i, j in enumerate(choice)))
    return range(rows), best


@pytest.mark.parametrize("solver", [linear_sum_assignment, solve_backwards])
def test_any_exact_solver_gives_the_same_numbers_and_ties_go_to_what_was_first(monkeypatch, solver):
    monkeypatch.setattr(tracker, "_load_solver", lambda: solver)
    one_to_two, two_to_one, square = Tracker(), Tracker(), Tracker()
    left, middle, right = ((x, 100, 50, 50) for x in (90, 100, 110))
    one_to_two.update(0, [middle])
    assert one_to_two.update(0.1, [right, left]) == [1, 2]
    two_to_one.update(0, [left, right])
    assert two_to_one.update(0.1, [middle]) == [1]
    square.update(0, [middle, middle])
    assert square.update(0.1, [right, right]) == [1, 2]
    clip = film("shaking", 0, fps=10, missed=0.2)
    numbers = track(clip, Tracker())
    assert max(map(max, numbers)) >= 3
    monkeypatch.undo()
    assert numbers == track(clip, Tracker())


@pytest.mark.parametrize("every", [2, 3])
def test_boxes_between_detections_overlap_those_that_would_be_found(every):
    """A face that walks, found exactly: the prediction is off by what its sway adds in so short a time."""
    overlaps = []
    for seed in range(3):
        clip = film("occlusion", seed, jitter=0, missed=0, false=0)
        for i, numbers, expected in between(clip, every):
            assert sorted(expected) == sorted(numbers.values())
            pairs = zip(clip[i].faces, clip[i].boxes, strict=True)
            overlaps += [iou(expected[numbers[face]], box) for face, box in pairs if i > 15 and face in numbers]
    assert np.mean(overlaps) >= 0.97


def test_only_faces_found_last_have_boxes_between():
    tracking = Tracker()
    assert tracking.boxes_at(0) == {}
    tracking.update(0, [(0, 0, 50, 50), (200, 0, 50, 50)])
    tracking.update(0.1, [(200, 0, 50, 50)])
    assert list(tracking.boxes_at(0.15)) == [2]
    tracking.update(0.2, [(0, 0, 50, 50), (200, 0, 50, 50)])
    assert sorted(tracking.boxes_at(0.2)) == [1, 2]
    np.testing.assert_allclose(tracking.boxes_at(0.2)[1], (0, 0, 50, 50), atol=1e-9)


def test_the_cost_is_finite_however_long_and_far():
    track = Track(1, 0.0, [0.0] * 4, 0.0, [0.0] * 4)
    track.advance(1e6)
    assert track.cost([1e9, -1e9, 20.0, -20.0]) == LIMIT
    assert math.isfinite(track.a + track.b + track.c)


@pytest.mark.parametrize("box", [(0, 0, 0, 5), (0, 0, 5, -1), (math.nan, 0, 5, 5), (0, math.inf, 5, 5)])
def test_a_box_without_a_size_is_refused(box):
    with pytest.raises(UsageError, match="expected x, y, width and height"):
        Tracker().update(0, [box])


def test_times_do_not_go_back():
    tracking = Tracker()
    tracking.update(1.0, [(0, 0, 5, 5)])
    assert tracking.update(1.0, [(0, 0, 5, 5)]) == [1]
    for time_s in (0.9, math.nan, math.inf):
        with pytest.raises(UsageError, match=r"after one at 1\.0 s: expected frames in the order"):
            tracking.update(time_s, [])
        with pytest.raises(UsageError, match="expected frames in the order"):
            tracking.boxes_at(time_s)


def test_without_scipy_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(UsageError, match=r"\.\[video\]"):
        Tracker()
