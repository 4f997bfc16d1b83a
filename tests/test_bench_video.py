"""benchmarks/video.py: what it concludes from planted times and results, and that its clips show what it says of them."""

import json
import os
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from benchmarks.fer_loop import Peer
from benchmarks.filming import FPS, enlarge, film, photographs, repeat, sit, write
from benchmarks.likeness import Tally, compare
from benchmarks.undisturbed import Watched, calm
from benchmarks.video import SEATS, app, conclude, measure_peak
from tests.media.clips import packet_times, scene
from typer.testing import CliRunner

from mien import Recognizer
from mien.emotions import EMOTIONS
from mien.inference.detector import REACH
from mien.media.video import open_video
from mien.results import Box, Face, Result


def face(x: int, emotion: str, smoothed: str = "neutral", track: int = 1) -> Face:
    probs = {name: 0.93 if name == emotion else 0.01 for name in EMOTIONS}
    return Face(Box(x, 100, 80, 80), 0.9, probs, smoothed, 0.9, False, track)


def show(*faces: Face) -> Result:
    return Result("clip.mp4", 640, 480, faces, {}, 0, 0.0)


def test_what_two_streams_have_in_common_is_counted_face_by_face():
    every = [
        show(face(100, "anger"), face(300, "fear", track=2)),
        show(face(100, "anger"), face(300, "anger", "anger", 2)),
        show(face(100, "neutral")),
        show(),
    ]
    ours = [
        show(face(120, "anger"), face(300, "fear", track=2)),  # 60 of 100 columns in common
        show(face(300, "fear", "anger", 2), face(100, "anger")),
        show(face(155, "neutral")),  # 25 of 135: not the same face
        show(face(100, "anger")),
    ]
    assert compare(every, ours) == Tally(
        frames=4, sightings=7, alone=3, same=3, same_smoothed=4, overlap=pytest.approx(0.6 + 3), changes=2
    )


def test_ratios_are_taken_round_by_round_against_the_same_clips_plain_loop():
    times_s = {"one, plain": [2.0, 4, 6], "one, defaults": [1.0, 1, 1], "two, plain": [3.0, 3, 3], "two, fer": [30.0, 15, 30]}
    found = conclude(times_s, 60)
    assert {name: value["median"] for name, value in found["ratios"].items()} == {"one, defaults": 4, "two, fer": 0.1}
    assert {name: value["median"] for name, value in found["frames_per_second"].items()} == {
        "one, plain": 15, "one, defaults": 60, "two, plain": 20, "two, fer": 2}  # fmt: skip


def test_rounds_in_which_other_programs_were_busy_do_not_count():
    times_s = {"one, plain": [2.0, 4, 6], "one, defaults": [1.0, 2, 3], "one, fer": [7.0, 8, 9], "two, plain": [3.0, 4, 5]}
    others = {"one, plain": [0.0, 0, 0.02], "one, defaults": [0.0, 0.5, 0], "two, plain": [0.9, 0, 0.9]}
    assert calm(times_s, others) == {
        "one, plain": [2, 6], "one, defaults": [1, 3], "one, fer": [7, 9],
        "two, plain": [3, 4, 5],  # one round is too few
    }  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_a_call_itself_keeps_busy_is_not_laid_on_others():
    call = Watched(lambda: [np.sort(np.arange(1_000_000)[::-1]) for _ in range(30)])
    call()
    ((own, others),) = call.cores
    assert 0 < own < 1.5
    assert -0.5 < others < os.cpu_count() + 0.5


@pytest.mark.parametrize("name", SEATS)
def test_all_faces_are_in_the_detectors_reach_and_found(name):
    recognizer, ways = Recognizer(), SEATS[name]
    assert min(way(t / 10)[2] for way in ways for t in range(100)) > 640 / REACH * 1.2
    for pixels in film(ways, photographs(), 3, np.random.default_rng(0)):
        assert len(recognizer.predict(pixels).faces) == len(ways)


