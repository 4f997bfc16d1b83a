"""What is written plays: the source's times and sound, H.264 that browsers take, and nothing finished is lost by a kill."""

import os
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from tests.media.clips import MILLISECOND, number, packet_times, read, scene, write_clip

from mien.errors import UsageError, VideoError
from mien.media.frames import Facts
from mien.media.unfinished import partial_path, written_times
from mien.media.video import open_video
from mien.media.video_writer import VideoWriter

FACTS = Facts("clip.mp4", 160, 120, Fraction(25))


def copy(source, path, **options):
    """The frames of a source, written to `path`; gives their times."""
    times = []
    with open_video(source, **options) as video, VideoWriter(path, video.facts) as writer:
        for frame in video:
            writer.write(frame.time_s, frame.pixels)
            times.append(frame.time_s)
    return times


def boxes(path):
    """The names of an MP4's boxes, in their order."""
    data, found, start = path.read_bytes(), [], 0
    while start < len(data):
        found.append(data[start + 4 : start + 8])
        start += int.from_bytes(data[start : start + 4], "big")
    return found


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"rate": Fraction(30000, 1001)},
        {"rate": Fraction(60)},
        {"times": [0, 40, 41, 300, 333, 366, 1000], "frames": scene(7), "time_base": MILLISECOND},
        {"times": range(25, 65), "sound": "aac", "sound_s": 2.6},
    ],
    ids=["constant", "ntsc", "60", "variable", "late"],
)
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_frames_keep_their_times_and_what_they_show(tmp_path, name, form):
    source, out = write_clip(tmp_path / name, **form), tmp_path / "out.mp4"
    times = copy(source, out)
    frames, lost, error = read(out)
    start = packet_times(source)[0] - times[0]
    assert packet_times(out) == pytest.approx(np.array(packet_times(source)) - start, abs=1e-4)
    assert [frame.time_s for frame in frames] == pytest.approx(times, abs=1e-4)
    assert [number(frame.pixels) for frame in frames] == list(range(len(times)))
    assert np.abs(frames[3].pixels.astype(int) - read(source)[0][3].pixels).mean() < 6
    assert (lost, error) == ([], None)
    assert os.listdir(tmp_path) in ([name, "out.mp4"], ["out.mp4", name])


def test_a_browser_can_play_it(tmp_path):
    copy(write_clip(tmp_path / "a.mkv", sound="libopus"), tmp_path / "out.mp4")
    names = boxes(tmp_path / "out.mp4")
    assert names[0] == b"ftyp"
    assert names.index(b"moov") < names.index(b"mdat")
    with av.open(str(tmp_path / "out.mp4")) as out:
        picture, sound = out.streams
        assert (picture.codec_context.name, picture.codec_context.pix_fmt, picture.codec_tag) == ("h264", "yuv420p", "avc1")
        assert picture.average_rate == 25
        assert sound.codec_context.name == "opus"
        assert next(packet.is_keyframe for packet in out.demux(picture))


def test_players_can_jump_every_two_seconds(tmp_path):
    with VideoWriter(tmp_path / "out.mp4", FACTS) as writer:
        for i in range(120):
            writer.write(i / 25, scene(1)[0])
    with av.open(str(tmp_path / "out.mp4")) as out:
        assert [i for i, packet in enumerate(out.demux(video=0)) if packet.is_keyframe] == [0, 50, 100]


@pytest.mark.parametrize("size", [(161, 121), (160, 121), (161, 120), (2, 2), (1, 1)])
def test_odd_sizes_get_a_row_or_column_more(tmp_path, size):
    frame = np.resize(scene(1)[0], (size[1], size[0], 3))
    with VideoWriter(tmp_path / "out.mp4", Facts("x", *size, Fraction(25))) as writer:
        writer.write(0, frame)
    shown = read(tmp_path / "out.mp4")[0][0].pixels
    assert shown.shape[:2] == (size[1] + size[1] % 2, size[0] + size[0] % 2)


def test_colours(tmp_path):
    for colour in ((200, 40, 30), (20, 160, 60), (30, 50, 220), (255, 255, 255), (0, 0, 0)):
        with VideoWriter(tmp_path / "out.mp4", FACTS) as writer:
            writer.write(0, np.full((120, 160, 3), colour, np.uint8))
        assert np.abs(read(tmp_path / "out.mp4")[0][0].pixels.astype(int) - colour).max() <= 5


