"""`mien video` and the files around it: what stands there already, what is missing, what a resumed run draws."""

import csv
import sys
from dataclasses import replace
from fractions import Fraction

import pytest
from PIL import Image
from tests.inference.test_stream import show
from tests.media.clips import number, scene, write_clip

from mien import Recognizer
from mien.cli.clip import Outputs, Plan
from mien.inference.crop import Square
from mien.media import draw
from mien.media.draw import Annotator


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("outputs") / "clip.mp4", [show(i) for i in range(40)])


def test_results_that_stand_there_survive_an_engine_that_is_missing(mien, clip, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    (tmp_path / "r.csv").write_text("a week's work")
    code, out, said = mien("video", clip, "--out", tmp_path / "r.csv", "--engine", "onnx")
    assert (code, out) == (2, "")
    assert "'.[onnx]'" in said
    assert (tmp_path / "r.csv").read_text() == "a week's work"


def test_an_ending_that_is_no_format_is_refused_but_where_the_format_is_named(mien, clip, tmp_path):
    for name, nearest in (("r.json", "jsonl"), ("r.xlsx", "Known: csv, jsonl, parquet")):
        code, _, said = mien("video", clip, "--out", tmp_path / name)
        assert code == 2
        assert nearest in said
    assert mien("video", clip, "--out", tmp_path / "r.txt", "--format", "csv") == (0, "", "")
    assert mien("video", clip, "--out", tmp_path / "r") == (0, "", "")
    assert (tmp_path / "r.txt").read_text() == (tmp_path / "r").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r", "r.txt"]


def test_a_resumed_timeline_is_the_unbroken_one(mien, clip, tmp_path):
    """With its faces before the break too, and where there is no other output that needs the pixels."""
    words = ["video", clip, "--detect-every", "1", "--out", tmp_path / "r.csv", "--timeline", tmp_path / "t.png"]
    assert mien(*words) == (0, "", "")
    whole, results = (tmp_path / "t.png").read_bytes(), (tmp_path / "r.csv").read_bytes()
    (tmp_path / "r.csv").write_bytes(results[: len(results) // 2])
    (tmp_path / "t.png").unlink()
    assert mien(*words, "--resume") == (0, "", "")
    assert (tmp_path / "t.png").read_bytes() == whole


def test_a_resumed_run_numbers_and_hides_as_the_unbroken_one(mien, tmp_path, monkeypatch):
    """Five faces until 5 s, then the first alone, which is missed right after the break at 15 s, and at 16 s a new one."""
    hidden, drawing = [], Annotator.draw

    def search(self, pixels):
        i = number(pixels)
        places = [(0, 20), *([(x, 70) for x in range(0, 160, 40)] if i <= 10 else []), *([(120, 20)] if i >= 32 else [])]
        return [(Square(x, y, 30.0), 0.9) for x, y in places[i == 31 :]]

    def interrupt(self, pixels, result):
        if result.frame == 31:
            raise KeyboardInterrupt
        return drawing(self, pixels, result)

    monkeypatch.setattr(Recognizer, "search", search)
    monkeypatch.setattr(draw, "hide", lambda pixels, boxes: hidden.append(boxes) or pixels.copy())
    clip, made = write_clip(tmp_path / "scene.mp4", scene(40), rate=Fraction(2)), tmp_path / "r.csv"
    words = ["video", clip, "--detect-every", "1", "--out", made, "--annotate", tmp_path / "a.mp4", "--blur-faces"]
    assert mien(*words)[0] == 0
    whole, tracks = hidden[31:], tracks_in(made)
    assert (tracks[30:33], len(whole[0])) == ([["1"], [""], ["1", "6"]], 1)
    with monkeypatch.context() as patch:
        patch.setattr(Annotator, "draw", interrupt)
        assert mien(*words)[0] == 130
    hidden.clear()
    assert mien(*words, "--resume") == (0, "", "")
    assert tracks_in(made) == tracks
    assert hidden == whole


def tracks_in(path):
    """Of each frame."""
    rows = list(csv.DictReader(path.open()))
    return [[row["track"] for row in rows if row["frame"] == frame] for frame in dict.fromkeys(row["frame"] for row in rows)]


def test_what_is_drawn_is_the_results_own_frame_though_the_run_before_had_others(mien, tmp_path, monkeypatch):
    clip, drawn = write_clip(tmp_path / "scene.mp4", scene(20)), []
    monkeypatch.setattr(Outputs, "show", lambda self, result, pixels: drawn.append((result.frame, number(pixels))))
    words = ["video", clip, "--out", tmp_path / "r.csv", "--timeline", tmp_path / "t.svg"]
    assert mien(*words, "--fps", "5") == (0, "", "")
    drawn.clear()
    assert mien(*words, "--resume") == (0, "", "")
    assert drawn == [(i, i) for i in (0, 5, 10, *range(11, 20))]


def test_a_frame_that_another_rate_does_not_read_again_is_said(mien, clip, tmp_path):
    words = ["video", clip, "--out", tmp_path / "r.csv"]
    assert mien(*words) == (0, "", "")
    before = (tmp_path / "r.csv").read_bytes()
    code, out, said = mien(*words, "--resume", "--fps", "5", "--timeline", tmp_path / "t.svg")
    assert (code, out) == (1, "")
    assert said == f"mien: {clip}: frame 1 is not read again; resume with the same --fps, or start anew.\n"
    assert (tmp_path / "r.csv").read_bytes() == before


def test_nothing_is_kept_for_an_elan_file_that_was_not_asked_for(tmp_path):
    """A camera runs for days."""
    clip = Plan("0", "csv", None, None, [], None, None, None, False)
    assert Outputs(clip).segments is None
    assert Outputs(replace(clip, elan=tmp_path / "e.eaf")).segments is not None


def test_without_pyav_a_folder_is_read_and_what_needs_it_is_said(mien, clip, tmp_path, monkeypatch):
    (tmp_path / "frames").mkdir()
    for i in range(3):
        Image.fromarray(show(i)).save(tmp_path / "frames" / f"{i}.png")
    for name in [name for name in sys.modules if name.split(".")[0] == "av" or name in NEED_PYAV]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "av", None)
    assert mien("video", tmp_path / "frames")[::2] == (0, "")
    annotate = ["--out", tmp_path / "r.csv", "--annotate", tmp_path / "a.mp4"]
    for words in ([clip], [tmp_path / "frames", *annotate], [clip, *annotate, "--resume"]):
        code, out, said = mien("video", *words)
        assert (code, out) == (2, "")
        assert "needs PyAV: pip install -c constraints.txt '.[video]'" in said
    assert [path.name for path in tmp_path.iterdir()] == ["frames"]


NEED_PYAV = {
    f"mien.media.{name}" for name in ("clock", "decoding", "sound", "unfinished", "upright", "video_source", "video_writer")
}


def test_a_video_is_not_overwritten_by_what_is_left_of_one(mien, tmp_path):
    clip = write_clip(tmp_path / "a.partial.ts", [show(i) for i in range(3)])
    before = clip.read_bytes()
    code, out, said = mien("video", clip, "--annotate", tmp_path / "a.mp4")
    assert (code, out) == (2, "")
    assert "choose another name" in said
    assert clip.read_bytes() == before


@pytest.mark.parametrize(("words", "bar"), [(["--out", "r.csv"], True), ([], False)])
def test_progress_is_shown_on_a_terminal_that_does_not_show_the_results_too(mien, clip, tmp_path, monkeypatch, words, bar):
    monkeypatch.chdir(tmp_path)
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    code, _, said = mien("video", clip, *words)
    assert code == 0
    assert ("a second" in said and "40/40" in said) is bar
