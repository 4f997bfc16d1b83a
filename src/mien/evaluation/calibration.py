"""Probabilities that mean what they say: temperature scaling, and prediction sets with a stated coverage."""

import numpy as np

TEMPERATURES = (0.05, 20.0)
"""Range in which the temperature is sought."""
HALVINGS = 40
"""Of that range's logarithm: to within 1e-11."""


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """exp(logits / temperature), normalised over the last axis, as float64."""
    scaled = logits.astype(float) / temperature
    powers = np.exp(scaled - scaled.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def fit_temperature(logits: np.ndarray, classes: np.ndarray) -> float:
    """The divisor of the logits [n,c] that gives the true classes, int [n], the smallest log loss.

    The loss is convex in 1/temperature: its slope there, the mean logit expected less the mean true one, changes sign once,
    and is halved upon. Where every row is named rightly the best would be certainty, of which the rows are no proof: then 1.
    Source: Guo et al. 2017, arXiv:1706.04599, section 4.2.
    """
    if (logits.argmax(1) == classes).all():
        return 1.0
    true = logits[np.arange(len(logits)), classes].astype(float)
    low, high = np.log(TEMPERATURES)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        expected = (softmax(logits, np.exp(middle)) * logits).sum(1)
        low, high = (middle, high) if np.mean(expected - true) > 0 else (low, middle)
    return float(np.exp((low + high) / 2))


def cross_validate(
    logits: np.ndarray, classes: np.ndarray, coverage: float = 0.9, folds: int = 5, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """What refitting gives on faces that it has not seen: probs [n,c], and each row's prediction-set threshold [n].

    Both are fitted on the other folds, among which each class is dealt out evenly, in an order drawn from the seed.
    """
    order = np.lexsort((np.random.default_rng(seed).random(len(classes)), classes))
    fold_of = np.empty(len(classes), int)
    fold_of[order] = np.arange(len(classes)) % folds
    probs, thresholds = np.empty(logits.shape), np.empty(len(logits))
    for fold in range(folds):
        held = fold_of == fold
        temperature = fit_temperature(logits[~held], classes[~held])
        fitted = softmax(logits[~held], temperature)
        probs[held] = softmax(logits[held], temperature)
        thresholds[held] = prediction_set_threshold(fitted, classes[~held], coverage)
    return probs, thresholds


def prediction_set_threshold(probs: np.ndarray, classes: np.ndarray, coverage: float = 0.9) -> float:
    """The smallest t whose prediction sets hold the true class for at least this share of the rows.

    A row's set takes its classes from the most probable down until their probabilities add up to t, so it holds more
    than one class exactly where the top probability is below t. probs: float [n,c]; classes: int [n].
    """
    above = np.sort(_mass_above(probs)[np.arange(len(probs)), classes])
    needed = above[int(np.ceil(coverage * len(above) - 1e-9)) - 1]  # less rounding: 0.9 * 10 is not quite 9
    return float(np.nextafter(needed, np.inf, dtype=above.dtype))


def set_coverage(probs: np.ndarray, classes: np.ndarray, threshold: float | np.ndarray) -> tuple[float, float]:
    """Share of rows whose prediction set holds the true class, and the mean number of classes in a set.

    threshold: of all rows, or [n] for each its own.
    """
    members = _mass_above(probs) < np.reshape(threshold, (-1, 1))
    return float(members[np.arange(len(probs)), classes].mean()), float(members.sum(1).mean())


def _mass_above(probs: np.ndarray) -> np.ndarray:
    """[n,c]: what the classes more probable than this one add up to; the class is in the set where it is below t."""
    order = np.argsort(-probs, axis=1, kind="stable")
    ranked = np.take_along_axis(probs, order, 1)
    above = np.zeros_like(probs)
    np.put_along_axis(above, order[:, 1:], np.cumsum(ranked, 1, dtype=probs.dtype)[:, :-1], 1)
    return above
