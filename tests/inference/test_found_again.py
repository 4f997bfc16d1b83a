"""The whole way of a face: enlarged into a picture, found, cropped, and given the class that the face itself has."""

import pytest
from benchmarks.crop import agree

from mien import Recognizer


@pytest.mark.slow
@pytest.mark.data
def test_faces_found_again_keep_their_class(dataset, capsys):
    images = dataset.split("valid", "majority").images
    found = agree(Recognizer(threads=1), images, count=1000, seed=0)
    with capsys.disabled():
        print(f"\nfound {found['found']} of {found['n']}, same top class {found['agreement']:.3f}")
    assert found["found"] >= 700  # full_range finds 70% of such faces, which have no hair and no surroundings
    assert found["agreement"] >= 0.85
