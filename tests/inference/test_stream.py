"""A stream's frames, tracks and times on clips made of a redistributable face; broken off, gone on with, cut off."""

import threading
import time
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image
from tests.media.clips import ASTRONAUT, write_clip

from mien import Recognizer
from mien.errors import UsageError, VideoError
from mien.inference.detector import iou
from mien.inference.stream import REMEMBERED_S

WIDTH, HEIGHT, RATE = 320, 240, Fraction(25)


def show(i: int, empty: range = range(0)) -> np.ndarray:
    """The astronaut, who sways; nobody in the frames of `empty`."""
    frame = Image.new("RGB", (WIDTH, HEIGHT), (90, 110, 120))
    if i not in empty:
        face = Image.open(ASTRONAUT).convert("RGB").resize((220, 220))
        frame.paste(face, (round(50 + 25 * np.sin(i / 12)), 15))
    return np.asarray(frame)


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer()


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """100 frames of which ten in the midst are empty."""
    path = tmp_path_factory.mktemp("clips") / "hundred.mp4"
    return write_clip(path, [show(i, range(45, 55)) for i in range(100)], rate=RATE)


@pytest.fixture(scope="module")
def results(recognizer, clip):
    return list(recognizer.stream(clip))


def test_a_hundred_frames_with_ten_empty_ones_are_a_hundred_results_and_one_track(results, clip):
    assert [result.frame for result in results] == list(range(100))
    assert [result.time_s for result in results] == pytest.approx([i / 25 for i in range(100)], abs=1e-3)
    assert {face.track for result in results for face in result.faces} == {1}
    counts = [len(result.faces) for result in results]
    assert counts == [1] * 45 + [0] * 10 + [1] * 45  # where a face comes or goes, every frame is searched
    assert all(result.source == str(clip) and (result.width, result.height) == (WIDTH, HEIGHT) for result in results)
    assert all(face.emotion == "happiness" for result in results for face in result.faces)


def test_searching_every_frame_gives_what_predict_gives(recognizer, clip):
    from mien.media.video import open_video

    frames = open_video(clip)
    for frame, result in zip(frames, recognizer.stream(clip, detect_every=1, smooth=False), strict=True):
        alone = recognizer.predict(frame.pixels)
        assert [face.box for face in result.faces] == [face.box for face in alone.faces]
        assert [face.emotion for face in result.faces] == [face.emotion for face in alone.faces]
        for ours, one in zip(result.faces, alone.faces, strict=True):
            assert ours.probs == pytest.approx(one.probs, abs=1e-5)
            assert ours.smoothed is None


def test_fewer_searches_give_nearly_the_same(recognizer, clip, results):
    every = list(recognizer.stream(clip, detect_every=1))
    pairs = [(a.faces[0], b.faces[0]) for a, b in zip(every, results, strict=True) if a.faces and b.faces]
    assert len(pairs) > 80
    assert np.mean([iou(tuple(a.box), tuple(b.box)) for a, b in pairs]) > 0.9
    assert np.mean([a.emotion == b.emotion for a, b in pairs]) >= 0.98


def test_smoothed_values_stand_beside_the_frames_own_and_name_the_emotion(results):
    for face in (face for result in results for face in result.faces):
        assert sum(face.probs.values()) == pytest.approx(1, abs=1e-5)
        assert sum(face.smoothed.values()) == pytest.approx(1, abs=1e-5)
        assert face.confidence == max(face.smoothed.values())
        assert face.smoothed[face.emotion] == face.confidence


def test_frames_are_sampled_by_time(recognizer, clip):
    sampled = list(recognizer.stream(clip, fps=5))
    assert [result.frame for result in sampled] == list(range(0, 100, 5))
    assert [result.time_s for result in sampled] == pytest.approx([i / 5 for i in range(20)], abs=1e-3)


