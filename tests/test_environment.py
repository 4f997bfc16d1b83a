"""docs/environment.md names what the code reads of the environment, and nothing more."""

import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "environment.md").read_text(encoding="utf-8")


def test_the_page_and_the_code_name_the_same() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src" / "mien").rglob("*.py"))
    assert {*re.findall(r"^\| `(MIEN_\w+)`", PAGE, re.M)} == {*re.findall(r"MIEN_[A-Z]+", code)}


def run_in_terminal(*words: str, **environment: str) -> str:
    """What `mien` with these words writes to a terminal."""
    ours, theirs = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")} | environment
    command = [sys.executable, "-m", "mien", *words]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env={**env, "TERM": "xterm-256color"})
    os.close(theirs)
    said = b""
    with process, suppress(OSError):  # which says that the last end is closed
        while part := os.read(ours, 65536):
            said += part
    os.close(ours)
    return said.decode()


def test_no_color_is_honoured_and_a_pipe_gets_no_bar(tmp_path: Path) -> None:
    for i in range(20):
        (tmp_path / f"{i}.jpg").symlink_to(ROOT / "tests" / "golden" / "pictures" / "grey.png")
    words = ("predict", str(tmp_path), "--format", "csv", "--out", str(tmp_path / "out.csv"))
    colours = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m")
    assert colours.search(run_in_terminal(*words))
    plain = run_in_terminal(*words, NO_COLOR="1")
    assert "pictures" in plain
    assert not colours.search(plain)
    piped = subprocess.run([sys.executable, "-m", "mien", *words], capture_output=True, text=True, check=True)
    assert (piped.stdout, piped.stderr) == ("", "")
