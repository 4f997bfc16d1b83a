"""Temperatures and thresholds that were planted come back; slow loops agree."""

import numpy as np
import pytest

from mien.evaluation.calibration import fit_temperature, prediction_set_threshold, set_coverage, softmax


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
