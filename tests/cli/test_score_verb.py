"""What `mien score` says to bad requests, before Ray is started."""

import subprocess
import sys
from pathlib import Path

import pytest

from mien.errors import lacking

pytest.importorskip("ray")
PICTURES = Path(__file__).parents[1] / "golden" / "pictures"


@pytest.fixture
def places(tmp_path):
    """Sources that are none, by name, and a folder that is no run's."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "cut.tar").write_bytes(b"jpg" * 500)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["{}/nowhere", "--out", "{}/out"], 2, "nowhere: no such file or folder; check the path."),
        (["{}/empty", "--out", "{}/out"], 1, "empty: holds no pictures; give a folder"),
        (["{}/broken.parquet", "--out", "{}/out"], 1, "broken.parquet: is no whole Parquet file"),
        (["{}/cut.tar", "--out", "{}/out"], 1, "cut.tar: is no tar"),
        (["xx://y/z", "--out", "{}/out"], 2, "xx://y: cannot be opened"),
        ([str(PICTURES)], 2, "give --out DIR"),
        ([str(PICTURES), "--out", "{}/full"], 2, "full: holds mine.txt, which is of no run"),
        ([str(PICTURES), "--out", "{}/cut.tar"], 2, "cut.tar: cannot be made or read"),
        ([str(PICTURES), "--out", "{}/out", "--model", "mein"], 2, "unknown model 'mein'. Did you mean 'mien'?"),
        ([str(PICTURES), "--out", "{}/out", "--engine", "x"], 2, "unknown engine 'x'"),
        ([str(PICTURES), "--out", "{}/out", "--address", "127.0.0.1:1"], 2, "--address 127.0.0.1:1: nothing answers there"),
        (["--summary", "{}/empty"], 2, "empty: holds no run of `mien score`"),
    ],
)
def test_one_line_and_an_exit_code(mien, places, words, code, says):
    found, out, err = mien("score", *(word.replace("{}", str(places)) for word in words))
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert says in err
    assert not list(places.glob("out/part*"))


def test_a_missing_extra_says_which(tmp_path):
    code = (
        "import sys, importlib.util as util; find = util.find_spec;"
        "util.find_spec = lambda name, *rest: None if name == 'ray' else find(name, *rest);"
        f"sys.argv = ['mien', 'score', {str(PICTURES)!r}, '--out', {str(tmp_path / 'out')!r}];"
        "from mien.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (2, f"mien: {lacking('mien score needs ray', 'batch')}\n")
