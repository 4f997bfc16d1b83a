"""runs/reproduce.sh in its short form: one epoch, and otherwise the whole way from the data to a bundle and its table."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.timeout(900)
def test_from_the_data_to_a_bundle_and_its_table(data_folder: Path, tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["bash", str(ROOT / "runs" / "reproduce.sh"), str(data_folder.resolve()), "out"]
    done = subprocess.run(command, cwd=tmp_path, env={**os.environ, "SHORT": "1", "PATH": path}, text=True, timeout=800,
                          capture_output=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    meta = json.loads((tmp_path / "out" / "mien" / "model.json").read_text())
    run = json.loads((tmp_path / "out" / "results" / "nimble-0.json").read_text())
    assert (meta["epoch"], meta["seed"], meta["network"], run["recipe"]["epochs"]) == (1, 0, run["recipe"]["model"], 1)
    test = meta["scores"]["litert"]["test"]["published"]
    assert test["n"] == 3153
    assert f"{test['accuracy']:.4f}" in (tmp_path / "out" / "results" / "README.md").read_text()
    assert "astronaut.jpg: 1 face" in done.stdout
