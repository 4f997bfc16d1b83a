"""The real data, where there is any."""

import os
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
