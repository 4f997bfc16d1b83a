"""Smoothing against slow plain loops, and on clips of still and changing faces that were made worse."""

import math

import numpy as np
import pytest
from tests.inference.degraded_faces import degrade

from mien.emotions import EMOTIONS
from mien.errors import UsageError
from mien.inference.crop import Square
from mien.inference.smoothing import (
    BLOCK_S,
    EVIDENCE,
    FAST_S,
    FLOOR,
    GAP_S,
    KERNEL_S,
    LEAD,
    LOOK_S,
    MOST,
    SLOW_S,
    Smoother,
    smooth_frames,
    smooth_two_sided,
)
from mien.media.images import read_picture


def smooth_causal(times_s, probs):
    smoother = Smoother()
    return [smoother.update(1, time_s, row) for time_s, row in zip(times_s, probs, strict=True)]


WAYS = {"causal": smooth_causal, "two-sided": smooth_two_sided}


def draw_probs(rng, count, classes=8):
    """Rows that sum to 1, a good part of them with zeros."""
    rows = rng.dirichlet(np.full(classes, 0.3), count)
    rows[rows < 0.01] = 0
    return rows / rows.sum(1, keepdims=True)


def draw_times(rng, count):
    """Uneven times, with a gap now and then that is too long."""
    return np.cumsum(rng.choice([1 / 60, 1 / 30, 1 / 10, GAP_S, GAP_S + 0.1], count, p=[0.3, 0.4, 0.2, 0.05, 0.05])).tolist()


def log_shares(probs):
    return np.log((np.asarray(probs) + FLOOR) / (1 + np.shape(probs)[-1] * FLOOR))


def probs_of(mean):
    shares = np.exp(mean)
    return shares / shares.sum(-1, keepdims=True) * (1 + np.shape(mean)[-1] * FLOOR) - FLOOR


def test_causal_against_its_equations():
    rng = np.random.default_rng(0)
    times_s, probs = draw_times(rng, 300), draw_probs(rng, 300)
    ours, restarts, last_s = smooth_causal(times_s, probs), 0, -math.inf
    for time_s, x, got in zip(times_s, log_shares(probs), ours, strict=True):
        dt, last_s = time_s - last_s, time_s
        if dt <= GAP_S:
            age += dt  # noqa: F821
            mean = mean + (1 - np.exp(-dt / min(SLOW_S, FAST_S + age))) * (x - mean)  # noqa: F821
            evidence = np.maximum(0, evidence + dt * (np.minimum(x - x[mean.argmax()], MOST) - LEAD))  # noqa: F821
            restarts += evidence.max() > EVIDENCE
        if dt > GAP_S or evidence.max() > EVIDENCE:
            mean, evidence, age = x, np.zeros(8), 0.0
        np.testing.assert_allclose(got, probs_of(mean), atol=1e-12)
    assert 10 < restarts < 150


def test_two_sided_against_its_sum():
    rng = np.random.default_rng(1)
    times_s, probs = draw_times(rng, 200), draw_probs(rng, 200)
    part = np.cumsum(np.diff(times_s, prepend=times_s[0]) > GAP_S)
    half = np.minimum(np.diff(times_s), KERNEL_S) / 2 * (np.diff(part) == 0)
    weights = np.maximum(np.append(half, 0) + np.insert(half, 0, 0), 1e-3)
    for i, got in enumerate(smooth_two_sided(times_s, probs)):
        w = weights * np.exp(-np.abs(np.array(times_s) - times_s[i]) / KERNEL_S) * (part == part[i])
        np.testing.assert_allclose(got, probs_of(w @ log_shares(probs) / w.sum()), atol=1e-12)
    assert part[-1] > 3


@pytest.mark.parametrize("way", WAYS)
def test_probabilities_stay_probabilities(way):
    rng = np.random.default_rng(2)
    probs = draw_probs(rng, 200)
    probs[50:60] = np.eye(8)[rng.integers(8, size=10)]
    smoothed = np.array(WAYS[way](draw_times(rng, 200), probs))
    np.testing.assert_allclose(smoothed.sum(1), 1, atol=1e-12)
    assert smoothed.min() >= 0


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("row", [(0.5, 0.3, 0.2), (1.0, 0.0, 0.0), (0.6, 0.4, 0.0)])
def test_what_does_not_change_passes_unchanged_and_one_frame_alone(way, row):
    for count in (1, 40):
        np.testing.assert_allclose(WAYS[way]([i / 25 for i in range(count)], [row] * count), [row] * count, atol=1e-12)
    assert smooth_two_sided([], []) == []


