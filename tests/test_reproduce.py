"""runs/reproduce.sh and runs/train.sh in their short forms: one epoch each, and otherwise their whole way."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(script: str, data: Path, folder: Path) -> str:
    """What it prints, after it ended well."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(["bash", str(ROOT / "runs" / script), str(data.resolve()), "out"], cwd=folder, text=True, timeout=800,
                          env={**os.environ, "SHORT": "1", "PATH": path}, capture_output=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.timeout(900)
def test_from_the_data_to_a_bundle_and_its_table(data_folder: Path, tmp_path: Path) -> None:
    said = run("reproduce.sh", data_folder, tmp_path)
    meta = json.loads((tmp_path / "out" / "mien" / "model.json").read_text())
    run_of = json.loads((tmp_path / "out" / "results" / "nimble-0.json").read_text())
    assert (meta["epoch"], meta["seed"], meta["network"], run_of["recipe"]["epochs"]) == (1, 0, run_of["recipe"]["model"], 1)
    test = meta["scores"]["litert"]["test"]["published"]
    assert test["n"] == 3153
    assert f"{test['accuracy']:.4f}" in (tmp_path / "out" / "results" / "README.md").read_text()
    assert "astronaut.jpg: 1 face" in said


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.timeout(900)
def test_teachers_and_their_students(data_folder: Path, tmp_path: Path) -> None:
    said = run("train.sh", data_folder, tmp_path).splitlines()
    results = tmp_path / "out" / "results"
    ended = [Path(json.loads(line)["result"]).name for line in said]
    assert sorted(ended) == sorted(path.name for path in results.glob("*.json"))
    assert ended[-1] == "student-0.json"
    student = json.loads((results / "student-0.json").read_text())
    assert len(student["teachers"]) == 2
    assert len(ended) == 5
