"""Votes to targets, for any ten counts: the reference code's logic, and what it must not depend on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.data.test_targets import slow_target

from mien.data.targets import TARGETS

MODES = tuple(TARGETS)
some = settings(derandomize=True, max_examples=80, deadline=None)
any_counts = st.lists(st.integers(0, 10), min_size=10, max_size=10)
ten_raters = st.lists(st.sampled_from([0, 0, 0, 1, 1, 2, 3, 7, 8, 9]), min_size=10, max_size=10).map(
    lambda named: np.bincount(named, minlength=10).tolist()
)
rows = st.one_of(any_counts, ten_raters)


def target(mode, row):
    """Its target as a list, None where it is dropped."""
    targets, kept = TARGETS[mode](np.array([row], np.uint8))
    return targets[0].tolist() if kept[0] else None


@pytest.mark.parametrize("mode", MODES)
@some
@given(row=rows)
def test_each_row_gets_the_reference_codes_target(mode, row):
    assert target(mode, row) == pytest.approx(slow_target(row, mode), abs=1e-6)


@pytest.mark.parametrize("mode", MODES)
@some
@given(table=st.lists(rows, min_size=1, max_size=6))
def test_a_target_is_a_distribution_over_named_emotions_or_nothing_and_each_row_is_its_own(mode, table):
    targets, kept = TARGETS[mode](np.array(table, np.uint8))
    assert targets.shape == (len(table), 8)
    for row, counts, used in zip(targets, table, kept, strict=True):
        assert row.sum() == pytest.approx(float(used), abs=1e-6)
        assert all(counts[i] > 1 for i in np.flatnonzero(row))  # a single vote is an outlier
        assert (row.tolist() if used else None) == target(mode, counts)


@pytest.mark.parametrize("mode", ["majority", "multi_target"])
@some
@given(row=rows, order=st.permutations(range(8)))
def test_emotions_in_another_order_give_the_shares_in_that_order(mode, row, order):
    before, after = target(mode, row), target(mode, [*(row[i] for i in order), *row[8:]])
    assert after == (None if before is None else [before[i] for i in order])


@some
@given(rows)
def test_a_majority_keeps_that_emotion_in_all_modes(row):
    first = target("majority", row)
    if first is None:
        return
    for mode in ("distribution", "multi_target"):
        assert target(mode, row)[first.index(1)] == max(target(mode, row))


@pytest.mark.parametrize("mode", MODES)
@some
@given(row=rows, column=st.integers(0, 9))
def test_a_single_vote_more_where_there_was_none_changes_nothing(mode, row, column):
    noisy = [1 if i == column and count == 0 else count for i, count in enumerate(row)]
    assert target(mode, noisy) == target(mode, row)
