"""The card of a bundle of one's own faces: what it says of them, and what it must not."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.errors import BundleError
from mien.export.bundle import enough_views
from mien.export.card import card_text
from mien.export.parity import OWN_AGREEMENT, check_parity
from mien.inference.weights import WEIGHTS, load_bundle

FER2013 = {"path": "mien.pt", "sha256": "77", "data": {"fer2013.csv": "12", "fer2013new.csv": "34"}, "start": {}}
OTHERS = {"path": "a.pt", "sha256": "88", "data": {"class folders": "56"}, "start": {}}


def own(**more: Any) -> dict[str, Any]:
    """The shipped bundle's content, as if it had learned two emotions from 100 faces."""
    meta = copy.deepcopy({key: value for key, value in load_bundle("mien").meta.items() if key not in ("start", "before")})
    meta["scores"] = {engine: {split: {"all": found["published"]} for split, found in splits.items()}
                      for engine, splits in meta["scores"].items()}  # fmt: skip
    parts = {"train": {"fear": 40, "anger": 31}, "valid": {"fear": 8, "anger": 7}, "test": {"fear": 6, "anger": 8}}
    faces = {"folder": "clinic", "pictures": 123, "faces": 100, "cropped": False, "numbering": "", "parts": parts}
    return {**meta, "labels": ["anger", "fear"], "data": {"class folders": "99"}, "faces": faces, **more}


def test_it_says_which_faces_and_how_many_and_nothing_of_fer2013() -> None:
    card = card_text(own())
    assert "Of the 123 pictures in `clinic`, 100 gave a face." in card
    assert "| train | 40 | 31 |" in card
    assert "| `class folders` | `99` |" in card
    for word in ("FER", "leak-free", "ublished", "crowd", "began"):
        assert word not in card


@pytest.mark.parametrize(("start", "known"), [(FER2013, True), (OTHERS, False), ({**OTHERS, "start": FER2013}, True)])
def test_a_start_is_named_with_its_scores_and_fer2013_where_it_was_seen_however_long_ago(start: dict, known: bool) -> None:
    card = card_text(own(start=start, before={"valid_loss": 1.25, "valid_accuracy": 0.5}))
    assert f"began with the weights of `{start['path']}`, which had an accuracy of 0.5000 and a log loss of 1.2500" in card
    assert f"| `{start['path']}` | `{start['sha256']}` |" in card
    assert ("They began as weights trained on FER2013" in card) == known


@pytest.mark.parametrize("folder", [*WEIGHTS.glob("mien*"), *(Path(__file__).parents[2] / "results" / "bundles").glob("*")])
def test_a_committed_card_is_that_of_its_model_json(folder: Path) -> None:
    assert card_text(load_bundle(folder).meta) == (folder / "CARD.md").read_text(encoding="utf-8")


def test_few_faces_are_seen_in_many_views() -> None:
    faces = np.random.default_rng(0).integers(0, 256, (10, 48, 48), np.uint8)
    views = enough_views(faces, 95)
    assert 95 <= len(views) < 95 + 20
    np.testing.assert_array_equal(views[:10], faces)
    inner = {face[3:-3, 3:-3].tobytes() for face in faces} | {face[3:-3, 3:-3].tobytes() for face in faces[:, :, ::-1]}
    for view in views:
        moved = (np.roll(view, (down, right), (0, 1)) for down in range(-3, 4) for right in range(-3, 4))
        assert any(candidate[3:-3, 3:-3].tobytes() in inner for candidate in moved)
    np.testing.assert_array_equal(enough_views(faces, 10), faces)
    assert len(enough_views(faces, 10**6)) == 10 * (1 + 48 * 2)


def test_int8_of_own_faces_has_a_limit_of_its_own() -> None:
    found = {"n": 3000, "max_abs_difference": 0.1, "same_top_class": 0.96}
    check_parity("litert-int8", found, OWN_AGREEMENT)
    with pytest.raises(BundleError, match=r"96.00% of 3000 faces, expected at least 99.5%"):
        check_parity("litert-int8", found)
    with pytest.raises(BundleError, match=r"expected at least 95.0%"):
        check_parity("litert-int8", {**found, "same_top_class": 0.94}, OWN_AGREEMENT)
