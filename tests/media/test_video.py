"""Frames of files in every container come out once each, at the times that the test wrote; nothing is left open."""

import gc
import os
import threading
import time
from fractions import Fraction

import numpy as np
import pytest
from tests.media.clips import CONTAINERS, MILLISECOND, number, overwrite, packet_times, read, write_clip

from mien.errors import UsageError, VideoError
from mien.media.frames import Facts, Frame
from mien.media.video import Video, open_video


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_frame_comes_once_in_order_and_on_time(tmp_path, name):
    frames, lost, error = read(write_clip(tmp_path / name, **CONTAINERS[name]))
    assert [number(frame.pixels) for frame in frames] == list(range(40))
    assert [frame.index for frame in frames] == list(range(40))
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(40) / 25, abs=1e-3)
    assert {frame.pixels.shape for frame in frames} == {(120, 160, 3)}
    assert {frame.pixels.dtype for frame in frames} == {np.dtype(np.uint8)}
    assert (lost, error) == ([], None)
    assert not any(frame.damaged for frame in frames)


def test_variable_frame_rate(tmp_path):
    times = np.cumsum(np.random.default_rng(0).integers(5, 200, 40)).tolist()
    for name in ("a.mp4", "a.mkv"):
        path = write_clip(tmp_path / name, times=[0, *times[:-1]], time_base=MILLISECOND)
        frames, _, _ = read(path)
        assert [frame.time_s for frame in frames] == pytest.approx(np.array([0, *times[:-1]]) / 1000, abs=1e-3)
        assert [frame.time_s for frame in frames] == pytest.approx(packet_times(path), abs=1e-6)


def test_ntsc_times_do_not_drift(tmp_path):
    frames, _, _ = read(write_clip(tmp_path / "a.mp4", rate=Fraction(30000, 1001)))
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(40) * 1001 / 30000, abs=1e-6)


@pytest.mark.parametrize("name", ["a.ts", "a.mkv", "a.mp4"])
def test_time_0_is_where_the_file_starts(tmp_path, name):
    path = write_clip(tmp_path / name, times=range(500, 540))
    with open_video(path) as video:
        assert [frame.time_s for frame in video] == pytest.approx(np.arange(40) / 25, abs=1e-3)
        assert video.facts.start_s == pytest.approx(packet_times(path)[0], abs=1e-3)
    assert packet_times(path)[0] >= 20


@pytest.mark.parametrize("name", ["a.ts", "a.mkv"])
def test_pictures_that_start_after_the_sound_keep_their_delay(tmp_path, name):
    path = write_clip(tmp_path / name, times=range(25, 65), sound="libopus" if name == "a.mkv" else "aac", sound_s=2.6)
    delay = packet_times(path)[0] - max(packet_times(path, "audio")[0], 0)
    frames, _, _ = read(path)
    assert 0.9 < delay < 1.1
    assert frames[0].time_s == pytest.approx(delay, abs=1e-3)


@pytest.mark.parametrize(("name", "sound"), [("a.mkv", "libopus"), ("a.mp4", "aac")])
def test_the_sound_that_a_decoder_drops_at_the_start_shifts_nothing(tmp_path, name, sound):
    path = write_clip(tmp_path / name, sound=sound)
    assert packet_times(path, "audio")[0] < 0
    assert read(path)[0][0].time_s == 0


def test_facts(tmp_path):
    path = write_clip(tmp_path / "a.mp4", sound="aac", rate=Fraction(30000, 1001), sound_s=1.3)
    with open_video(path) as video:
        facts = video.facts
    assert (facts.name, facts.width, facts.height, facts.count, facts.sound, facts.live) == (
        str(path), 160, 120, 40, f"file:{path}", False)  # fmt: skip
    assert facts.rate == Fraction(30000, 1001)
    assert facts.duration_s == pytest.approx(40 * 1001 / 30000, abs=1e-3)
    with open_video(write_clip(tmp_path / "b.mkv")) as video:
        assert (video.facts.count, video.facts.sound) == (40, None)


