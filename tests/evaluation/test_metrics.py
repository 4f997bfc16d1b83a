"""Metrics against scikit-learn, slow loops and hand values."""

import json
import math

import numpy as np
import pytest
from scipy.stats import entropy
from sklearn import metrics as sk

from mien.evaluation.calibration import set_coverage
from mien.evaluation.metrics import (
    accuracy,
    balanced_accuracy,
    brier_score,
    classwise_calibration_error,
    confusion,
    expected_calibration_error,
    f1_scores,
    held_out_rater_accuracy,
    log_loss,
    macro_f1,
    precisions,
    raters_divergence,
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
    assert precisions(probs, classes) == pytest.approx(sk.precision_score(classes, top, average=None))
    assert f1_scores(probs, classes) == pytest.approx(sk.f1_score(classes, top, average=None))
    assert macro_f1(probs, classes) == pytest.approx(sk.f1_score(classes, top, average="macro"))


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


@pytest.mark.parametrize(("seed", "sharpness", "c"), [(0, 0.5, 8), (1, 2, 7), (3, 1, 2)])
def test_brier_and_classwise_error_are_slow_loops(seed, sharpness, c):
    probs, classes = draw(seed, 300, c, sharpness)
    squares = [sum((float(row[j]) - (j == true)) ** 2 for j in range(c)) for row, true in zip(probs, classes, strict=True)]
    assert brier_score(probs, classes) == pytest.approx(sum(squares) / 300)
    total = 0.0
    for j in range(c):
        for i in range(15):
            inside = [k for k in range(300) if i / 15 < float(probs[k, j]) <= (i + 1) / 15]
            total += abs(sum(float(probs[k, j]) for k in inside) - sum(int(classes[k] == j) for k in inside)) / 300 / c
    assert classwise_calibration_error(probs, classes) == pytest.approx(total)


def test_a_class_that_is_never_found_has_no_f1_and_one_that_is_absent_none():
    probs = np.array([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0], [0.7, 0.3, 0.0]])
    classes = np.array([0, 0, 1])
    assert precisions(probs, classes) == pytest.approx([2 / 3, math.nan, math.nan], nan_ok=True)
    assert f1_scores(probs, classes) == pytest.approx([0.8, 0, math.nan], nan_ok=True)
    assert macro_f1(probs, classes) == pytest.approx(sk.f1_score(classes, probs.argmax(1), average="macro"))


def draw_votes(seed: int, n: int) -> np.ndarray:
    """[n,10]: ten raters a face, who mostly agree."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.multinomial(10, rng.dirichlet(np.full(10, 0.3))) for _ in range(n)]).astype(np.uint8)


def test_divergence_from_the_raters_is_scipys():
    probs, _ = draw(0, 50)
    votes = draw_votes(1, 50)
    votes[:3, :8] = 0
    expected = [entropy(row[:8], p) for row, p in zip(votes[3:], probs[3:], strict=True)]
    assert raters_divergence(probs, votes) == pytest.approx(np.mean(expected))
    shares = votes[3:, :8] / votes[3:, :8].sum(1, keepdims=True)
    assert raters_divergence(shares, votes[3:]) == pytest.approx(0, abs=1e-12)


def test_a_held_out_rater_is_a_slow_loop_over_every_rater():
    votes = draw_votes(2, 400)
    right = counted = 0
    for row in votes:
        raters = [column for column in range(10) for _ in range(row[column])]
        for held in range(len(raters)):
            others = raters[:held] + raters[held + 1 :]
            counts = {column: others.count(column) for column in range(10) if others.count(column) > 1}  # one is an outlier
            top = max(counts, key=counts.__getitem__, default=9)
            if counts and counts[top] > sum(counts.values()) / 2 and top < 8:
                counted += 1
                right += raters[held] == top
    assert held_out_rater_accuracy(votes) == pytest.approx(right / counted)


def test_a_held_out_rater_by_hand():
    votes = np.zeros((1, 10), np.uint8)
    votes[0, [0, 1, 9]] = 7, 2, 1  # of ten, each in turn: the majority of the others is the first, whom seven name
    assert held_out_rater_accuracy(votes) == pytest.approx(0.7)
    assert math.isnan(held_out_rater_accuracy(np.eye(10, dtype=np.uint8)[:1] * 0 + 1))


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
    assert found["precision"] == {"calm": pytest.approx(2 / 3), "glad": 1.0, "rare": None}
    assert found["f1"] == {"calm": pytest.approx(0.8), "glad": pytest.approx(2 / 3), "rare": None}
    assert found["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)
    assert found["brier"] == pytest.approx(2 * np.mean([0.4**2, 0.5**2, 0.2**2, 0.9**2]))
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_summary_has_sets_where_there_is_a_threshold_and_raters_where_there_are_votes():
    probs, classes = draw(4, 40)
    votes = draw_votes(5, 40)
    plain = summarise(probs, classes, list("abcdefgh"))
    found = summarise(probs, classes, list("abcdefgh"), 0.7, votes)
    assert {key: found[key] for key in plain} == plain
    assert (found["set_coverage"], found["set_size"]) == set_coverage(probs, classes, 0.7)
    assert found["raters_kl"] == raters_divergence(probs, votes)
    assert found["human_accuracy"] == held_out_rater_accuracy(votes)
