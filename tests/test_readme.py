"""The README's commands, as they stand, on the built wheel in a clean environment."""

import functools
import os
import re
import signal
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BASE_MB = 210

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def commands(after: str) -> list[str]:
    """The lines of the first `sh` block after a heading or sentence, without their comments."""
    block = re.search(r"```sh\n(.*?)```", README[README.index(after) :], re.S)
    assert block
    return [line.split("  #")[0].strip() for line in block[1].splitlines() if line.strip()]


def python_block() -> str:
    block = re.search(r"```python\n(.*?)```", README, re.S)
    assert block
    return block[1]


@pytest.fixture(scope="module")
def clean(tmp_path_factory, wheel):
    """An environment with nothing but the wheel, and a function that runs a command line in it beside the examples."""
    return make_environment(tmp_path_factory.mktemp("clean"), wheel)


def make_environment(folder: Path, requirement: Path | str) -> Callable[..., subprocess.CompletedProcess[str]]:
    venv.create(folder / "env", with_pip=True)
    for name in ("examples", "recipes"):
        (folder / name).symlink_to(ROOT / name)
    subprocess.run([folder / "env/bin/pip", "install", "-q", requirement], check=True)
    path = f"{folder / 'env/bin'}:{os.environ['PATH']}"

    def run(command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PATH": path, "PYTHONPATH": ""}
        return subprocess.run(command, shell=True, cwd=folder, env=environment, check=check, capture_output=True, text=True)

    run.folder = folder  # type: ignore[attr-defined]
    return run


@pytest.mark.parametrize("command", commands("```python"))
def test_the_command_lines(clean, command):
    result = clean(command)
    assert result.stderr == "" or result.stderr.startswith(("annotated:", "explained:"))
    if "--format" not in command:
        assert "happiness" in result.stdout or "mien" in result.stdout or "annotated" in result.stderr


def test_the_python_lines(clean):
    (clean.folder / "snippet.py").write_text(python_block())
    assert clean("python snippet.py").stdout.startswith("happiness")
    assert (clean.folder / "annotated.jpg").stat().st_size > 10_000


def test_the_base_install_is_small_and_has_nothing_heavy(clean):
    installed = clean("pip list --format=freeze").stdout.lower()
    assert not re.search(r"^(torch|tensorflow|opencv|scipy|matplotlib|pandas|onnx)", installed, re.M)
    (site,) = (clean.folder / "env/lib").glob("python3*/site-packages")
    tools = ("pip", "setuptools", "pkg_resources", "_distutils_hack")
    kept = [p for p in site.rglob("*") if p.is_file() and not p.relative_to(site).parts[0].startswith(tools)]
    size_mb = sum(p.stat().st_size for p in kept) / 1e6
    assert size_mb < BASE_MB, f"{size_mb:.0f} MB"


def test_the_video_lines_in_an_environment_of_their_own(tmp_path, wheel):
    install, *lines = commands("## Video")
    assert install == "pip install '.[video]'"
    run = make_environment(tmp_path, f"{wheel}[video]")
    for line in lines:
        assert (done := run(line)).stdout + done.stderr == ""
    assert (tmp_path / "faces.csv").read_text().count("\n") > 500
    assert min((tmp_path / name).stat().st_size for name in ("marked.mp4", "timeline.png")) > 50_000
    assert not re.search("^(torch|pandas|opencv)", run("pip list --format=freeze").stdout, re.M)


def test_a_missing_extra_says_which_to_install(clean):
    for command, extra in (
        ("mien train recipes/nimble.toml --data .", "lab"),
        ("mien export x.pt --data . --out y", "lab,onnx"),
        ("mien predict examples --engine onnx", "onnx"),
        ("mien video examples/astronaut.jpg", "video"),
        ("mien video examples --out r.csv --annotate a.mp4 --resume", "video"),
    ):
        result = clean(command, check=False)
        assert result.returncode == 2
        assert f"pip install -c constraints.txt '.[{extra}]'" in result.stderr
        assert "Traceback" not in result.stderr


@pytest.mark.data
def test_the_laboratory_lines(data_folder, tmp_path):
    """In this environment, which has the lab: training is stopped after its first epoch, and goes on to a bundle."""
    lines = [line.replace("DIR", str(data_folder)) for line in commands("## Train it yourself")]
    install, check, train, export, evaluate, predict = lines
    assert install.startswith("pip install")
    for name in ("examples", "recipes"):
        (tmp_path / name).symlink_to(ROOT / name)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def run(command: str) -> str:
        return subprocess.run(
            command, shell=True, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
        ).stdout

    assert "27,956" in run(check)
    listen = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # what runs in the background ignores it
    process = subprocess.Popen(
        [*train.split(), "--set", "model=slim"],  # after one epoch, nimble's int8 weights still change too many answers
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=listen,
    )
    deadline = time.monotonic() + 900
    while not (tmp_path / "mien-runs/nimble-0/history.json").exists():
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(1)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    run(export)
    assert "3,153" in run(evaluate) or "3153" in run(evaluate)
    assert "face" in run(predict)
