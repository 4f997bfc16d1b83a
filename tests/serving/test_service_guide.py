"""docs/service.md: its commands as they stand, but for the address; and that what it states is so."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from mien.cli.serve import serve
from mien.media.images import MAX_PIXELS
from mien.serving.limits import Limits

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
BLOCKS = [block.strip().splitlines() for block in re.findall(r"```sh\n(.*?)```", GUIDE, re.S)]
(INSTALL, START), ASK, (TOKENS, GUARDED), (KNOWN,), (LOAD,) = BLOCKS
ADDRESS = "http://127.0.0.1:8000/"
CURL = pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")


def shell(line, folder):
    """What it prints, run as a user would who has mien installed."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    options = {"shell": True, "cwd": folder, "capture_output": True, "text": True, "check": True, "timeout": 60}
    return subprocess.run(line, env={**os.environ, "PATH": path}, **options).stdout


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    return tmp_path


@CURL
def test_it_starts_and_is_asked_as_the_page_says(run, folder):
    assert (INSTALL, START) == ("pip install '.[serve]'", "mien serve")
    service = run()
    one, several, classified, model = (json.loads(shell(line.replace(ADDRESS, service.address), folder)) for line in ASK)
    assert one["faces"][0]["emotion"] == "happiness"
    assert several["results"] == [one, one]
    assert list(classified["faces"][0]) == ["emotion", "confidence", "ambiguous", "probs"]
    assert model["name"] == "mien"
    (program,) = re.findall(r"```python\n(.*?)```", GUIDE, re.S)
    (folder / "ask.py").write_text(program.replace(ADDRESS, service.address))
    assert shell("python ask.py", folder).startswith("happiness ")


@CURL
def test_tokens_are_made_and_asked_for_as_the_page_says(run, folder, monkeypatch):
    shell(TOKENS, folder)
    assert len((folder / "tokens").read_text().strip()) >= 40
    monkeypatch.chdir(folder)
    assert GUARDED.startswith("mien serve --host 0.0.0.0 ")
    service = run(*GUARDED.replace("--host 0.0.0.0", "--host 127.0.0.2").split()[2:])
    line = KNOWN.replace(ADDRESS, service.address)
    assert json.loads(shell(line, folder))["faces"][0]["emotion"] == "happiness"
    bare = re.sub(r'-H "Auth.*?" ', "", line)
    assert json.loads(shell(bare, folder))["status"] == 401


def table(head):
    """First column of the table that begins so -> second."""
    rows = GUIDE.split(head)[1].split("\n\n")[0].splitlines()[1:]
    return {first.strip(" `"): second.strip() for first, second in (row.strip("|").split("|") for row in rows)}


def test_every_refusal_is_named(client):
    answers = client.get("/openapi.json").json()["paths"]["/v1/predict"]["post"]["responses"]
    assert set(table("| status | |\n")) == set(answers) - {"200"}
    assert f"{MAX_PIXELS / 1e6:.0f} megapixels" in GUIDE


def test_the_limits_are_those_of_the_service():
    rows, limits = table("| limit | |\n"), Limits()
    stated = {
        "a body": f"{limits.body_bytes >> 20} MiB, within {limits.body_s:g} s of its head; a head within {limits.head_s:g} s",
        "all bodies that are under way": f"{limits.held_bytes >> 20} MiB",
        "pictures in a request": f"{limits.pictures}",
        "pictures that wait or are worked on": f"{limits.queue} (`--queue`)",
        "pictures that a worker takes at once": f"{limits.together} (`--together`)",
        "time that these may take a worker": f"{limits.work_s:g} s; then it is ended, and each is tried alone",
        "connections": f"{limits.connections}",
    }
    assert rows == stated
    assert {field.name for field in fields(Limits)} == {
        "body_bytes", "held_bytes", "head_s", "body_s", "pictures", "connections", "queue", "together", "work_s",
        "drain_s", "end_s"}  # fmt: skip


def test_the_series_are_those_of_the_service(client):
    text = client.get("/metrics").text
    given = {name for name, kind in re.findall(r"^# TYPE (mien_\w+) (\w+)", text, re.M) if not name.endswith("_created")}
    assert set(table("| series | |\n")) == given


def test_its_options_exist():
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", GUIDE.replace(LOAD, "").replace("--data-binary", "")))
    known = {f"--{name.replace('_', '-')}" for name in serve.__annotations__}
    assert options <= known


def test_its_figures_are_those_that_were_measured():
    report = json.loads((ROOT / "results" / "bench_load.json").read_text())
    assert LOAD.endswith("--out results/bench_load.json")
    for text in figures(report):
        assert text in " ".join(GUIDE.split()), text


def figures(report):
    cpu, memory, turns = report["cpu_ms_a_request"], report["memory_mb"], report["batching"]
    yield f"{report['requests']:,} requests, {report['clients']} at a time"
    yield f"{report['lost']} were lost, {report['wrong']} wrong, {report['refused']} refused"
    yield f"{report['ms']['p50']:.0f} ms in the median, {report['ms']['p99']:.0f} ms for the slowest hundredth"
    yield f"{memory['at_the_1000th']:.0f} MB at the 1,000th request and {memory['at_the_last']:.0f} MB at the last"
    yield f"{cpu['service'] + cpu['workers']:.1f} ms of CPU time a request, {cpu['ratio']:.2f} times"
    yield f"{turns['requests_per_second']['ratio']:.2f} times as many requests a second"
    yield f"{turns['cpu_ms_a_request']['ratio']:.2f} times the CPU time"
    yield report["machine"]