@pytest.mark.parametrize("count", [0, 1, 30])
def test_a_stream_can_be_broken_off_at_any_point_and_frees_its_threads(recognizer, clip, count):
    before = threading.active_count()
    stream = recognizer.stream(clip)
    for _ in range(count):
        next(stream)
    if count:
        stream.close()
        assert list(stream) == []
    del stream  # nothing refers to it any more, so that no garbage collection is needed
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before


@pytest.mark.parametrize("done", [1, 40, 50, 99])
def test_a_run_that_goes_on_loses_and_doubles_no_frame_and_keeps_the_track(recognizer, clip, results, done):
    tail = [result for result in results[:done] if result.time_s >= results[done - 1].time_s - REMEMBERED_S]
    rest = list(recognizer.stream(clip, after=tail))
    assert [result.frame for result in rest] == list(range(done, 100))
    assert {face.track for result in rest for face in result.faces} <= {1}
    for ours, whole in zip(rest, results[done:], strict=True):
        for one, other in zip(ours.faces, whole.faces, strict=False):
            assert iou(tuple(one.box), tuple(other.box)) > 0.8
            assert one.smoothed == pytest.approx(other.smoothed, abs=0.2)


def test_a_cut_off_file_gives_its_results_then_the_error(recognizer, clip, tmp_path):
    whole = write_clip(tmp_path / "whole.mkv", [show(i) for i in range(60)], rate=RATE)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    seen, stream = [], recognizer.stream(cut)
    with pytest.raises(VideoError, match="cut off"):
        seen.extend(result.frame for result in iter(stream.__next__, None))
    assert seen == list(range(len(seen)))
    assert 15 < len(seen) < 60


def test_a_camera_is_followed_without_waiting_for_later_frames(recognizer, clip, monkeypatch):
    """A live source is stood in for by the file, whose frames are counted as they are taken."""
    import dataclasses

    from mien.inference import stream as module

    taken = []

    def live(source, fps=None):
        video = open_file(source, fps)
        video.facts = dataclasses.replace(video.facts, live=True)
        inner = type(video).__next__

        class Live(type(video)):
            def __next__(self):
                frame = inner(self)
                taken.append(frame.index)
                return frame

        video.__class__ = Live
        return video

    open_file = module.open_video
    monkeypatch.setattr(module, "open_video", live)
    with recognizer.stream(clip) as stream:
        for result in stream:
            assert taken[-1] == result.frame
            assert stream.pixels.shape == (HEIGHT, WIDTH, 3)
            if result.faces:
                assert result.faces[0].smoothed is not None
    assert len(taken) == 100


def test_five_faces_pass_together_and_keep_their_places(recognizer, tmp_path):
    def five(i):
        frame = Image.new("RGB", (640, 480), (90, 110, 120))
        face = Image.open(ASTRONAUT).convert("RGB").crop((130, 0, 330, 200)).resize((180, 180))
        for f in range(5):
            frame.paste(face, (10 + f % 3 * 215 + i % 5, 20 + f // 3 * 230))
        return np.asarray(frame)

    path = write_clip(tmp_path / "five.mp4", [five(i) for i in range(20)], rate=RATE)
    results = list(recognizer.stream(path))
    assert [[face.track for face in result.faces] for result in results] == [[1, 2, 3, 4, 5]] * 20
    lefts = np.array([[face.box.x for face in result.faces] for result in results])
    assert np.ptp(lefts, axis=0).max() < 40


@pytest.mark.parametrize(
    ("options", "said"),
    [({"fps": 0}, "expected frames a second"), ({"detect_every": 0}, "at least 1")],
)
def test_options_out_of_their_range(recognizer, clip, options, said):
    with pytest.raises(UsageError, match=said):
        recognizer.stream(clip, **options)


def test_what_is_no_video(recognizer, tmp_path):
    (tmp_path / "notes.mp4").write_text("no video")
    with pytest.raises(VideoError, match="not a video"):
        recognizer.stream(tmp_path / "notes.mp4")
    with pytest.raises(VideoError, match="no such file"):
        recognizer.stream(tmp_path / "missing.mp4")
