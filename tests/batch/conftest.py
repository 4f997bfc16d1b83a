"""A guard for all tests, small pictures, and poison among them."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from batch_pictures import PICTURES
from runs_here import OPTIONS

from mien.batch.guard import Guard

pytest.importorskip("pyarrow")


@pytest.fixture(scope="session")
def guard() -> Iterator[Guard]:
    with Guard(OPTIONS) as guard:
        yield guard


@pytest.fixture
def poisoned(monkeypatch) -> None:
    """From here on, POISON pictures end the processes that read them."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent / "poison"), os.environ.get("PYTHONPATH", "")]))


@pytest.fixture
def album(tmp_path) -> Path:
    """Two faces, one of them deeper, a landscape, a broken file, and what is no picture."""
    (tmp_path / "album" / "deeper").mkdir(parents=True)
    for name, to in (("hopper.jpg", "b.jpg"), ("astronaut.jpg", "deeper/a.JPG"), ("no-face.jpg", "c.jpg")):
        shutil.copy(PICTURES / name, tmp_path / "album" / to)
    (tmp_path / "album" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    (tmp_path / "album" / "notes.txt").write_text("no picture")
    (tmp_path / "album" / ".hidden.jpg").write_text("no picture")
    return tmp_path / "album"
