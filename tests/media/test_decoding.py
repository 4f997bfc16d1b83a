"""Of damaged and cut-off files all is read that can be, and the rest is counted."""

import av
import numpy as np
import pytest
from tests.media.clips import CONTAINERS, number, overwrite, read, write_clip

from mien.errors import VideoError
from mien.media.video import open_video


@pytest.mark.parametrize("share", [0.3, 0.6, 0.97])
@pytest.mark.parametrize("name", ["front.mp4", "fragments.mp4", "a.mkv", "a.flv", "a.ts", "reordered.avi"])
def test_a_cut_off_file_gives_its_frames_and_then_the_error(tmp_path, name, share):
    data = write_clip(tmp_path / name, **CONTAINERS[name]).read_bytes()
    cut = tmp_path / f"cut-{name}"
    cut.write_bytes(data[: int(len(data) * share)])
    with av.open(str(cut)) as source:
        whole = sum(1 for packet in source.demux(video=0) if packet.size and not packet.is_corrupt)
    frames, _, error = read(cut)
    assert len(frames) >= whole > 0
    assert f"cut off after {frames[-1].time_s + 0.04:.2f} s" in error
    assert [frame.time_s for frame in frames] == sorted({frame.time_s for frame in frames})


def test_one_byte_less_is_cut_off(tmp_path):
    for name in ("front.mp4", "a.mkv", "a.ts"):
        path = write_clip(tmp_path / name, **CONTAINERS[name])
        path.write_bytes(path.read_bytes()[:-1])
        assert "cut off" in read(path)[2]


def test_a_file_whose_index_is_cut_off(tmp_path):
    path = write_clip(tmp_path / "a.mp4")
    for share in (0.5, 0.97):
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
        with pytest.raises(VideoError, match="cut off: its index"):
            open_video(path)


KEYS = {"options": {"g": "1"}}
"""Every frame for itself, so that damage to one is seen in no other."""


@pytest.mark.parametrize("name", ["front.mp4", "plain.mp4", "motion.mov", "motion.avi"])
def test_packets_that_cannot_be_decoded_are_lost_with_their_times_and_the_rest_is_read(tmp_path, name):
    path = write_clip(tmp_path / name, **KEYS | CONTAINERS.get(name, CONTAINERS["motion.avi"]))
    overwrite(path, (12, 13, 30, 39), 0 if name != "motion.avi" else 8, 0)
    frames, lost, error = read(path)
    assert [number(frame.pixels) for frame in frames] == [i for i in range(40) if i not in (12, 13, 30, 39)]
    assert [entry.time_s for entry in lost] == pytest.approx([0.48, 0.52, 1.2, 1.56], abs=1e-3)
    assert {entry.why for entry in lost} == {"its data are damaged"}
    assert error is None


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_frames_that_the_decoder_mends_say_so(tmp_path, name):
    path = write_clip(tmp_path / name, codec="mpeg4", **KEYS)
    overwrite(path, (12, 30), 400, 255)
    frames, lost, error = read(path)
    assert len(frames) + len(lost) == 40
    hurt = [entry.time_s for entry in lost] + [frame.time_s for frame in frames if frame.damaged]
    assert sorted(hurt) == pytest.approx([0.48, 1.2], abs=1e-3)
    assert error is None


def test_what_a_transport_stream_lacks_is_noticed_to_a_frame(tmp_path):
    path = write_clip(tmp_path / "a.ts", **KEYS)
    overwrite(path, (12, 30), 400, 255)
    hurt = [frame.time_s for frame in read(path)[0] if frame.damaged]
    assert all(min(abs(time_s - hole) for time_s in hurt) < 0.041 for hole in (0.48, 1.2))
    assert all(min(abs(time_s - hole) for hole in (0.48, 1.2)) < 0.041 for time_s in hurt)


def test_frames_that_depend_on_a_lost_one_are_lost_too_without_a_word_from_the_decoder(tmp_path):
    path = write_clip(tmp_path / "a.mp4", options={"bf": "0", "sc_threshold": "0"})
    overwrite(path, (10,), 0, 0)  # a key frame, on which the nine after it depend
    frames, lost, _ = read(path)
    times = sorted([frame.time_s for frame in frames] + [entry.time_s for entry in lost])
    assert times == pytest.approx(np.arange(40) / 25, abs=1e-3)
    assert 0.4 in [round(entry.time_s, 3) for entry in lost]
