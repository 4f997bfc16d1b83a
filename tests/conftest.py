"""The real data, where there is any."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from mien.data.dataset import Dataset, read_dataset

# torch reads it when it is first imported: its threads spin, so that two of them on a busy machine stall each other
os.environ.setdefault("OMP_NUM_THREADS", "1")

collect_ignore_glob = [] if find_spec("hypothesis") else ["**/test_*_properties.py"]

BESIDE = Path(__file__).parents[2] / "shared" / "dataset"


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with FER2013 and FER+; tests that ask for it carry the marker `data`."""
    folder = Path(os.environ.get("MIEN_DATA", BESIDE))
    if not folder.is_dir():
        pytest.skip(f"no FER2013 and FER+ in {folder}; set MIEN_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def dataset(data_folder: Path) -> Dataset:
    return read_dataset(data_folder)


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder with redistributable pictures and the results that every door must give for them."""
    return Path(__file__).parent / "golden"


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what would be published: the source archive of this checkout, and the wheel that is made from it."""
    folder = tmp_path_factory.mktemp("archives")
    root = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-m", "build", "--outdir", folder, root], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def wheel(archives: Path) -> Path:
    (path,) = archives.glob("mien-*.whl")
    return path
