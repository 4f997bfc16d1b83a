"""Frames between searches: straight lines, half-way rules, and how often is searched, by hand."""

import math
from itertools import pairwise

import pytest

from mien.errors import UsageError
from mien.inference.crop import Square
from mien.inference.follow import LONGEST_S, PACE, Follower


def at(x: float, y: float = 100, side: float = 80, turn: float = 0.0, score: float = 0.9):
    return Square(x, y, side, turn), score


def test_a_face_moves_on_a_straight_line_between_two_searches():
    follower = Follower()
    (first,) = follower.settle([0.0], [at(100, score=0.6)])
    frames = follower.settle([0.1, 0.2, 0.4], [at(140, 120, 88, score=1.0)])
    assert [face.number for (face,) in [first, *frames]] == [1, 1, 1, 1]
    for (face,), share in zip(frames, (0.25, 0.5, 1.0), strict=True):
        expected = (100 + 40 * share, 100 + 20 * share, 80 + 8 * share, 0, 0.6 + 0.4 * share)
        assert (*face.square, face.score) == pytest.approx(expected)


def test_a_turn_takes_the_short_way_round():
    follower = Follower()
    follower.settle([0.0], [at(100, turn=170)])
    frames = follower.settle([0.1, 0.2], [at(100, turn=-170)])
    assert frames[0][0].square.turn_deg % 360 == pytest.approx(180)


def test_a_face_that_only_one_search_found_is_there_for_half_of_the_time():
    follower = Follower()
    follower.settle([0.0], [at(100), at(400)])
    frames = follower.settle([0.05, 0.15, 0.2], [at(100), at(250, 300)])
    assert [[face.number for face in frame] for frame in frames] == [[1, 2], [1, 3], [1, 3]]
    assert frames[1][1].square == at(250, 300)[0]
    assert frames[0][1].square.left == pytest.approx(400, abs=1)


def test_faces_stand_in_the_order_of_their_numbers_whatever_order_they_are_found_in():
    follower = Follower()
    follower.settle([0.0], [at(100), at(400)])
    frames = follower.settle([0.1, 0.2], [at(402), at(101)])
    assert [[face.number for face in frame] for frame in frames] == [[1, 2], [1, 2]]


def test_each_kth_frame_is_searched():
    follower = Follower(every=3)
    assert [follower.wants(i / 30) for i in range(7)] == [True, False, False, True, False, False, True]


def searches(speed: float, frames: int = 90, fps: float = 30) -> list[float]:
    """When a face of 100 px that goes `speed` sides a second is searched."""
    follower, segment, times = Follower(), [], []
    for i in range(frames):
        segment.append(i / fps)
        if follower.wants(i / fps):
            times.append(i / fps)
            follower.settle(segment, [at(100 * speed * i / fps, side=100)])
            segment = []
    return times


def test_what_moves_faster_is_searched_more_often():
    still, slow, fast = searches(0.0), searches(1.0), searches(5.0)
    gaps = [[round((b - a) * 30) for a, b in pairwise(t)][-5:] for t in (still, slow, fast)]
    assert gaps[0] == [LONGEST_S * 30] * 5
    assert gaps[1] == [math.ceil(PACE * 30 - 1e-6)] * 5
    assert gaps[2] == [1] * 5


@pytest.mark.parametrize(
    ("found", "surprised"),
    [
        ([at(135)], False),  # the face of 80 px went from 100 to 120 in 0.2 s and is expected at 135 after as long again
        ([at(122)], False),  # 13 px off, an overlap of 67 / 93
        ([at(115)], True),  # 20 px, 60 / 100
        ([at(135, side=92)], False),  # 0.76
        ([at(135, side=104)], True),  # 0.59
        ([], True),
        ([at(400)], True),
        ([at(135), at(400)], True),
    ],
)
def test_what_is_a_surprise(found, surprised):
    follower, fixed = Follower(), Follower(every=3)
    for i in range(31):
        follower.settle([i / 150], [at(100 + 20 * i / 30)])
        fixed.settle([i / 150], [at(100 + 20 * i / 30)])
    assert follower.surprised(0.4, found) == surprised
    assert not fixed.surprised(0.4, found)


def test_a_camera_gets_where_the_face_is_expected():
    follower = Follower()
    for i in range(30):
        follower.settle([i / 30], [at(100 + 2 * i)])
    (face,) = follower.expect(31 / 30)
    assert face.square.left == pytest.approx(162, abs=1)
    follower.settle([32 / 30], [])
    assert follower.expect(33 / 30) == []


def test_a_run_that_goes_on_knows_the_faces_of_the_one_before():
    follower = Follower()
    for i in range(10):
        follower.recall(
            i / 30, {4: (100 + i, 100, 80, 80), 7: (400 - i, 100, 60, 60)} if i < 8 else {7: (400 - i, 100, 60, 60)}
        )
    (frame,) = follower.settle([10 / 30], [at(390, 100, 60), at(110), at(250, 300)])
    assert [face.number for face in frame] == [4, 7, 8]


@pytest.mark.parametrize("every", [0, -1])
def test_a_rate_of_searches_that_is_none(every):
    with pytest.raises(UsageError, match="expected None or at least 1"):
        Follower(every)
