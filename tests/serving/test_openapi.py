"""Requests made from the API's own description, by schemathesis: no answer is one that it does not name."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from tests.serving.running import TOKEN

ROOT = Path(__file__).parents[2]
pytest.importorskip("schemathesis")


def examine(description, folder, *options):
    """What schemathesis says of a service, the same requests each time.

    But for one check: bytes in a form that are no picture fit the schema, which cannot say more of them than `binary`.
    """
    hooks = {"SCHEMATHESIS_HOOKS": "tests.serving.picture_bodies", "PYTHONPATH": str(ROOT)}
    words = ["run", description, "--seed", "8", "--max-examples", "15", "--no-color"]
    words += ["--exclude-checks", "positive_data_acceptance", *options]
    code = "from schemathesis.cli import schemathesis; schemathesis()"
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        env={**os.environ, **hooks},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=110,
    )


@pytest.mark.slow
@pytest.mark.parametrize("tokens", ["", TOKEN])
def test_schemathesis_finds_nothing(run, tmp_path, tokens):
    service = run(MIEN_TOKENS=tokens)
    done = examine(f"{service.address}openapi.json", tmp_path, "--header", f"Authorization: Bearer {TOKEN}")
    assert done.returncode == 0, done.stdout
    assert "No issues found" in done.stdout
    assert int(re.search(r"(\d+) generated, \1 passed", done.stdout)[1]) > 60


@pytest.mark.slow
def test_schemathesis_would_find_an_answer_that_is_not_as_described(run, tmp_path):
    service = run()
    text = httpx.get(f"{service.address}openapi.json").text
    (tmp_path / "openapi.json").write_text(text.replace('"const":"ok"', '"const":"fine"'))
    done = examine("openapi.json", tmp_path, "--url", service.address, "--include-path", "/healthz", "--phases", "fuzzing")
    assert done.returncode == 1, done.stdout
    assert "violates schema" in done.stdout
