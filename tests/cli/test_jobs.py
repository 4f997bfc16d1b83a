"""`mien predict --jobs`: the same output in the same order, whatever befalls a process that shares the work."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PICTURES = Path(__file__).parents[1] / "golden" / "pictures"
POISON = Path(__file__).parents[1] / "batch" / "poison"


@pytest.fixture
def many(tmp_path):
    """A folder with 60 pictures, two of them broken."""
    folder = tmp_path / "many"
    folder.mkdir()
    small = [PICTURES / name for name in ("hopper.jpg", "small.jpg", "no-face.jpg")]
    for i in range(60):
        shutil.copy(small[i % 3], folder / f"{i:02}.jpg")
    for i in (7, 40):
        (folder / f"{i:02}.jpg").write_bytes(b"broken")
    return folder


def command(*words):
    return [sys.executable, "-m", "mien", "predict", *map(str, words)]


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_output_errors_and_exit_code_are_those_of_one_process(mien, many, format_):
    alone = mien("predict", many, many / "nowhere.jpg", "--format", format_)
    assert mien("predict", many, many / "nowhere.jpg", "--format", format_, "--jobs", 2) == alone
    assert (alone[0], alone[2].count("\n")) == (1, 3)
    assert mien("predict", many / "00.jpg", many / "01.jpg", "--format", format_, "--jobs", 0)[0] == 0


def test_poison_is_one_pictures_error(mien, many, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(POISON))
    (many / "20.jpg").write_text("POISON exit")
    code, out, _ = mien("predict", many, "--format", "jsonl", "--jobs", 2)
    results = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert [Path(result["source"]).stem for result in results] == [f"{i:02}" for i in range(60)]
    errors = {Path(result["source"]).stem: result["error"] for result in results if result["error"]}
    assert errors.keys() == {"07", "20", "40"}
    assert errors["20"] == "ended the process that read it (exit code 7); leave it out, or save it again."


def test_options_reach_the_processes(mien, many):
    words = ["predict", many, "--format", "csv", "--whole-image", "--engine", "litert-int8"]
    assert mien(*words, "--jobs", 2) == mien(*words)
    assert mien("predict", many, "--jobs", 2, "--detector", "nobody")[0] == 2


def test_ctrl_c_keeps_what_was_finished_and_leaves_no_process(many, tmp_path):
    out = tmp_path / "out.jsonl"
    environment = {**os.environ, "PYTHONPATH": str(POISON)}
    (many / "50.jpg").write_text("POISON sleep")
    process = subprocess.Popen(
        command(many, "--jobs", 2, "--format", "jsonl", "--out", out),
        env=environment, start_new_session=True, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while (not out.exists() or len(out.read_bytes().splitlines()) < 48) and time.monotonic() < deadline:
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=60)[1].splitlines()
        assert (process.returncode, said[-1]) == (130, "mien: interrupted; what was finished is kept.")
        lines = out.read_text().splitlines()
        assert [Path(json.loads(line)["source"]).stem for line in lines] == [f"{i:02}" for i in range(48)]
        for _ in range(50):
            if not group_of(process.pid):
                break
            time.sleep(0.1)
        assert not group_of(process.pid)
    finally:
        for pid in group_of(process.pid):
            os.kill(pid, signal.SIGKILL)


def group_of(session: int) -> list[int]:
    """Processes of that session that run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found
