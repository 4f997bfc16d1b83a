"""docs/scale.md: its commands as they stand, its options, and that its figures are those of results/bench_score.json."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
INSTALL, *LINES = re.search(r"```sh\n(.*?)```", GUIDE, re.S)[1].splitlines()
PICTURES = ROOT / "tests" / "golden" / "pictures"


def shell(line: str, folder: Path) -> str:
    """What the line prints, run as a user would who has mien installed."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        line, shell=True, cwd=folder, env=environment, check=True, capture_output=True, text=True, timeout=200
    )
    return done.stdout


@pytest.mark.slow
def test_the_pages_lines_run_in_their_order(tmp_path):
    for package in ("ray", "pandas", "polars", "duckdb"):
        pytest.importorskip(package)
    assert INSTALL == "pip install '.[batch]'"
    shutil.copytree(PICTURES, tmp_path / "pictures")
    printed = [shell(line, tmp_path) for line in LINES]
    assert printed == ["", "scored\n", "scored/_summary.html\n"]
    assert (tmp_path / "scored" / "_summary.html").stat().st_size > 10_000
    (tmp_path / "read.py").write_text(re.search(r"```python\n(.*?)```", GUIDE, re.S)[1])
    rows = csv.DictReader((tmp_path / "faces.csv").open())
    happy = {row["source"] for row in rows if row["emotion"] == "happiness"}
    assert shell("python read.py", tmp_path) == f"True [({len(happy)},)]\n"


def test_the_page_names_no_option_that_is_none():
    known = set(re.findall(r"--[a-z][a-z-]+", shell("mien score --help; mien predict --help", ROOT)))
    used = set(re.findall(r"`[^`]*`", GUIDE.replace("```", ""))) | set(LINES)
    options = {option for text in used if "ray start" not in text for option in re.findall(r"--[a-z][a-z-]+", text)}
    assert {"--jobs", "--out", "--summary", "--address", "--part"} <= options <= known


def test_the_figures_are_those_that_were_measured():
    found = json.loads((ROOT / "results" / "bench_score.json").read_text(encoding="utf-8"))
    speed, jobs, memory = found["speed"], found["jobs"], found["memory"]
    lone, photo, small = speed["one_process"], speed["photo"], speed["small"]
    for value in (
        f"{photo['per_core']} | {small['per_core']}",
        f"{photo['one_core_alone']} | {small['one_core_alone']}",
        f"{jobs['share_of_cores_times_one'][len(jobs['share_of_cores_times_one']) // 2]:.0%}",
        *(f"{peak} MB" for peak in memory["peak_mb"].values()),
        f"{lone['pictures_listed_per_second']:,}",
        f"{lone['pictures_written_per_second']:,}",
        f"{lone['bytes_per_row']} bytes",
        f"{round(1e8 / photo['per_core'] / 3600):,} core hours",
        f"{round(1e8 * lone['bytes_per_row'] / 1e9)} GB",
    ):
        assert value in GUIDE, value
    assert all(part["machine"] in GUIDE for part in found.values())
