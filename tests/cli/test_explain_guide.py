"""docs/explain.md: its lines as they stand, and its picture as the command writes it now."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explain.md").read_text(encoding="utf-8")


def test_the_pages_command_writes_the_pages_picture(mien, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    line = re.search(r"```sh\n(.*)\n```", PAGE)[1]
    code, _, said = mien(*shlex.split(line, comments=True)[1:])
    assert (code, said) == (0, "explained: why/astronaut.png\n")
    shown, written = (Image.open(path).convert("RGB") for path in (ROOT / "docs/images/explain.png", "why/astronaut.png"))
    assert shown.size == written.size
    assert np.abs(np.asarray(shown, float) - np.asarray(written, float)).mean() < 1  # another processor, another last digit


def test_the_pages_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    exec(re.search(r"```python\n(.*?)```", PAGE, re.S)[1], {})
    probability, mean = map(float, capsys.readouterr().out.split())
    assert probability > 0.9
    assert mean > 0.5
