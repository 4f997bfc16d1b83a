"""`mien data check`."""

import re
import subprocess
import sys
from pathlib import Path

import pytest


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "mien", "data", "check", str(folder)], capture_output=True, text=True)


@pytest.mark.data
def test_it_prints_what_the_folder_holds(data_folder: Path) -> None:
    done = check(data_folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    table = [line.replace("│", " ").split() for line in done.stdout.splitlines() if "│" in line]
    rows = {cells[0]: cells[1:] for cells in table}
    assert rows["happiness"] == ["7,215", "895", "879", "8,989"]
    assert rows["distribution"] == ["27,956", "3,505", "3,505", "3,083"]
    assert rows["majority"] == ["25,060", "3,199", "3,153", "2,766"]
    assert rows["test,"] == ["majority", "259", "41", "29"]
    assert re.search(r"identical faces: 1,51[67] groups, 55\d of them across splits, 5[78] with conflicting", done.stdout)
    assert "(published" not in done.stdout
    assert re.search(r"sha256 [0-9a-f]{64}  fer2013new\.csv", done.stdout)


def test_a_missing_folder_is_one_line_and_exit_1(tmp_path: Path) -> None:
    done = check(tmp_path / "nowhere")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("mien: ")
    assert done.stderr.count("\n") == 1
    assert "no such folder" in done.stderr
