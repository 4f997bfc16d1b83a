"""mien with the lowest versions that pyproject.toml allows (runs/installs.sh), and versions for each Python that it names."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
RUN = PYTHONS[:3]
"""Those on which runs/installs.sh has run the tests."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def run(*words: str | Path) -> str:
    """With uv and this Python found first."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(words, cwd=ROOT, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_lowest_versions_pass_the_tests_of_the_runtime() -> None:
    pytest.importorskip("uv")
    said = run("runs/installs.sh", "lowest-direct", ".".join(map(str, sys.version_info[:2])))
    assert " passed" in said
    assert "failed" not in said
    if sys.version_info < (3, 12):  # later ones have no wheels of the oldest
        for bound in PROJECT["dependencies"]:
            name, lowest = bound.split(",")[0].split(">=")
            assert f"{name}=={lowest}" in said


@pytest.mark.parametrize("python", PYTHONS)
def test_every_python_has_wheels_of_all(python: str) -> None:
    pytest.importorskip("uv")
    wanted = ("--quiet", "--no-header", "--only-binary", ":all:", "--python-version", python, "pyproject.toml")
    listed = run(sys.executable, "-m", "uv", "pip", "compile", *wanted)
    assert "ai-edge-litert==" in listed


def test_the_classifiers_name_those_that_were_run() -> None:
    named = [line.rsplit(" ", 1)[1] for line in PROJECT["classifiers"] if "Python :: 3." in line]
    assert named == [*RUN]