@pytest.mark.parametrize("way", WAYS)
def test_frames_on_the_two_sides_of_a_gap_know_nothing_of_each_other(way):
    rng = np.random.default_rng(3)
    probs, times_s = draw_probs(rng, 40), np.arange(40) / 25
    times_s[20:] += GAP_S
    apart = WAYS[way](times_s[:20], probs[:20]) + WAYS[way](times_s[20:], probs[20:])
    np.testing.assert_allclose(WAYS[way](times_s, probs), apart, atol=1e-12)


def test_two_sided_is_the_same_backwards():
    rng = np.random.default_rng(4)
    times_s, probs = draw_times(rng, 50), draw_probs(rng, 50)
    backwards = smooth_two_sided([-time_s for time_s in times_s[::-1]], probs[::-1])[::-1]
    np.testing.assert_allclose(backwards, smooth_two_sided(times_s, probs), atol=1e-12)


@pytest.mark.parametrize("way", WAYS)
def test_time_counts_and_not_frames(way):
    """The same face at 30 and at 60 frames a second: what is smoothed at the same times is nearly the same."""
    slow = np.arange(60) / 30
    fast = np.arange(120) / 60
    p = 0.5 + 0.3 * np.sin(2 * np.pi * fast)
    probs = np.stack([p, 1 - p], 1)
    np.testing.assert_allclose(np.array(WAYS[way](fast, probs))[::2], WAYS[way](slow, probs[::2]), atol=0.03)


def test_tracks_do_not_touch_each_other_and_old_ones_are_forgotten():
    rng = np.random.default_rng(5)
    times_s, probs = np.arange(100) / 10, draw_probs(rng, 200).reshape(100, 2, 8)
    smoother = Smoother()
    both = [[smoother.update(track, t, row[track]) for track in (0, 1)] for t, row in zip(times_s, probs, strict=True)]
    for track in (0, 1):
        np.testing.assert_array_equal([row[track] for row in both], smooth_causal(times_s, probs[:, track]))
    for track in range(2, 1000):
        smoother.update(track, 10.0 + track, probs[0, 0])
    assert len(smoother._states) <= GAP_S + 1


def test_times_do_not_go_back():
    smoother = Smoother()
    smoother.update(1, 1.0, (0.5, 0.5))
    smoother.update(2, 0.5, (0.5, 0.5))
    np.testing.assert_allclose(smoother.update(1, 1.0, (0.5, 0.5)), (0.5, 0.5))
    with pytest.raises(UsageError, match=r"frame at 0\.9 s after one at 1\.0 s"):
        smoother.update(1, 0.9, (0.5, 0.5))
    with pytest.raises(UsageError, match=r"frame at 1 s after one at 2 s"):
        smooth_two_sided([0, 2, 1], [(0.5, 0.5)] * 3)


FACES = {
    "astronaut": ("astronaut.jpg", Square(165, 55, 122)),
    "hopper": ("hopper.jpg", Square(146, 97, 242)),
    "far away": ("small.jpg", Square(166, 123, 46)),
    "far, not sure": ("small.jpg", Square(389, 219, 41)),
    "blurred": ("blurred.jpg", Square(103, 53, 123)),
}
FRAMES, FAIR, POOR, TIMES = 120, 0.7, 1.0, 6


@pytest.fixture(scope="module")
def recorded(golden, recognizer):
    """strength -> probs [clip,FRAMES,8] of the shipped network, at 30 frames a second: each face, and all of them TIMES."""
    pictures = {name: read_picture(golden / "pictures" / name).pixels for name, _ in FACES.values()}

    def record(strength):
        rngs = [np.random.default_rng(seed) for seed in range(TIMES)]
        clips = [degrade(pictures[name], square, FRAMES, strength, rng) for rng in rngs for name, square in FACES.values()]
        return recognizer.classify(np.concatenate(clips)).reshape(TIMES * len(FACES), FRAMES, 8)

    return {strength: record(strength) for strength in (FAIR, POOR)}


@pytest.fixture(scope="module")
def recognizer():
    from mien import Recognizer

    return Recognizer()


def count_flips(probs):
    return int((np.diff(np.argmax(probs, -1)) != 0).sum())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("every", [1, 3], ids=["30 fps", "10 fps"])
