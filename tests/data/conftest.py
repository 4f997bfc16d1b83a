"""Planted faces, and a folder that holds them."""

from pathlib import Path

import numpy as np
import pytest
from planted import csv_text, votes_text

from mien.data.fer2013 import Faces


@pytest.fixture
def faces() -> Faces:
    """Seven noise faces, one of each label: four of Training, two of PublicTest, one of PrivateTest."""
    images = np.random.default_rng(1).integers(0, 256, (7, 48, 48), np.uint8)
    return Faces(images, np.arange(7, dtype=np.uint8), np.array([0, 0, 0, 0, 1, 1, 2], np.uint8))


@pytest.fixture
def folder(tmp_path: Path, faces: Faces) -> Path:
    """A data folder with both planted tables."""
    (tmp_path / "fer2013.csv").write_text(csv_text(faces))
    (tmp_path / "fer2013new.csv").write_text(votes_text(faces))
    return tmp_path
