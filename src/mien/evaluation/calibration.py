"""Probabilities that mean what they say: temperature scaling, and prediction sets with a stated coverage."""

import numpy as np

TEMPERATURES = (0.05, 20.0)
"""Range in which the temperature is sought."""


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """exp(logits / temperature), normalised over the last axis, as float64."""
    scaled = logits.astype(float) / temperature
    powers = np.exp(scaled - scaled.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def fit_temperature(logits: np.ndarray, classes: np.ndarray) -> float:
    """The divisor of the logits [n,c] that gives the true classes, int [n], the smallest log loss.

    The loss is convex in 1/temperature, so there is one minimum. Source: Guo et al. 2017, arXiv:1706.04599, section 4.2.
    """
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        probs = softmax(logits, np.exp(log_temperature))
        return -np.log(np.maximum(probs[np.arange(len(probs)), classes], 1e-300)).mean()

    return float(np.exp(minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded", options={"xatol": 1e-6}).x))


def prediction_set_threshold(probs: np.ndarray, classes: np.ndarray, coverage: float = 0.9) -> float:
    """The smallest t whose prediction sets hold the true class for at least this share of the rows.

    A row's set takes its classes from the most probable down until their probabilities add up to t, so it holds more
    than one class exactly where the top probability is below t. probs: float [n,c]; classes: int [n].
    """
    above = np.sort(_mass_above(probs)[np.arange(len(probs)), classes])
    needed = above[int(np.ceil(coverage * len(above) - 1e-9)) - 1]  # less rounding: 0.9 * 10 is not quite 9
    return float(np.nextafter(needed, np.inf, dtype=above.dtype))


def set_coverage(probs: np.ndarray, classes: np.ndarray, threshold: float) -> tuple[float, float]:
    """Share of rows whose prediction set at `threshold` holds the true class, and the mean number of classes in a set."""
    members = _mass_above(probs) < threshold
    return float(members[np.arange(len(probs)), classes].mean()), float(members.sum(1).mean())


def _mass_above(probs: np.ndarray) -> np.ndarray:
    """[n,c]: what the classes more probable than this one add up to; the class is in the set where it is below t."""
    order = np.argsort(-probs, axis=1, kind="stable")
    ranked = np.take_along_axis(probs, order, 1)
    above = np.zeros_like(probs)
    np.put_along_axis(above, order[:, 1:], np.cumsum(ranked, 1, dtype=probs.dtype)[:, :-1], 1)
    return above
