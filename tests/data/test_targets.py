"""Label modes against the FER+ reference code's logic, restated row by row with plain loops."""

import numpy as np
import pytest

from mien.data.dataset import LABELS, Dataset
from mien.data.splits import SIZES
from mien.data.targets import TARGETS

MODES = tuple(TARGETS)


def slow_target(row: list[int], mode: str) -> list[float] | None:
    """The target of one row of ten counts, None where the reference drops it."""
    votes = [count if count > 1 else 0 for count in row]
    total, taken = sum(votes), [0] * len(votes)
    if mode == "majority":
        if max(votes) > 0.5 * total:
            taken[votes.index(max(votes))] = 1
    elif mode == "multi_target":
        held = [count if count >= 0.3 * total else 0 for count in votes]
        taken = held if sum(held) > 0.5 * total else taken
    else:
        taken = slow_distribution(votes, total)
    if sum(taken) == 0 or taken.index(max(taken)) >= 8:
        return None
    emotions = [float(count > 0) if mode == "multi_target" else count for count in taken[:8]]
    return [share / sum(emotions) for share in emotions]


def slow_distribution(votes: list[int], total: int) -> list[int]:
    taken, held, classes, going = [0] * 10, 0, 0, True
    while held < 0.75 * total and classes < 3 and going:
        level = max(votes)
        for i in range(10):
            if votes[i] != level:
                continue
            taken[i], votes[i] = level, 0
            held, classes = held + level, classes + 1
            if i >= 8:
                going = False
                if sum(taken) > level:
                    taken[i], classes = 0, classes - 1
                break
    return [0] * 10 if sum(taken) <= 0.5 * total or classes > 3 else taken


def assert_as_the_oracle_says(votes: np.ndarray, mode: str) -> None:
    targets, kept = TARGETS[mode](votes)
    unique, inverse = np.unique(votes, axis=0, return_inverse=True)
    expected = [slow_target(row, mode) for row in unique.tolist()]
    dense = np.array([row or [0.0] * 8 for row in expected], np.float32)
    assert np.array_equal(kept, np.array([row is not None for row in expected])[inverse.ravel()])
    assert targets.dtype == np.float32
    np.testing.assert_allclose(targets, dense[inverse.ravel()], atol=1e-7)


@pytest.mark.data
@pytest.mark.parametrize("mode", MODES)
def test_each_published_row_gets_the_reference_codes_target(dataset: Dataset, mode: str) -> None:
    assert_as_the_oracle_says(dataset.votes.counts, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("classes", [2, 4, 10])
def test_random_votes_with_many_ties_get_the_reference_codes_target(mode: str, classes: int) -> None:
    random = np.random.default_rng(classes)
    votes = np.zeros((4000, 10), np.uint8)
    for row in votes:  # ten raters among a few classes: ties, unknown and no-face are common
        row += np.bincount(random.choice(random.permutation(10)[:classes], 10), minlength=10).astype(np.uint8)
    assert_as_the_oracle_says(votes, mode)


HAND = [
    # neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, unknown, no face
    ("majority", [1, 8, 1, 0, 0, 0, 0, 0, 0, 0], {1: 1}, "ones are outliers"),
    ("majority", [5, 5, 0, 0, 0, 0, 0, 0, 0, 0], None, "half is no majority"),
    ("majority", [5, 1, 1, 1, 1, 1, 0, 0, 0, 0], {0: 1}, "5 of 5 once the ones are gone"),
    ("majority", [0, 2, 0, 0, 0, 0, 0, 0, 8, 0], None, "unknown leads"),
    ("distribution", [6, 4, 0, 0, 0, 0, 0, 0, 0, 0], {0: 0.6, 1: 0.4}, "6 of 10 is below 75%"),
    ("distribution", [8, 2, 0, 0, 0, 0, 0, 0, 0, 0], {0: 1}, "8 of 10 is enough"),
    ("distribution", [4, 2, 2, 2, 0, 0, 0, 0, 0, 0], None, "four classes tie in"),
    ("distribution", [4, 3, 3, 0, 0, 0, 0, 0, 0, 0], {0: 0.4, 1: 0.3, 2: 0.3}, "equal counts go together"),
    ("distribution", [6, 2, 0, 0, 0, 0, 0, 0, 2, 0], {0: 0.75, 1: 0.25}, "8 of 10, then unknown is left out"),
    ("distribution", [5, 0, 0, 0, 0, 0, 0, 0, 5, 0], None, "half beside unknown is not held"),
    ("distribution", [3, 0, 0, 0, 0, 0, 0, 0, 7, 0], None, "unknown comes first and stops"),
    ("multi_target", [4, 3, 3, 0, 0, 0, 0, 0, 0, 0], {0: 1 / 3, 1: 1 / 3, 2: 1 / 3}, "30% each counts in full"),
    ("multi_target", [6, 2, 2, 0, 0, 0, 0, 0, 0, 0], {0: 1}, "20% does not count"),
    ("multi_target", [2, 2, 2, 2, 2, 0, 0, 0, 0, 0], None, "nobody has 30%"),
    ("multi_target", [4, 0, 0, 0, 0, 0, 0, 0, 6, 0], None, "unknown is strongest"),
    ("multi_target", [6, 0, 0, 0, 0, 0, 0, 0, 0, 4], {0: 1}, "no face is cut from the target"),
]


@pytest.mark.parametrize(("mode", "votes", "expected", "why"), HAND, ids=[f"{h[0]}: {h[3]}" for h in HAND])
def test_rows_worked_out_by_hand(mode: str, votes: list[int], expected: dict[int, float] | None, why: str) -> None:
    targets, kept = TARGETS[mode](np.array([votes]))
    wanted = [(expected or {}).get(i, 0) for i in range(8)]
    assert kept[0] == (expected is not None), why
    np.testing.assert_allclose(targets[0], wanted, atol=1e-7, err_msg=why)


@pytest.mark.parametrize("mode", MODES)
def test_a_row_without_votes_is_dropped(mode: str) -> None:
    targets, kept = TARGETS[mode](np.eye(10, dtype=np.uint8))  # one vote each: all are outliers
    assert not kept.any()
    assert not targets.any()


@pytest.mark.data
@pytest.mark.parametrize("labels", LABELS)
def test_published_sizes_come_out(dataset: Dataset, labels: str) -> None:
    assert tuple(len(dataset.split(name, labels).rows) for name in ("train", "valid", "test")) == SIZES[labels]


@pytest.mark.data
def test_majority_test_faces_per_class(dataset: Dataset) -> None:
    counts = dataset.split("test", "majority").targets.sum(0)
    assert counts.tolist() == [1090, 893, 396, 384, 273, 18, 83, 16]  # in the order of EMOTIONS
