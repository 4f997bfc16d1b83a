"""Pythons, locales and clocks that are not as usual: the same answers, and not a word more."""

import ast
import json
import os
from pathlib import Path

import pytest
from tests.faults.running import ASTRONAUT, ROOT, mien
from tests.media.clips import scene, write_clip

BARE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "HOME": "/"}
BACKWARDS = """
import time
started, steps = time.time(), iter(range(10**9))
time.time = lambda: started - 3600 * next(steps)
time.time_ns = lambda: int(time.time() * 1e9)
"""


@pytest.fixture(scope="module")
def usual():
    return json.loads(mien("predict", ASTRONAUT, "--format", "json").stdout)


@pytest.mark.slow
@pytest.mark.parametrize("python", [("-O",), ("-OO",), ("-W", "error"), ("-X", "dev", "-W", "error"), ("-I",)], ids=" ".join)
def test_predict_and_video_are_the_same_by_any_python(usual, python, tmp_path):
    done = mien("predict", ASTRONAUT, "--format", "json", python=python)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout) == usual
    clip = write_clip(tmp_path / "clip.mp4", scene(4))
    moving = mien("video", clip, "--format", "jsonl", "--annotate", tmp_path / "out.mp4", python=python)
    assert (moving.returncode, moving.stderr) == (0, b"")
    assert [json.loads(line)["frame"] for line in moving.stdout.splitlines()] == [0, 1, 2, 3]
    assert mien("info", python=python).stdout == mien("info").stdout


@pytest.mark.slow
def test_without_utf_8_names_and_bars_are_still_written_as_utf_8(usual, tmp_path):
    picture = tmp_path / "é🙂.jpg"
    picture.write_bytes(ASTRONAUT.read_bytes())
    told = mien("predict", picture, env=BARE).stdout.decode("utf-8")
    assert "█" in told
    (found,) = json.loads(mien("predict", picture, "--format", "json", env=BARE).stdout.decode("utf-8"))
    assert os.fsencode(found["source"]) == os.fsencode(picture)  # as surrogates, which JSON carries
    assert found["faces"] == usual[0]["faces"]
    assert mien("predict", tmp_path / "ü.jpg", env=BARE).returncode == 1
    assert mien("info", env=BARE).stdout == mien("info").stdout


@pytest.mark.slow
def test_a_clock_that_goes_back_changes_nothing(usual, tmp_path):
    """At each look an hour."""
    (tmp_path / "sitecustomize.py").write_text(BACKWARDS)
    env = {"PYTHONPATH": str(tmp_path), "HOME": "/"}
    assert json.loads(mien("predict", ASTRONAUT, "--format", "json", env=env).stdout) == usual
    clip = write_clip(tmp_path / "clip.mp4", scene(6))
    frames = [json.loads(line) for line in mien("video", clip, "--format", "jsonl", env=env).stdout.splitlines()]
    assert [frame["time_s"] for frame in frames] == [i / 25 for i in range(6)]


def test_nothing_is_timed_by_a_clock_that_may_be_set():
    """time.monotonic and perf_counter go one way; what names a date may read the other."""
    dated = {"media/elan.py", "serving/lan.py"}
    package, reading = ROOT / "src" / "mien", set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "time_ns", "st_mtime", "getmtime")) or (
                isinstance(node, ast.Attribute) and node.attr == "time" and ast.unparse(node.value) == "time"
            ):
                reading.add(str(Path(path).relative_to(package)))
    assert reading == dated
