"""Metrics, for any probabilities and classes: scikit-learn, slow loops, and bounds that they keep."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from sklearn import metrics as sk

from mien.evaluation.calibration import fit_temperature, prediction_set_threshold, set_coverage
from mien.evaluation.metrics import (
    accuracy,
    balanced_accuracy,
    brier_score,
    classwise_calibration_error,
    confusion,
    expected_calibration_error,
    f1_scores,
    log_loss,
    macro_f1,
    precisions,
    raters_divergence,
    recalls,
)

some = settings(derandomize=True, max_examples=40, deadline=None)
CLASSES = st.integers(2, 8)


@st.composite
def scored(draw):
    """probs [n,c], of few levels so that ties and certainties come up, and classes [n]."""
    c, n = draw(CLASSES), draw(st.integers(1, 30))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    powers = rng.choice(draw(st.sampled_from([(0, 1), (1, 2, 5), (1e-9, 1e-3, 1), (0, 0, 0, 1)])), (n, c)).astype(float)
    powers[powers.sum(1) == 0] = 1
    return powers / powers.sum(1, keepdims=True), rng.integers(0, draw(st.integers(1, c)), n)


@some
@given(scored())
def test_counts_and_shares_are_scikit_learns(case):
    probs, classes = case
    top, labels = probs.argmax(1), range(probs.shape[1])
    there = np.bincount(classes, minlength=probs.shape[1]) > 0
    assert accuracy(probs, classes) == pytest.approx(sk.accuracy_score(classes, top))
    assert np.array_equal(confusion(probs, classes), sk.confusion_matrix(classes, top, labels=labels))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert balanced_accuracy(probs, classes) == pytest.approx(sk.balanced_accuracy_score(classes, top))
        recall, precision, f1 = (
            score(classes, top, labels=labels, average=None, zero_division=math.nan)
            for score in (sk.recall_score, sk.precision_score, sk.f1_score)
        )
    assert recalls(probs, classes) == pytest.approx(np.where(there, recall, np.nan), nan_ok=True)
    assert precisions(probs, classes) == pytest.approx(precision, nan_ok=True)
    assert f1_scores(probs, classes)[there] == pytest.approx(np.nan_to_num(f1[there]))
    assert macro_f1(probs, classes) == pytest.approx(np.mean(np.nan_to_num(f1[there])))


@some
@given(scored())
def test_losses_are_slow_loops(case):
    probs, classes = case
    n, c = probs.shape
    true = [max(float(probs[i, classes[i]]), 1e-12) for i in range(n)]
    assert log_loss(probs, classes) == pytest.approx(sum(-math.log(p) for p in true) / n)
    squares = [(float(probs[i, j]) - (j == classes[i])) ** 2 for i in range(n) for j in range(c)]
    assert brier_score(probs, classes) == pytest.approx(sum(squares) / n)
    assert 0 <= brier_score(probs, classes) <= 2


def slow_gap(stated, came_true, bins=15):
    """|accuracy - confidence| by bin, each bin closed above; a share of 0 is in the first."""
    groups = {}
    for share, true in zip(stated, came_true, strict=True):
        groups.setdefault(max(math.ceil(share * bins) - 1, 0), []).append(float(true) - float(share))
    return sum(abs(sum(group)) for group in groups.values()) / len(stated)


@some
@given(scored(), st.integers(1, 20))
def test_calibration_errors_are_slow_loops_whatever_the_order_of_the_rows(case, bins):
    probs, classes = case
    top = probs.argmax(1)
    found = expected_calibration_error(probs, classes, bins)
    assert found == pytest.approx(slow_gap(probs.max(1).tolist(), (top == classes).tolist(), bins))
    by_class = [slow_gap(probs[:, j].tolist(), (classes == j).tolist(), bins) for j in range(probs.shape[1])]
    assert classwise_calibration_error(probs, classes, bins) == pytest.approx(np.mean(by_class))
    backwards = expected_calibration_error(probs[::-1], classes[::-1], bins)
    assert found == pytest.approx(backwards)
    assert abs(probs.max(1).mean() - accuracy(probs, classes)) - 1e-9 <= found <= 1  # more bins can only show more


@some
@given(scored(), st.sampled_from([0.5, 0.8, 0.9, 1.0]))
def test_prediction_sets_cover_what_they_say_and_no_smaller_threshold_does(case, coverage):
    probs, classes = case
    threshold = prediction_set_threshold(probs, classes, coverage)
    covered, size = set_coverage(probs, classes, threshold)
    assert covered >= coverage - 1e-9
    assert 1 <= size <= probs.shape[1]
    below = np.nextafter(threshold, -np.inf)
    if below > 0:  # at 0 sets are empty
        assert set_coverage(probs, classes, below)[0] < coverage
    members = 0
    for row in probs.tolist():  # from the most probable down, until they add up to the threshold
        total = 0.0
        for p in sorted(row, reverse=True):
            members += total < threshold
            total += p
    assert size == pytest.approx(members / len(probs))


@settings(some, max_examples=15)
@given(st.integers(0, 2**32 - 1), CLASSES, st.integers(5, 60), st.floats(0.3, 4))
def test_no_temperature_beside_the_fitted_one_gives_less_loss(seed, c, n, spread):
    rng = np.random.default_rng(seed)
    logits, classes = rng.normal(0, spread, (n, c)), rng.integers(0, c, n)
    fitted = fit_temperature(logits, classes)

    def loss(temperature):  # log_loss counts what is less than 1e-12 as that
        return np.mean([logsumexp(row / temperature) - row[k] / temperature for row, k in zip(logits, classes, strict=True)])

    others = [other for other in (0.05, fitted * 0.9, fitted * 1.1, 20) if 0.05 <= other <= 20]
    assert all(loss(fitted) <= loss(other) + 1e-9 for other in others)
    if 0.06 < fitted < 6:
        assert fit_temperature(3 * logits, classes) == pytest.approx(3 * fitted, rel=1e-6)


@some
@given(scored(), st.integers(0, 2**32 - 1))
def test_divergence_is_nothing_for_the_raters_own_shares_and_never_less(case, seed):
    probs, _ = case
    votes = np.random.default_rng(seed).integers(0, 6, probs.shape)
    votes[0, 0] = 3
    named = votes.sum(1) > 0
    shares = votes / np.maximum(votes.sum(1, keepdims=True), 1)
    assert raters_divergence(shares, votes) == pytest.approx(0, abs=1e-9)
    total = 0.0
    for row, stated in zip(shares[named].tolist(), probs[named].tolist(), strict=True):
        total += sum(p * math.log(p / max(q, 1e-12)) for p, q in zip(row, stated, strict=True) if p)
    assert raters_divergence(probs, votes) == pytest.approx(total / named.sum(), abs=1e-9)
    assert raters_divergence(probs, votes) >= -1e-9
