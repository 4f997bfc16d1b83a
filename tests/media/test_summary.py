"""Sums against a slow plain loop over everything at once, and against a clip that is counted by hand."""

import csv
import json
import random
from dataclasses import replace
from itertools import pairwise

import pytest

from mien import EMOTIONS, Box, Face, Result
from mien.errors import UsageError, VideoError
from mien.media.summary import SUMMARY_COLUMNS, Summary, write_summary


def face(track, emotion, probs=None, smoothed=None, ambiguous=False):
    sure = {name: float(name == emotion) for name in EMOTIONS}
    return Face(Box(0, 0, 9, 9), 1.0, probs or sure, emotion, 1.0, ambiguous, track, smoothed)


def frame(time_s, *faces, error=None):
    return Result("clip.mp4", 64, 48, faces, {}, 0, time_s, error)


HAPPY = {name: 0.9 if name == "happiness" else 0.1 / 7 for name in EMOTIONS}
BY_HAND = [
    frame(0.0, face(1, "neutral")),
    frame(0.1, face(1, "happiness", smoothed=HAPPY), face(2, "anger", ambiguous=True)),
    frame(0.4, face(1, "happiness")),
    frame(0.5),
    frame(0.9, error="damaged"),
    frame(1.0, face(1, "neutral", ambiguous=True)),
]
"""Track 1 is neutral for 0.1 s and, in the last frame, as long as the one before, again; happy for 0.3 and 0.1 s."""


def summed(results):
    summary = Summary()
    for result in results:
        summary.add(result)
    return summary


def test_a_clip_counted_by_hand():
    data = summed(BY_HAND).to_dict(lost=4, damaged=2)
    one, two = data["tracks"]
    assert (one["track"], one["first_s"], one["last_s"], one["frames"]) == (1, 0.0, 1.0, 4)
    assert one["in_view_s"] == 0.6
    assert [one["share"][name] for name in ("neutral", "happiness", "anger")] == [0.3333, 0.6667, 0]
    assert one["mean"]["happiness"] == round((0.3 * 0.9 + 0.1) / 0.6, 4)
    assert one["ambiguous"] == 0.1667
    assert (two["track"], two["first_s"], two["last_s"], two["in_view_s"]) == (2, 0.1, 0.1, 0.3)
    assert (two["ambiguous"], two["share"]["anger"]) == (1, 1)
    clip = data["clip"]
    assert [clip[name] for name in ("frames", "frames_without_face", "frames_failed", "frames_lost", "frames_damaged")] == [
        6, 1, 1, 4, 2]  # fmt: skip
    assert [clip["duration_s"], clip["in_view_s"]] == [1.1, 0.6]
    assert clip["share"]["anger"] == 0.3333


def random_clip(seed, n=300):
    """Uneven times, tracks that come and go, some frames with smoothing."""
    chance = random.Random(seed)
    time_s, results = 0.0, []
    for _ in range(n):
        faces = []
        for track in range(1, 5):
            weights = [chance.random() for _ in EMOTIONS]
            probs = {name: weight / sum(weights) for name, weight in zip(EMOTIONS, weights, strict=True)}
            smoothed = dict(zip(EMOTIONS, reversed(probs.values()), strict=True)) if chance.random() < 0.5 else None
            if chance.random() < 0.4:
                faces.append(face(track, chance.choice(EMOTIONS), probs, smoothed, chance.random() < 0.3))
        results.append(frame(time_s, *faces))
        time_s += chance.choice([0.02, 0.04, 0.3])
    return results


@pytest.mark.parametrize("seed", range(3))
def test_any_clip_is_as_a_plain_loop_sums_it(seed):
    results = random_clip(seed)
    durations = [b.time_s - a.time_s for a, b in pairwise(results)]
    shown = list(zip(results, [*durations, durations[-1]], strict=True))
    for found in summed(results).to_dict()["tracks"]:
        seen = [(r.time_s, d, f) for r, d in shown for f in r.faces if f.track == found["track"]]
        total = sum(d for _, d, _ in seen)
        times = [found["first_s"], found["last_s"], found["in_view_s"]]
        assert times == pytest.approx([seen[0][0], seen[-1][0], total], abs=1e-3)
        assert found["frames"] == len(seen)
        assert found["ambiguous"] == pytest.approx(sum(d for _, d, f in seen if f.ambiguous) / total, abs=1e-4)
        for name in EMOTIONS:
            assert found["share"][name] == pytest.approx(sum(d for _, d, f in seen if f.emotion == name) / total, abs=1e-4)
            probs = [(d, f.probs[name] if f.smoothed is None else f.smoothed[name]) for _, d, f in seen]
            assert found["mean"][name] == pytest.approx(sum(d * p for d, p in probs) / total, abs=1e-4)


@pytest.mark.parametrize("results", [[], [frame(0.0)]], ids=["no frames", "one without a face"])
def test_without_faces_there_are_no_shares(results):
    data = summed(results).to_dict()
    assert data["tracks"] == []
    assert (data["clip"]["frames"], data["clip"]["first_s"], data["clip"]["share"]["fear"]) == (len(results), None, None)


def test_a_single_frame_lasts_a_25th_of_a_second():
    assert summed([frame(3.0, face(1, "fear"))]).to_dict()["tracks"][0]["in_view_s"] == 1 / 25


def test_csv_is_a_row_a_track_and_one_for_the_clip(tmp_path):
    write_summary(tmp_path / "s.csv", summed(BY_HAND), lost=4)
    with (tmp_path / "s.csv").open(newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert tuple(rows[0]) == SUMMARY_COLUMNS
    assert [(row["source"], row["track"], row["frames"]) for row in rows] == [
        ("clip.mp4", "1", "4"), ("clip.mp4", "2", "1"), ("clip.mp4", "all", "6")]  # fmt: skip
    data = summed(BY_HAND).to_dict()
    assert float(rows[0]["share_neutral"]) == data["tracks"][0]["share"]["neutral"]
    assert float(rows[2]["mean_anger"]) == data["clip"]["mean"]["anger"]
    assert (rows[0]["frames_lost"], rows[2]["frames_lost"]) == ("", "4")


def test_json_is_the_summary_itself(tmp_path):
    write_summary(tmp_path / "s.json", summed([replace(r, source="ü.mp4") for r in BY_HAND]), damaged=3)
    found = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))
    assert found == summed([replace(r, source="ü.mp4") for r in BY_HAND]).to_dict(damaged=3)


def test_another_suffix_and_a_place_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match=r"\.csv or \.json"):
        write_summary(tmp_path / "s.txt", Summary())
    with pytest.raises(VideoError, match="cannot be written"):
        write_summary(tmp_path / "nowhere" / "s.csv", Summary())