def test_a_still_face_flips_at_most_a_fifth_as_often(recorded, way, every):
    times_s = np.arange(0, FRAMES, every) / 30
    clips = [clip[::every] for clip in recorded[POOR]]
    before, after = (sum(map(count_flips, c)) for c in (clips, [WAYS[way](times_s, clip) for clip in clips]))
    assert before >= 40
    assert 5 * after <= before


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fps", [30, 25, 10])
@pytest.mark.parametrize(("old", "new"), [("astronaut", "hopper"), ("hopper", "astronaut"), ("far away", "hopper")])
def test_a_true_change_is_followed_within_three_tenths_of_a_second(recorded, way, fps, old, new):
    """Wherever between two frames the change falls: the new face's label from 0.3 s after it on, and the old one's until it;
    from both sides, until 0.3 s before it. A first frame that was misread may stand for as long."""
    before, after = (recorded[FAIR][list(FACES).index(name)] for name in (old, new))
    names = [EMOTIONS[clip.sum(0).argmax()] for clip in (before, after)]
    assert names[0] != names[1]
    early_s = 0 if way == "causal" else 0.301
    for start in range(0, 60, 7):
        frames = np.arange(start, start + 60, 30 / fps).astype(int)
        since_s = np.arange(-len(frames), len(frames)) / fps
        smoothed = WAYS[way](since_s.tolist(), np.concatenate([before[frames], after[frames]]))
        labels = np.array(EMOTIONS)[np.argmax(smoothed, 1)]
        assert set(labels[(since_s < -early_s) & (since_s > since_s[0] + 0.301)]) == {names[0]}
        assert set(labels[since_s > 0.301]) == {names[1]}


def test_a_clear_change_takes_as_long_as_is_stated():
    """Two classes that change places: 0.12 s and the frame that completes it."""
    for fps in (100, 30, 25, 10):
        times_s = np.arange(4 * fps) / fps
        sure = np.where(times_s[:, None] < 2, [(0.99, 0.01)], [(0.01, 0.99)])
        labels = np.argmax(smooth_causal(times_s, sure), 1)
        taken_s = times_s[np.flatnonzero(labels)[0]] - 2
        assert taken_s <= EVIDENCE / (MOST - LEAD)
        assert (labels[times_s >= 2 + taken_s] == 1).all()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fps", [30, 10])
def test_an_expression_of_half_a_second_is_shown(way, fps):
    since_s = np.arange(-2 * fps, 2 * fps) / fps
    shown = (since_s >= 0) & (since_s < 0.5)
    labels = np.argmax(WAYS[way](since_s.tolist(), np.where(shown[:, None], [(0.1, 0.9)], [(0.9, 0.1)])), 1)
    assert 0.25 <= labels.sum() / fps <= 0.6
    assert not labels[(since_s < 0) | (since_s > 0.7)].any()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fps", [30, 10])
def test_a_face_less_sure_than_the_one_before_is_followed_as_soon(way, fps):
    since_s = np.arange(-2 * fps, 2 * fps) / fps
    labels = np.argmax(WAYS[way](since_s.tolist(), np.where(since_s[:, None] < 0, [(0.92, 0.08)], [(0.27, 0.73)])), 1)
    assert not labels[since_s < 0].any()
    assert labels[since_s > 0.301].all()


def frames_of(rng, count=400, tracks=3):
    """Times at 30 fps with a long break, and rows of tracks that come and go."""
    times_s = (np.arange(count) / 30 + np.where(np.arange(count) > 250, 7.3, 0)).tolist()
    rows = [{t: row.tolist() for t, row in enumerate(draw_probs(rng, tracks)) if rng.random() < 0.9} for _ in times_s]
    return list(zip(times_s, rows, strict=True))


def test_a_long_clip_is_smoothed_as_the_whole_one_frame_by_frame():
    frames = frames_of(np.random.default_rng(3))
    got = list(smooth_frames(iter(frames)))
    assert [sorted(rows) for rows in got] == [sorted(rows) for _, rows in frames]
    for track in range(3):
        seen = [i for i, (_, rows) in enumerate(frames) if track in rows]
        whole = smooth_two_sided([frames[i][0] for i in seen], [frames[i][1][track] for i in seen])
        assert np.abs(np.array([got[i][track] for i in seen]) - whole).max() < 0.002


def test_frames_come_out_soon_after_they_went_in_and_few_are_held():
    frames, went_in = frames_of(np.random.default_rng(4)), []
    source = (went_in.append(frame[0]) or frame for frame in frames)
    for (time_s, _), _ in zip(frames, smooth_frames(source), strict=True):
        assert went_in[-1] - time_s < BLOCK_S + LOOK_S + 0.1 or went_in[-1] - time_s < 7.3 + BLOCK_S + LOOK_S


@pytest.mark.parametrize("start", [1, 100, 251, 399])
def test_a_run_that_goes_on_smooths_as_one_that_was_not_broken_off(start):
    frames = frames_of(np.random.default_rng(5))
    whole = list(smooth_frames(frames))
    before = [frame for frame in frames[:start] if frame[0] >= frames[start - 1][0] - 4]
    assert list(smooth_frames(frames[start:], before)) == whole[start:]


def test_no_frame_gives_none():
    assert list(smooth_frames([])) == []
