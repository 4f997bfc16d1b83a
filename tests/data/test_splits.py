"""Copies, conflicts and leaking rows: planted ones, a slow oracle, and the frozen ids."""

import numpy as np
import pytest

from mien.data.dataset import Dataset, Split
from mien.data.splits import (
    SIZES,
    also_among,
    conflicting,
    find_leaking_rows,
    identical_faces,
    leak_free,
    leaking_rows,
)
from mien.errors import UsageError

FIRST_TEST_ROW = 28_709 + 3_589


@pytest.mark.data
@pytest.mark.parametrize(("labels", "size"), [("majority", 2_766), ("distribution", 3_083), ("fer2013", 3_156)])
def test_leak_free_sizes(dataset: Dataset, labels: str, size: int) -> None:
    assert leak_free(dataset.split("test", labels)).sum() == size


@pytest.mark.data
def test_the_frozen_rows_are_those_that_the_data_give(dataset: Dataset) -> None:
    found = find_leaking_rows(dataset.faces.images, dataset.faces.usage, dataset.votes.named)
    assert found.tolist() == leaking_rows().tolist()


def test_frozen_rows_are_distinct_test_rows_in_order() -> None:
    rows = leaking_rows()
    assert len(rows) == 433
    assert (np.diff(rows) > 0).all()
    assert rows[0] >= FIRST_TEST_ROW
    assert rows[-1] < sum(SIZES["fer2013"])


def split_of(rows: list[int]) -> Split:
    return Split(np.zeros((len(rows), 48, 48), np.uint8), np.zeros((len(rows), 8), np.float32), np.array(rows))


def test_leak_free_marks_the_frozen_rows_alone() -> None:
    leaking = set(leaking_rows().tolist())
    rows = list(range(FIRST_TEST_ROW, FIRST_TEST_ROW + 500))
    assert leak_free(split_of(rows)).tolist() == [row not in leaking for row in rows]


def test_leak_free_refuses_rows_of_another_split() -> None:
    with pytest.raises(UsageError, match="test rows"):
        leak_free(split_of([FIRST_TEST_ROW, FIRST_TEST_ROW - 1]))


def smooth_faces(n: int, seed: int) -> np.ndarray:
    """Blurred noise, so that neighbours correlate as in pictures; levels 60 to 180."""
    noise = np.random.default_rng(seed).random((n, 12, 12)).repeat(4, 1).repeat(4, 2)
    return (60 + 120 * noise).astype(np.uint8)


@pytest.mark.parametrize("chunk", [1, 3, 2048])
def test_planted_leaks_are_found_whatever_the_chunk(chunk: int) -> None:
    known = smooth_faces(5, 1)
    stranger, unnamed = smooth_faces(2, 2)
    noise = np.random.default_rng(3).normal(0, 1, (48, 48))
    test = [
        known[0],  # a copy of train
        known[3][:, ::-1],  # mirrored, of valid
        (known[1] * 0.5 + 20).astype(np.uint8),  # relit
        stranger,
        unnamed,  # a copy of a row that FER+ does not name
        np.clip(known[2] + 5 * noise, 0, 255).astype(np.uint8),  # slightly noisy: above 0.95
        np.clip(known[2] + 40 * noise, 0, 255).astype(np.uint8),  # very noisy: below
        stranger,  # twice in test alone
        np.full((48, 48), 90, np.uint8),  # flat: correlates with none, and divides by no zero
        known[2][::-1],  # upside down is another picture
    ]
    images = np.stack([*known, unnamed, *test])
    usage = np.array([0, 0, 0, 1, 1, 0] + [2] * len(test))
    named = np.arange(len(images)) != 5
    found = find_leaking_rows(images, usage, named, chunk)
    assert (found - 6).tolist() == [0, 1, 2, 5]


def test_leaks_agree_with_numpys_correlation() -> None:
    base, own = smooth_faces(30, 4).astype(float), smooth_faces(30, 5)
    mix = np.linspace(0, 0.6, 30)[:, None, None]  # correlations from 1 down through the threshold
    test = ((1 - mix) * base + mix * own).astype(np.uint8)
    images, usage = np.concatenate([base.astype(np.uint8), test]), np.repeat([0, 2], 30)
    expected = [
        row
        for row in range(30, 60)
        if any(
            np.corrcoef(view.ravel(), face.ravel())[0, 1] > 0.95
            for view in (images[row], images[row][:, ::-1])
            for face in images[:30]
        )
    ]
    assert 5 < len(expected) < 25
    assert find_leaking_rows(images, usage, np.ones(60, bool)).tolist() == expected


def test_identical_faces_and_their_conflicts() -> None:
    a, b, c = smooth_faces(3, 6)
    images = np.stack([a, b, a, c, b, a])
    groups = identical_faces(images)
    assert [group.tolist() for group in groups] == [[0, 2, 5], [1, 4]]
    assert [group.tolist() for group in conflicting(groups, np.array([3, 1, 3, 0, 2, 3]))] == [[1, 4]]


def test_also_among_looks_only_at_the_rows_given() -> None:
    a, b = smooth_faces(2, 7)
    images = np.stack([a, b, a, b])
    assert also_among(images, np.array([2, 3]), np.array([0])).tolist() == [True, False]
    assert also_among(images, np.array([], int), np.array([0])).tolist() == []


@pytest.mark.data
def test_published_copies_across_splits(dataset: Dataset) -> None:
    rows = {name: dataset.split(name, "majority").rows for name in ("train", "valid", "test")}
    pairs = (("test", "train"), ("test", "valid"), ("valid", "train"))
    found = [also_among(dataset.faces.images, rows[of], rows[among]).sum() for of, among in pairs]
    assert found == [259, 41, 251]  # the same against every row of those splits


@pytest.mark.data
def test_published_groups_of_identical_faces(dataset: Dataset) -> None:
    groups = identical_faces(dataset.faces.images)
    found = len(groups), len(conflicting(groups, dataset.faces.labels))
    assert found in {(1_516, 57), (1_517, 58)}  # the copy with 177 re-encoded rows, and Kaggle's original
