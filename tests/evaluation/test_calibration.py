"""Temperatures and thresholds that were planted come back; slow loops agree."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from mien.evaluation.calibration import (
    TEMPERATURES,
    cross_validate,
    fit_temperature,
    prediction_set_threshold,
    set_coverage,
    softmax,
)


def draw(seed: int = 0, n: int = 20_000, c: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Logits [n,c], and classes drawn with exactly the probabilities that they state."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(n, c))
    classes = (softmax(logits).cumsum(1) > rng.random((n, 1))).argmax(1)
    return logits, classes


def slow_set(row: np.ndarray, threshold: float) -> list[int]:
    chosen, held = [], 0.0
    for c in sorted(range(len(row)), key=lambda c: -row[c]):
        if chosen and held >= threshold:
            break
        chosen.append(c)
        held += row[c]
    return chosen


def test_softmax_by_hand_and_without_overflow():
    assert softmax(np.log([[1.0, 3.0]])) == pytest.approx(np.array([[0.25, 0.75]]))
    assert softmax(np.log([[1.0, 9.0]]), temperature=2) == pytest.approx(np.array([[0.25, 0.75]]))
    assert softmax(np.array([[1000.0, -1000.0]])) == pytest.approx(np.array([[1.0, 0.0]]))
    assert softmax(np.array([[1000.0, 1000.0], [-1000.0, -1000.0]])) == pytest.approx(
        np.full((2, 2), 0.5)
    )  # each row by itself


@pytest.mark.parametrize("factor", [0.3, 0.5, 1, 2, 6])
def test_a_planted_temperature_comes_back(factor):
    logits, classes = draw()
    assert fit_temperature(logits * factor, classes) == pytest.approx(factor, rel=0.03)


def test_no_temperature_on_a_fine_grid_is_better():
    logits, classes = draw(1, n=400)
    logits = logits.astype(np.float32) * 3
    rows = np.arange(len(logits))
    losses = {t: -np.log(softmax(logits, t)[rows, classes]).mean() for t in np.linspace(0.5, 8, 2000)}
    assert fit_temperature(logits, classes) == pytest.approx(min(losses, key=losses.__getitem__), abs=0.004)


@pytest.mark.parametrize("seed", range(3))
def test_scipys_minimum_is_the_same(seed):
    logits, classes = draw(seed, n=300)
    logits *= 1.7

    def loss(log_temperature: float) -> float:
        return -np.log(softmax(logits, np.exp(log_temperature))[np.arange(300), classes]).mean()

    found = minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded", options={"xatol": 1e-9})
    assert fit_temperature(logits, classes) == pytest.approx(np.exp(found.x), rel=1e-6)


def test_where_no_temperature_is_best_the_range_ends():
    assert fit_temperature(3 * np.eye(4), np.roll(np.arange(4), 1)) == pytest.approx(TEMPERATURES[1])


def test_few_faces_that_are_all_named_rightly_are_no_proof_of_certainty():
    assert fit_temperature(3 * np.eye(4), np.arange(4)) == 1


def test_cross_validation_fits_on_the_other_folds_alone():
    logits, classes = draw(5, n=200)
    probs, thresholds = cross_validate(3 * logits, classes)
    assert len(set(thresholds.round(12))) == 5
    for threshold in set(thresholds):
        held = thresholds == threshold
        assert held.sum() == 40
        assert np.ptp(np.bincount(classes, minlength=8) / 5 - np.bincount(classes[held], minlength=8)) <= 2
        temperature = fit_temperature(3 * logits[~held], classes[~held])
        assert probs[held] == pytest.approx(softmax(3 * logits[held], temperature))
        assert threshold == prediction_set_threshold(softmax(3 * logits[~held], temperature), classes[~held])


def test_cross_validation_deals_the_same_folds_for_a_seed_and_takes_the_coverage():
    logits, classes = draw(7, n=300)
    first, again, other = (cross_validate(logits, classes, 0.7, seed=seed)[1] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.max() < cross_validate(logits, classes, 0.95)[1].min()


def test_a_class_whose_forerunners_reach_the_threshold_is_left_out():
    probs = np.array([[0.5, 0.25, 0.25]])
    assert set_coverage(probs, np.array([1]), 0.5) == (0.0, 1.0)
    assert set_coverage(probs, np.array([1]), 0.75) == (1.0, 2.0)


def test_a_threshold_for_each_row_is_that_rows_own():
    logits, classes = draw(6, n=60)
    probs, thresholds = softmax(logits), np.random.default_rng(0).uniform(0.3, 0.95, 60)
    sets = [slow_set(row, threshold) for row, threshold in zip(probs, thresholds, strict=True)]
    expected = np.mean([true in chosen for chosen, true in zip(sets, classes, strict=True)]), np.mean([*map(len, sets)])
    assert set_coverage(probs, classes, thresholds) == pytest.approx(expected)


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.99, 1])
@pytest.mark.parametrize("n", [10, 137])
def test_threshold_is_the_smallest_that_covers(n, coverage):
    logits, classes = draw(2, n)
    probs = softmax(logits)

    def covered(threshold: float) -> float:
        return sum(true in slow_set(row, threshold) for row, true in zip(probs, classes, strict=True)) / n

    threshold = prediction_set_threshold(probs, classes, coverage)
    assert covered(threshold) >= coverage - 1e-9
    assert threshold < 1e-9 or covered(threshold - 1e-9) < coverage - 1e-9


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sets_are_a_slow_loops_and_hold_one_class_where_the_top_reaches_the_threshold(dtype):
    logits, classes = draw(3, 500)
    probs = softmax(logits).astype(dtype)
    threshold = prediction_set_threshold(probs, classes)
    sets = [slow_set(row, threshold) for row in probs]
    covered, size = set_coverage(probs, classes, threshold)
    assert covered == pytest.approx(np.mean([true in chosen for chosen, true in zip(sets, classes, strict=True)]))
    assert covered >= 0.9
    assert size == pytest.approx(np.mean([len(chosen) for chosen in sets]))
    assert [len(chosen) > 1 for chosen in sets] == (probs.max(1) < threshold).tolist()


def test_a_network_that_is_nearly_always_right_needs_no_second_guess():
    probs = np.array([[0.6, 0.4]] * 19 + [[0.4, 0.6]])
    threshold = prediction_set_threshold(probs, np.zeros(20, int))
    assert set_coverage(probs, np.zeros(20, int), threshold) == (0.95, 1.0)