def test_sampled_frames_keep_their_times(tmp_path):
    times = copy(write_clip(tmp_path / "a.mp4", sound="aac"), tmp_path / "out.mp4", fps=5)
    assert packet_times(tmp_path / "out.mp4") == pytest.approx(times, abs=1e-4)
    assert times == pytest.approx(np.arange(8) / 5, abs=1e-3)


# --- sound


def loudness(path):
    """The sound's samples, in seconds from the file's start: when it is there, and how loud."""
    with av.open(str(path)) as source:
        stream = source.streams.best("audio")
        parts = [(frame.time, frame.to_ndarray().astype(float)) for frame in source.decode(stream)]
    first = min(time for time, _ in parts)
    last = max(time + samples.shape[-1] / stream.rate for time, samples in parts)
    return first, last


@pytest.mark.parametrize(
    ("name", "sound", "kept"),
    [
        ("a.mp4", "aac", "aac"),
        ("a.mkv", "aac", "aac"),
        ("a.ts", "aac", "aac"),
        ("a.mkv", "libopus", "opus"),
        ("a.mkv", "flac", "flac"),
        ("a.avi", "libmp3lame", "mp3"),
        ("a.mov", "pcm_s16le", "aac"),
        ("a.mkv", "ac3", "aac"),
    ],
)
def test_sound_is_copied_or_encoded_again_and_stays_in_step(tmp_path, name, sound, kept):
    source, out = write_clip(tmp_path / name, sound=sound, options={"bf": "0"}), tmp_path / "out.mp4"
    copy(source, out)
    with av.open(str(out)) as written:
        assert written.streams.audio[0].codec_context.codec.canonical_name == kept
    offset = packet_times(source)[0] - packet_times(out)[0]
    first, last = loudness(source)
    assert loudness(out) == pytest.approx((first - offset, last - offset), abs=0.03)
    if kept in sound:
        assert len(packet_times(out, "audio")) == len(packet_times(source, "audio"))
    assert number(read(out)[0][39].pixels) == 39


def test_sound_that_ends_before_or_after_the_pictures(tmp_path):
    for seconds in (0.5, 3.0):
        copy(write_clip(tmp_path / "a.mp4", sound="aac", sound_s=seconds), tmp_path / "out.mp4")
        assert loudness(tmp_path / "out.mp4")[1] == pytest.approx(seconds, abs=0.05)
        assert len(packet_times(tmp_path / "out.mp4")) == 40


def test_a_run_that_ends_early_has_the_sound_up_to_its_last_frame(tmp_path):
    source, out = write_clip(tmp_path / "a.mp4", sound="aac"), tmp_path / "out.mp4"

    def interrupted():
        with open_video(source) as video, VideoWriter(out, video.facts) as writer:
            for frame in video:
                writer.write(frame.time_s, frame.pixels)
                if frame.index == 19:
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(packet_times(out)) == 20
    assert loudness(out)[1] == pytest.approx(0.8, abs=0.05)


# --- interruptions and refusals

CHILD = """
import sys
from fractions import Fraction
from pathlib import Path
from mien.media.frames import Facts
from mien.media.video_writer import VideoWriter
from tests.media.clips import scene

frames = scene(40)
with VideoWriter(Path(sys.argv[1]), Facts("clip", 160, 120, Fraction(25)), int(sys.argv[2])) as writer:
    for i in range(int(sys.argv[2]), 200):
        writer.write(i / 25, frames[i % 40])
        print(i + 1, flush=True)
"""