@pytest.mark.parametrize(("rate", "fps"), [(25, 5), (25, 10), (25, 7), (Fraction(30000, 1001), 10), (25, 0.9)])
def test_fps_picks_the_frame_nearest_to_each_moment(tmp_path, rate, fps):
    times = [float(i / Fraction(rate)) for i in range(40)]
    moments = [k / fps for k in range(int((times[-1] + 0.5 / float(rate)) * fps) + 1)]
    nearest = [min(abs(time_s - moment) for time_s in times) for moment in moments]
    path = write_clip(tmp_path / "a.mp4", rate=Fraction(rate))
    with open_video(path, fps=fps) as video:
        picked = list(video)
        assert abs(video.facts.count - len(picked)) <= 1
    assert [abs(frame.time_s - moment) for frame, moment in zip(picked, moments, strict=True)] == pytest.approx(
        nearest, abs=1e-3
    )
    assert [number(frame.pixels) for frame in picked] == [frame.index for frame in picked]
    assert [frame.time_s for frame in picked] == pytest.approx([times[frame.index] for frame in picked], abs=1e-3)


@pytest.mark.parametrize("fps", [29.97, Fraction(30000, 1001), 30, 60])
def test_fps_of_the_rate_or_more_is_every_frame(tmp_path, fps):
    frames, _, _ = read(write_clip(tmp_path / "a.mkv", rate=Fraction(30000, 1001)), fps=fps)  # its times are whole ms
    assert [frame.index for frame in frames] == list(range(40))


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf")])
def test_fps_that_is_no_rate(tmp_path, fps):
    path = write_clip(tmp_path / "a.mp4")
    with pytest.raises(UsageError, match=r"fps = .* above 0"):
        open_video(path, fps=fps)
    with pytest.raises(UsageError, match=r"rate = .* above 0"):
        open_video(path, rate=fps)


def open_files():
    return {os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{n}")}


def decoding():
    return [thread for thread in threading.enumerate() if thread.name == "mien-ahead"]


def threads():
    """All threads of the process, FFmpeg's too."""
    return len(os.listdir("/proc/self/task"))


def wait_until(holds):
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("taken", [0, 1, 7, 40])
def test_breaking_off_at_any_point_frees_the_thread_and_the_file(tmp_path, taken):
    path, before = write_clip(tmp_path / "a.mp4"), threads()
    with open_video(path) as video:
        for frame in video:
            if frame.index >= taken:
                break
        assert str(path) in open_files() or taken == 40
    assert (str(path) in open_files(), decoding()) == (False, [])
    assert list(video) == []
    wait_until(lambda: threads() == before)  # the system counts a thread a moment longer than it runs


def test_a_generator_over_a_video_that_is_dropped_frees_them_too(tmp_path):
    path = write_clip(tmp_path / "a.mp4")

    def times():
        with open_video(path) as video:
            for frame in video:
                yield frame.time_s

    generator = times()
    assert next(generator) == 0
    del generator
    gc.collect()
    assert (str(path) in open_files(), decoding()) == (False, [])


def test_a_video_that_nobody_closes(tmp_path):
    path = write_clip(tmp_path / "a.mp4")
    video = open_video(path)
    assert next(video).index == 0
    del video
    gc.collect()
    assert (str(path) in open_files(), decoding()) == (False, [])


def test_what_fails_to_open_leaves_nothing_open(tmp_path):
    overwrite(write_clip(tmp_path / "a.mp4"), range(40), 0, 0)
    with pytest.raises(VideoError):
        open_video(tmp_path / "a.mp4")
    assert (str(tmp_path / "a.mp4") in open_files(), decoding()) == (False, [])


def test_only_a_few_frames_are_decoded_ahead():
    made = []

    def frames():
        yield Facts("clip", 8, 8)
        for i in range(100):
            made.append(i)
            yield Frame(i, i / 25, np.zeros((8, 8, 3), np.uint8))

    with Video("clip", frames(), []) as video:
        assert next(video).index == 0
        time.sleep(0.3)
        assert len(made) <= 7
    assert len(made) <= 8
