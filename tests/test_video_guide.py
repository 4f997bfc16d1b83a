"""The commands of docs/video.md, as they stand, on a clip made on the fly; and that what the page states holds."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from mien.media.table import VIDEO_COLUMNS

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "video.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", GUIDE, re.S)
INSTALL, MAKE, *LINES = [line.split("  #")[0].strip() for block in BLOCKS for line in block.splitlines()]
PICTURE = ROOT / "docs" / "images" / "timeline.png"
SMILE = re.compile(r"face (\d) smiled from (\d+\.\d\d) s to (\d+\.\d\d) s")

pytest.importorskip("av")


def load_example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_clip", ROOT / "examples" / "make_clip.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shell(line: str, folder: Path) -> str:
    """What the line prints, run as a user would who has mien installed."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        line, shell=True, cwd=folder, env={**os.environ, "PATH": path}, check=True, capture_output=True, text=True
    )
    assert re.sub("INFO: .*\n", "", done.stderr) == "", line  # LiteRT's, where it is used from Python
    return done.stdout


def read_smiles(text: str) -> dict[int, tuple[float, float]]:
    return {int(face): (float(start), float(end)) for face, start, end in SMILE.findall(text)}


@pytest.fixture(scope="module")
def ran(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """The folder in which the page's lines ran in their order, and what each of them printed."""
    folder = tmp_path_factory.mktemp("guide")
    (folder / "examples").symlink_to(ROOT / "examples")
    example = load_example()
    example.SECONDS, example.RATE = 6, 8
    example.main(str(folder / "clip.mp4"))
    return folder, {line: shell(line, folder) for line in LINES}


def test_the_pages_lines_run_and_write_what_they_name(ran):
    folder, _ = ran
    assert (INSTALL, MAKE) == ("pip install '.[video]'", "python examples/make_clip.py clip.mp4")
    assert len(LINES) == 6
    written = {name for line in LINES for name in re.findall(r"--(?:out|annotate|timeline|summary|elan) (\S+)", line)}
    assert len(written) == 10
    assert {path.name for path in folder.iterdir()} == written | {"clip.mp4", "examples"}
    assert all((folder / name).stat().st_size > 500 for name in written)


def test_who_smiled_when_is_what_the_clip_shows(ran):
    """A smile is bent into the one that stays from 4 to 5 s, and holds to the end; the other smiles while she is seen."""
    said = ran[1]["python examples/who_smiled.py faces.csv"]
    smiles = read_smiles(said)
    assert smiles.keys() == {1, 2}
    assert smiles[1] == (pytest.approx(4.7, abs=0.5), pytest.approx(47 / 8, abs=0.01))
    assert smiles[2] == (pytest.approx(2.2, abs=0.4), pytest.approx(47 / 8, abs=0.01))


def test_the_example_is_short_and_stands_in_the_page_as_it_is():
    text = (ROOT / "examples" / "who_smiled.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 20
    assert f"```python\n{text}```" in GUIDE


def test_the_pages_python_runs(ran):
    stream, table, _ = re.findall(r"```python\n(.*?)```", GUIDE, re.S)
    for i, block in enumerate((stream, table)):
        (ran[0] / f"block_{i}.py").write_text(block)
    lines = shell("python block_0.py", ran[0]).splitlines()
    assert lines[0].startswith("0.00 s: face 1 neutral ")
    assert lines[-1].startswith("3.12 s: face 2 happiness 1")
    pytest.importorskip("pandas")
    assert re.search(r"2 +happiness +2\.\d+ +5\.8", shell("python block_1.py", ran[0]))


def test_the_page_names_every_column_and_every_option():
    table = GUIDE.split("| columns | |")[1].split("\n\n")[0]
    names = re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in table.splitlines()[2:]))
    assert [name for name in VIDEO_COLUMNS if name in names] == names
    left_out = set(VIDEO_COLUMNS) - set(names)
    assert {name.removeprefix("smoothed_") for name in left_out} == {
        "happiness", "surprise", "sadness", "anger", "disgust", "fear"
    }  # fmt: skip
    options, known = (set(re.findall(r"--[a-z][a-z-]+", text)) for text in (GUIDE, shell("mien video --help", ROOT)))
    assert options <= known
    assert known - options == {"--max-faces", "--threshold", "--model", "--detector", "--engine", "--help"}


def test_resumed_with_every_frame_searched_is_the_unbroken_run_row_for_row(ran, tmp_path):
    words = f"mien video {ran[0]}/clip.mp4 --detect-every 1 --out r.csv"
    shell(words, tmp_path)
    whole = (tmp_path / "r.csv").read_bytes()
    for share in (0.3, 0.7):
        (tmp_path / "r.csv").write_bytes(whole[: int(len(whole) * share)])
        shell(f"{words} --resume", tmp_path)
        assert (tmp_path / "r.csv").read_bytes() == whole


def test_the_picture_is_light():
    assert PICTURE.stat().st_size <= 150_000


@pytest.mark.slow
def test_the_picture_and_the_printed_lines_are_what_the_page_makes(tmp_path):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    printed = [shell(line, tmp_path) for line in (MAKE, *LINES[:2])][-1]
    stated, found = (read_smiles(text) for text in (GUIDE, printed))
    assert stated.keys() == found.keys() == {1, 2, 3}
    assert all(found[face] == pytest.approx(times, abs=0.25) for face, times in stated.items())
    shown, drawn = (np.asarray(Image.open(path).convert("RGB"), int) for path in (PICTURE, tmp_path / "timeline.png"))
    assert shown.shape == drawn.shape
    assert np.abs(shown - drawn).mean() < 4