def test_who_sits_moves_as_people_do_and_is_back_after_ten_seconds():
    way = sit(300, 200, 100, 0.7)
    places = np.array([way(t / 100) for t in range(1001)])
    assert places[-1] == pytest.approx(places[0])
    speed = np.abs(np.diff(places, axis=0)).max(0)  # px in 0.01 s of a side of 100 px, which is sides a second
    assert 0.3 < speed[0] < 0.7
    assert (speed[1:] < [0.4, 0.1]).all()
    assert np.ptp(places, axis=0) == pytest.approx([57, 12, 16], abs=3)


def test_a_portrait_has_the_face_in_its_middle_two_thirds():
    still = np.full((1, 48, 48), 200, np.uint8)
    still[:, 0] = still[:, -1] = still[:, :, 0] = still[:, :, -1] = 50
    (portrait,) = enlarge(still)
    (frame,) = film([lambda t: (320, 240, 192)], [portrait], 1, np.random.default_rng(0))
    bright = frame[200:280, :, 1].mean(0)[180:460] > 130  # the face from 224 to 416, its dark rim of 4 px, and that repeated
    assert bright.nonzero()[0][[0, -1]] + 180 == pytest.approx([228, 411], abs=3)


def test_a_repeated_clip_goes_on_without_a_gap(tmp_path):
    clip = write(tmp_path / "clip.mp4", iter(scene(20)))
    long = repeat(clip, tmp_path / "long.mp4", 3)
    assert packet_times(long) == pytest.approx([i / FPS for i in range(60)], abs=1e-3)
    first, again = list(open_video(clip)), list(open_video(long))
    assert all(np.array_equal(first[i % 20].pixels, frame.pixels) for i, frame in enumerate(again))


def test_the_peak_is_that_of_the_program_that_reads(tmp_path):
    clip = write(tmp_path / "clip.mp4", iter(scene(5)))
    ballast = np.ones(300_000_000, np.uint8)
    peak = measure_peak(clip)
    assert peak["frames"] == 5
    assert 50 < peak["peak_mb"] < 280 < ballast.nbytes / 2**20


FAKES = {
    "cv2.py": "class VideoCapture:\n"
    "    def __init__(self, path): self.left = [1, 2, 3] if path.endswith('a clip.mp4') else []\n"
    "    def read(self): return (True, self.left.pop()) if self.left else (False, None)\n",
    "fer/__init__.py": "",
    "fer/fer.py": "print('a greeting on stdout')\n"
    "class FER:\n"
    "    def detect_emotions(self, frame): print('chatter'); return [{}] * frame\n",
    "fer-7.8.dist-info/METADATA": "Metadata-Version: 2.1\nName: fer\nVersion: 7.8\n",
}
"""Stand-ins for the packages that the program runs: what is tested is how it is spoken with."""


def test_fer_answers_clip_by_clip(tmp_path, monkeypatch):
    for name, text in FAKES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with closing(Peer(Path(sys.executable))) as peer:
        assert peer.version == "7.8"
        assert [peer.read(tmp_path / "a clip.mp4") for _ in range(2)] == [(3, 6)] * 2
        assert peer.read(tmp_path / "empty.mp4") == (0, 0)


def test_speed_writes_its_part_and_says_why_there_is_no_fer(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.video.FPS", 10)  # a second of so many frames
    out = tmp_path / "bench.json"
    out.write_text('{"memory": 1}')
    done = CliRunner().invoke(app, ["speed", "--seconds", "1", "--rounds", "2", "--out", str(out)])
    assert done.exit_code == 0, done.output
    report = json.loads(out.read_text())
    assert report["memory"] == 1
    speed = report["speed"]
    assert speed["fer"] is None
    assert "--fer-python" in speed["why_no_fer"]
    assert speed["clips"]["five faces"]["frames"] == 10
    assert all(share > 0.9 for clip in speed["clips"].values() for share in clip["all_faces_found"].values())
    assert {name.split(", ")[1] for name in speed["frames_per_second"]} == {"plain", "every frame", "defaults"}
    assert all(0 < cores["own"] <= os.cpu_count() + 0.5 for cores in speed["cores"].values())
    for name, goal in speed["goals"].items():
        assert goal["met"] == (speed["ratios"][name]["median"] >= goal["least"])
