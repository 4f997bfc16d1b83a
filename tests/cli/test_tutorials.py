"""The tutorials' and the front page's lines run as they stand, from a folder with the repository's examples."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs" / "index.md", *sorted((ROOT / "docs" / "tutorials").glob("*.md"))]


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with `examples` in it, to work in."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.S)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_its_lines_run(page: Path, mien, beside: Path) -> None:
    commands = [shlex.split(line, comments=True) for block in blocks(page, "sh") for line in block.splitlines()]
    for program, *words in commands:
        if program == "mien" and words[0] != "web":  # the page is built by make web; tests/web tries it
            code, _, said = mien(*words)
            assert code == 0, said
        elif program == "python":
            subprocess.run([sys.executable, *words], check=True, timeout=120)
    for code_block in blocks(page, "python"):
        exec(code_block, {"__name__": "__main__"})


def test_photos_leaves_what_it_names(mien, beside: Path) -> None:
    (block,) = blocks(ROOT / "docs" / "tutorials" / "photos.md", "sh")
    for line in block.splitlines():
        mien(*shlex.split(line, comments=True)[1:])
    assert (beside / "faces.csv").read_text().splitlines()[1].startswith("examples/astronaut.jpg,")
    assert (beside / "marked" / "astronaut.jpg").is_file()
    assert (beside / "why" / "astronaut.png").is_file()