def run_and_kill(out, keep, after):
    """Writes in another process, which is killed once it has said that so many frames are written; gives how many it said."""
    command = [sys.executable, "-c", CHILD, str(out), str(keep)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as child:
        said = keep
        for line in child.stdout:
            said = int(line)
            if said >= after:
                child.send_signal(signal.SIGKILL)
                break
        return max([said, *(int(line) for line in child.stdout)])


def test_killed_at_any_moment_the_frames_that_were_written_are_there_and_a_run_can_go_on(tmp_path):
    out, kept = tmp_path / "out.mp4", 0
    for after in (1, 17, 90):
        said = run_and_kill(out, kept, after)
        assert not out.exists()
        there = written_times(out)
        assert said <= len(there) <= said + 1
        assert there == pytest.approx(np.arange(len(there)) / 25, abs=1e-4)
        frames, _, _ = read(partial_path(out))
        assert [number(frame.pixels) for frame in frames][:said] == [i % 40 for i in range(said)]
        kept = said - 1
    total = kept + 20
    with VideoWriter(out, FACTS, kept) as writer:
        assert writer.frames == kept
        for i in range(kept, total):
            writer.write(i / 25, scene(40)[i % 40])
    frames, lost, error = read(out)
    assert [number(frame.pixels) for frame in frames] == [i % 40 for i in range(total)]
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(total) / 25, abs=1e-4)
    assert (lost, error, any(frame.damaged for frame in frames)) == ([], None, False)
    assert not partial_path(out).exists()


def test_going_on_after_a_clean_end(tmp_path):
    source, out = write_clip(tmp_path / "a.mp4", sound="aac"), tmp_path / "out.mp4"
    with open_video(source) as video, VideoWriter(out, video.facts) as writer:
        for frame in list(video)[:20]:
            writer.write(frame.time_s, frame.pixels)
        writer.close(whole=False)
    assert len(written_times(out)) == 20
    with open_video(source) as video, VideoWriter(out, video.facts, keep=15) as writer:
        for frame in list(video)[15:]:
            writer.write(frame.time_s, frame.pixels)
    assert [number(frame.pixels) for frame in read(out)[0]] == list(range(40))
    assert packet_times(out) == pytest.approx(np.arange(40) / 25, abs=1e-4)
    assert loudness(out)[1] == pytest.approx(1.6, abs=0.05)


def test_going_on_after_more_than_there_is(tmp_path):
    assert written_times(tmp_path / "out.mp4") == []
    with pytest.raises(UsageError, match="0 frames are left of the run before, expected 3"):
        VideoWriter(tmp_path / "out.mp4", FACTS, keep=3)


def test_what_was_there_stays_until_the_new_one_is_whole(tmp_path):
    out = tmp_path / "out.mp4"
    out.write_bytes(b"old")
    with VideoWriter(out, FACTS) as writer:
        writer.write(0, scene(1)[0])
        assert out.read_bytes() == b"old"
    assert len(packet_times(out)) == 1
    with VideoWriter(out, FACTS):
        pass
    assert len(packet_times(out)) == 1  # nothing was written: nothing is replaced
    assert os.listdir(tmp_path) == ["out.mp4"]


def test_a_frame_of_another_size(tmp_path):
    with VideoWriter(tmp_path / "out.mp4", FACTS) as writer, pytest.raises(UsageError, match=r"expected \[120, 160, 3\]"):
        writer.write(0, scene(1)[0][:100])
    assert os.listdir(tmp_path) == []


def test_a_full_disk(tmp_path):
    out = tmp_path / "out.mp4"
    partial_path(out).symlink_to("/dev/full")
    writer = VideoWriter(out, FACTS)
    with pytest.raises(VideoError, match=r"out\.mp4: cannot be written any more \(No space left on device\)"):
        writer.write(0, scene(1)[0])
    writer.close()
    assert not out.exists()


def test_a_disk_that_is_full_in_the_end(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mien.media.video_writer.finish", fail)
    writer = VideoWriter(tmp_path / "out.mp4", FACTS)
    writer.write(0, scene(1)[0])
    with pytest.raises(VideoError, match=r"No space left on device.*out\.partial\.ts"):
        writer.close()
    assert len(written_times(tmp_path / "out.mp4")) == 1


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/sys/out.mp4", "cannot be written"),  # refuses even root
        ("missing/out.mp4", "cannot be written"),
        ("out.avi", "ends in .mp4"),
        ("clip.mp4", "is the video itself"),
    ],
)
def test_places_that_cannot_be_written(tmp_path, monkeypatch, path, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message):
        VideoWriter(Path(path), FACTS)
    assert os.listdir(tmp_path) == []
