"""Intervals against a slow bootstrap and theory; McNemar against scipy."""

import json

import numpy as np
import pytest
from scipy.stats import binomtest

from mien.evaluation import metrics
from mien.evaluation.intervals import METRICS, _resample, bootstrap, compare, mcnemar

FUNCTIONS = {
    "accuracy": metrics.accuracy,
    "balanced_accuracy": metrics.balanced_accuracy,
    "log_loss": metrics.log_loss,
    "ece": metrics.expected_calibration_error,
}


def draw(seed: int, n: int = 200, skill: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """Probs [n,5], right more often than not, and classes of which the last is rare."""
    rng = np.random.default_rng(seed)
    classes = rng.choice(5, n, p=[0.3, 0.3, 0.2, 0.17, 0.03])
    powers = np.exp(rng.normal(size=(n, 5)) + skill * np.eye(5)[classes])
    return powers / powers.sum(1, keepdims=True), classes


def slow_resamples(n: int, resamples: int, seed: int) -> list[np.ndarray]:
    """Row numbers of each resample that the fast way drew as counts."""
    return [np.repeat(np.arange(n), row.astype(int)) for part in _resample(n, resamples, seed) for row in part]


def test_resamples_have_as_many_rows_each_as_likely():
    counts = np.concatenate(list(_resample(30, 4000, 1)))
    assert (counts.sum(1) == 30).all()
    assert counts.mean(0) == pytest.approx(np.ones(30), abs=0.08)
    assert counts.var() == pytest.approx(1 - 1 / 30, abs=0.02)


@pytest.mark.parametrize("name", METRICS)
def test_an_interval_is_that_of_the_metric_on_each_resample(name):
    probs, classes = draw(0)
    slow = [FUNCTIONS[name](probs[rows], classes[rows]) for rows in slow_resamples(200, 120, 7)]
    assert bootstrap(probs, classes, 120, 7)[name] == pytest.approx(np.percentile(slow, [2.5, 97.5]))


def test_an_accuracys_interval_is_the_binomials():
    probs, classes = draw(1, 2000)
    found = bootstrap(probs, classes)
    p = metrics.accuracy(probs, classes)
    assert found["accuracy"] == pytest.approx(
        [p - 1.96 * np.sqrt(p * (1 - p) / 2000), p + 1.96 * np.sqrt(p * (1 - p) / 2000)], abs=2e-3
    )
    assert found == bootstrap(probs, classes)
    assert found != bootstrap(probs, classes, seed=1)
    assert (found["level"], found["resamples"], found["seed"]) == (0.95, 2000, 0)


def test_nineteen_intervals_in_twenty_hold_the_truth():
    """Planted: rows right with probability 0.7, 150 at a time."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(200):
        right = rng.random(150) < 0.7
        low, high = bootstrap(np.where(right[:, None], [[0.9, 0.1]], [[0.1, 0.9]]), np.zeros(150, int), 300)["accuracy"]
        held += low <= 0.7 <= high
    assert 180 <= held <= 198


@pytest.mark.parametrize(("only", "other"), [(0, 0), (3, 3), (1, 9), (40, 22), (0, 5), (700, 640), (1800, 1500)])
def test_mcnemar_is_scipys_binomial(only, other):
    expected = binomtest(only, only + other).pvalue if only + other else 1
    assert mcnemar(only, other) == pytest.approx(expected, rel=1e-9)
    assert mcnemar(other, only) == mcnemar(only, other)


@pytest.mark.parametrize("name", METRICS)
def test_a_comparison_resamples_both_at_once(name):
    probs, classes = draw(4)
    others = draw(4, skill=0.5)[0]
    found = compare(probs, others, classes, 120, 2)
    assert found["value"][name] == pytest.approx(FUNCTIONS[name](probs, classes))
    assert found["other"][name] == pytest.approx(FUNCTIONS[name](others, classes))
    assert found["difference"][name] == found["value"][name] - found["other"][name]
    both = [(probs[rows], others[rows], classes[rows]) for rows in slow_resamples(200, 120, 2)]
    slow = [FUNCTIONS[name](a, c) - FUNCTIONS[name](b, c) for a, b, c in both]
    assert found["interval"][name] == pytest.approx(np.percentile(slow, [2.5, 97.5]))


def test_a_comparison_counts_the_rows_that_one_alone_gets_right():
    probs = np.array([[0.9, 0.1]] * 6 + [[0.1, 0.9]] * 4)
    others = np.array([[0.9, 0.1]] * 5 + [[0.1, 0.9]] * 3 + [[0.9, 0.1]] * 2)
    found = compare(probs, others, np.zeros(10, int), 50)
    assert (found["n"], found["only_right"], found["only_other_right"]) == (10, 1, 2)
    assert found["mcnemar_p"] == pytest.approx(binomtest(1, 3).pvalue)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_a_network_against_itself_differs_by_nothing():
    probs, classes = draw(5)
    found = compare(probs, probs, classes, 50)
    assert set(found["difference"].values()) == {0.0}
    assert all(interval == [0.0, 0.0] for interval in found["interval"].values())
    assert found["mcnemar_p"] == 1
