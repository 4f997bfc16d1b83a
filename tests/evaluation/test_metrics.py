"""Metrics against scikit-learn, slow loops and hand values."""

import json
import math

import numpy as np
import pytest
from sklearn import metrics as sk

from mien.evaluation.metrics import (
    accuracy,
    balanced_accuracy,
    confusion,
    expected_calibration_error,
    log_loss,
    recalls,
    summarise,
)


def draw(seed: int, n: int = 500, c: int = 8, sharpness: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    powers = np.exp(sharpness * rng.normal(size=(n, c)))
    return powers / powers.sum(1, keepdims=True), rng.integers(0, c, n)


@pytest.mark.parametrize("seed", range(3))
def test_metrics_are_scikit_learns(seed):
    probs, classes = draw(seed)
    top = probs.argmax(1)
    assert accuracy(probs, classes) == pytest.approx(sk.accuracy_score(classes, top))
    assert balanced_accuracy(probs, classes) == pytest.approx(sk.balanced_accuracy_score(classes, top))
    assert log_loss(probs, classes) == pytest.approx(sk.log_loss(classes, probs, labels=range(8)))
    assert np.array_equal(confusion(probs, classes), sk.confusion_matrix(classes, top, labels=range(8)))
    assert recalls(probs, classes) == pytest.approx(sk.recall_score(classes, top, average=None))


@pytest.mark.parametrize(("seed", "sharpness", "c"), [(0, 0.5, 8), (1, 2, 8), (2, 8, 7), (3, 1, 2)])
def test_calibration_error_is_a_slow_loops(seed, sharpness, c):
    probs, classes = draw(seed, c=c, sharpness=sharpness)
    total = 0.0
    for i in range(15):
        inside = [j for j in range(len(probs)) if i / 15 < float(probs[j].max()) <= (i + 1) / 15]
        if inside:
            right = sum(int(probs[j].argmax() == classes[j]) for j in inside) / len(inside)
            total += len(inside) / len(probs) * abs(right - sum(float(probs[j].max()) for j in inside) / len(inside))
    assert expected_calibration_error(probs, classes) == pytest.approx(total)


def test_calibration_error_by_hand():
    four = np.array([[0.8, 0.2]] * 4)
    assert expected_calibration_error(four, np.array([0, 0, 0, 1])) == pytest.approx(0.05)
    certain = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert expected_calibration_error(certain, np.array([0, 1])) == pytest.approx(0.5)


def test_a_class_without_rows_does_not_count_in_the_balance():
    probs = np.array([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0], [0.7, 0.3, 0.0]])
    assert balanced_accuracy(probs, np.array([0, 0, 1])) == 0.5
    assert math.isnan(recalls(probs, np.array([0, 0, 1]))[2])


def test_a_certain_mistake_costs_a_finite_loss():
    assert log_loss(np.array([[1.0, 0.0]]), np.array([1])) == pytest.approx(-math.log(1e-12))


def test_summary_by_hand():
    probs = np.array([[0.6, 0.4, 0.0], [0.5, 0.5, 0.0], [0.2, 0.8, 0.0], [0.9, 0.1, 0.0]])
    found = summarise(probs, np.array([0, 0, 1, 1]), ("calm", "glad", "rare"))
    assert found["n"] == 4
    assert found["accuracy"] == 0.75
    assert found["balanced_accuracy"] == 0.75
    assert found["log_loss"] == pytest.approx(-np.log([0.6, 0.5, 0.8, 0.1]).mean())
    assert found["recall"] == {
        "calm": {"n": 2, "recall": 1.0},
        "glad": {"n": 2, "recall": 0.5},
        "rare": {"n": 0, "recall": None},
    }
    assert json.loads(json.dumps(found, allow_nan=False)) == found
