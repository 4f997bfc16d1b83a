"""`mien video` as a user types it: every output, going on after a kill, and what bad input gets."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from functools import partial
from xml.etree import ElementTree

import av
import numpy as np
import pytest
from PIL import Image
from tests.inference.test_stream import show
from tests.media.clips import write_clip

import mien as package

RATE = Fraction(25)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """50 frames, the last ten without a face, with sound."""
    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    return write_clip(path, [show(i, range(40, 50)) for i in range(50)], rate=RATE, sound="aac", sound_s=2.0)


@pytest.fixture
def video(mien):
    """Runs `mien video` with these words; gives exit code, stdout and stderr."""
    return partial(mien, "video")


def frames_in(text: str) -> list[int]:
    return [int(row["frame"]) for row in csv.DictReader(io.StringIO(text))]


def test_a_row_a_face_and_frame_on_stdout(video, clip):
    code, out, said = video(clip)
    assert (code, said) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [int(row["frame"]) for row in rows] == list(range(50))
    assert [float(row["time_s"]) for row in rows] == pytest.approx([i / 25 for i in range(50)], abs=1e-3)
    assert [row["emotion"] for row in rows[:35]] == ["happiness"] * 35
    assert rows[-1]["emotion"] == rows[-1]["smoothed_happiness"] == ""
    assert float(rows[0]["smoothed_happiness"]) == pytest.approx(float(rows[0]["confidence"]))


def test_single_frames_alone_leave_the_smoothed_columns_empty(video, clip):
    rows = list(csv.DictReader(io.StringIO(video(clip, "--no-smooth")[1])))
    assert {row["smoothed_neutral"] for row in rows} == {""}
    assert rows[0]["confidence"] == rows[0]["happiness"]


def test_every_output_at_once(video, clip, tmp_path):
    names = {"out": "r.jsonl", "annotate": "a.mp4", "summary": "s.json", "elan": "e.eaf"}
    paths = {option: tmp_path / name for option, name in names.items()}
    words = [word for option, path in paths.items() for word in (f"--{option}", path)]
    code, out, said = video(clip, *words, "--timeline", f"{tmp_path / 't.png'},{tmp_path / 't.svg'}")
    assert (code, out, said) == (0, "", "")
    results = [json.loads(line) for line in paths["out"].read_text().splitlines()]
    assert [result["frame"] for result in results] == list(range(50))
    assert results[0]["faces"][0]["smoothed"]["happiness"] > 0.5
    summary = json.loads(paths["summary"].read_text())
    assert summary["clip"]["frames"] == 50
    (track,) = summary["tracks"]
    assert track["share"]["happiness"] == 1
    assert track["in_view_s"] == pytest.approx(40 / 25, abs=0.2)
    (tier,) = ElementTree.parse(paths["elan"]).getroot().iter("TIER")
    assert [value.text for value in tier.iter("ANNOTATION_VALUE")] == ["happiness"]
    assert Image.open(tmp_path / "t.png").width > 500
    assert "happiness" in (tmp_path / "t.svg").read_text()
    with av.open(str(paths["annotate"])) as made:
        assert [round(float(frame.time) * 25) for frame in made.decode(video=0)] == list(range(50))
        assert made.streams.audio
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names.values(), "t.png", "t.svg"])


def test_what_is_drawn_shows_the_box_and_hides_the_face(video, clip, tmp_path):
    assert video(clip, "--out", tmp_path / "r.csv", "--annotate", tmp_path / "a.mp4", "--blur-faces")[0] == 0
    with av.open(str(clip)) as before, av.open(str(tmp_path / "a.mp4")) as after:
        was, now = (next(video.decode(video=0)).to_ndarray(format="rgb24").astype(int) for video in (before, after))
    row = next(csv.DictReader((tmp_path / "r.csv").open()))
    x, y, side = (int(row[key]) for key in ("x", "y", "width"))
    inside = np.s_[y + side // 4 : y + 3 * side // 4, x + side // 4 : x + 3 * side // 4]
    detail = [np.abs(np.diff(picture[inside].mean(2), axis=1)).mean() for picture in (was, now)]
    assert detail[1] < detail[0] / 3
    assert np.abs(was[-20:] - now[-20:]).mean() < 4


def test_a_file_is_gone_on_with_after_a_kill_and_no_frame_is_lost_or_doubled(video, tmp_path):
    clip = write_clip(tmp_path / "long.mp4", [show(i) for i in range(400)], rate=RATE)
    made = [tmp_path / "r.csv", tmp_path / "a.mp4"]
    words = [clip, "--out", made[0], "--annotate", made[1]]
    child = subprocess.Popen([sys.executable, "-m", "mien", "video", *map(str, words)])
    try:
        deadline = time.monotonic() + 100
        while time.monotonic() < deadline and (not made[0].exists() or made[0].read_bytes().count(b"\n") < 60):
            time.sleep(0.005)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    left = frames_in(made[0].read_text())
    assert 50 < len(left) < 400, "killed too early or too late to show anything"
    assert not made[1].exists()
    assert video(*words, "--resume") == (0, "", "")
    assert frames_in(made[0].read_text()) == list(range(400))
    with av.open(str(made[1])) as whole:
        assert sum(1 for _ in whole.decode(video=0)) == 400
    assert {row["track"] for row in csv.DictReader(made[0].open())} == {"1"}
    assert video(*words, "--resume") == (0, "", ""), "what is whole stays so"
    assert frames_in(made[0].read_text()) == list(range(400))


def test_ctrl_c_ends_cleanly_with_valid_files(tmp_path):
    clip = write_clip(tmp_path / "long.mp4", [show(i) for i in range(600)], rate=RATE)
    words = ["--out", "r.csv", "--annotate", "a.mp4", "--summary", "s.json", "--timeline", "t.svg"]
    child = subprocess.Popen(
        [sys.executable, "-m", "mien", "video", str(clip), *words], cwd=tmp_path, stderr=subprocess.PIPE, encoding="utf-8",
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # where the tests' own shell ignores it
    )  # fmt: skip
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline and ((out := tmp_path / "r.csv").exists() is False or out.read_bytes().count(b"\n") < 40):
        time.sleep(0.005)
    child.send_signal(signal.SIGINT)
    said = child.communicate(timeout=100)[1]
    assert (child.returncode, said) == (130, "mien: interrupted; what was finished is kept.\n")
    done = frames_in((tmp_path / "r.csv").read_text())
    assert done == list(range(len(done)))
    with av.open(str(tmp_path / "a.mp4")) as made:
        assert abs(sum(1 for _ in made.decode(video=0)) - len(done)) <= 1
    assert abs(json.loads((tmp_path / "s.json").read_text())["clip"]["frames"] - len(done)) <= 1
    assert (tmp_path / "t.svg").read_text().startswith("<?xml")


def test_a_cut_off_video_gives_what_it_has_then_the_error(video, tmp_path):
    whole = write_clip(tmp_path / "whole.mkv", [show(i) for i in range(60)], rate=RATE)
    (tmp_path / "cut.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    code, out, said = video(tmp_path / "cut.mkv", "--summary", tmp_path / "s.csv")
    assert code == 1
    assert "is cut off after" in said
    assert said.count("\n") == 1
    done = frames_in(out)
    assert done == list(range(len(done)))
    assert len(done) > 15
    assert (tmp_path / "s.csv").exists()


def test_a_video_with_holes_is_done_but_for_them(video, clip, tmp_path):
    whole = write_clip(tmp_path / "whole.ts", [show(i) for i in range(100)], rate=RATE)
    data = bytearray(whole.read_bytes())
    middle = len(data) // 188 // 2 * 188
    for packet in range(middle, middle + 188 * 6, 188):
        data[packet + 20 : packet + 180] = bytes(160)
    (tmp_path / "holes.ts").write_bytes(data)
    code, out, said = video(tmp_path / "holes.ts", "--summary", tmp_path / "s.json")
    clip_ = json.loads((tmp_path / "s.json").read_text())["clip"]
    assert code == 1
    assert "could not be decoded" in said or "damaged" in said
    assert clip_["frames_lost"] + clip_["frames_damaged"] > 0
    assert len(set(frames_in(out))) + clip_["frames_lost"] >= 95


def test_a_camera_that_stops_delivering(video, clip, monkeypatch):
    """Stood in for by a source that fails after 20 frames."""
    from mien.errors import VideoError
    from mien.inference import stream
    from mien.media.video import Video

    def fail(source, fps=None):
        opened = open_file(source, fps)

        def frames():
            yield opened.facts
            for frame, _ in zip(opened, range(20), strict=False):
                yield frame
            raise VideoError("camera 0: has delivered no frame for 10 s; check that it is connected and running.")

        return Video("camera 0", frames(), [])

    open_file = stream.open_video
    monkeypatch.setattr(stream, "open_video", fail)
    code, out, said = video(clip)
    assert code == 1
    assert said == "mien: camera 0: has delivered no frame for 10 s; check that it is connected and running.\n"
    assert frames_in(out) == list(range(20))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["missing.mp4"], 1, "missing.mp4: no such file; check the path."),
        (["CLIP", "--format", "xml"], 2, "unknown format 'xml'"),
        (["CLIP", "--format", "parquet"], 2, "--format parquet needs --out FILE."),
        (["CLIP", "--blur-faces"], 2, "give --annotate or --timeline too"),
        (["CLIP", "--resume"], 2, "--resume needs the --out FILE"),
        (["CLIP", "--fps", "0"], 2, "expected frames a second"),
        (["CLIP", "--out", "nowhere/r.csv"], 2, "there is no folder nowhere"),
        (["CLIP", "--out", "."], 2, "is a folder; give the name of a file"),
        (["CLIP", "--out", "CLIP"], 2, "is the video itself"),
        (["CLIP", "--annotate", "a.avi"], 2, "ends in .mp4"),
        (["CLIP", "--summary", "s.txt"], 2, "ends in .csv or .json"),
        (["CLIP", "--summary", "x.csv", "--out", "x.csv"], 2, "choose another file"),
        (["CLIP", "--elan", "e.xml"], 2, "ends in .eaf"),
        (["CLIP", "--timeline", "t.gif"], 2, "ends in .png or .svg"),
        (["CLIP", "--model", "nobody"], 2, "nobody"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_said_before_any_work(video, clip, tmp_path, monkeypatch, words, code, said):
    monkeypatch.chdir(tmp_path)
    got, out, words_ = video(*(clip if word == "CLIP" else word for word in words))
    assert (got, out) == (code, "")
    assert said in words_
    assert words_.count("\n") == 1
    assert clip.stat().st_size > 1000
    assert list(tmp_path.iterdir()) == []


def test_sound_alone_is_no_video(video, tmp_path):
    with av.open(str(tmp_path / "sound.m4a"), "w") as out:
        tone = out.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 48000
        for packet in (*tone.encode(frame), *tone.encode(None)):
            out.mux(packet)
    code, out, said = video(tmp_path / "sound.m4a")
    assert (code, out) == (1, "")
    assert "holds sound only" in said


def test_results_of_another_video_are_not_gone_on_with(video, clip, tmp_path):
    other = write_clip(tmp_path / "other.mp4", [show(i) for i in range(30)], rate=RATE)
    assert video(clip, "--out", tmp_path / "r.csv")[0] == 0
    before = (tmp_path / "r.csv").read_bytes()
    code, _, said = video(other, "--out", tmp_path / "r.csv", "--resume")
    assert code == 2
    assert "holds results of" in said
    assert (tmp_path / "r.csv").read_bytes() == before


def test_results_come_back_as_a_table(video, clip, tmp_path):
    pandas = pytest.importorskip("pandas")
    video(clip, "--out", tmp_path / "r.csv")
    table = package.read_results(tmp_path / "r.csv")
    assert isinstance(table, pandas.DataFrame)
    assert table["frame"].tolist() == list(range(50))
    assert table.groupby("emotion")["time_s"].count()["happiness"] > 35


@pytest.mark.skipif(os.geteuid() == 0 and not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_full_disk_on_stdout_is_said(clip):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "mien", "video", str(clip)], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert b"make room" in done.stderr
    assert b"Traceback" not in done.stderr
