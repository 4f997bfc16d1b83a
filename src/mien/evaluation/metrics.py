"""What a network's probabilities are worth: pure functions over arrays.

Everywhere `probs` is float [n,c], rows sum to 1, and `classes` is int [n], the true class of each row, 0 to c-1.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

ECE_BINS = 15
SMALLEST = 1e-12
"""Probabilities below it count as it in the log loss, so that one certain mistake does not make it infinite."""


def accuracy(probs: np.ndarray, classes: np.ndarray) -> float:
    """Share of rows whose most probable class is the true one."""
    return float(np.mean(probs.argmax(1) == classes))


def confusion(probs: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Row counts, int [c,c]: true class down, most probable class across."""
    counts = np.zeros((probs.shape[1], probs.shape[1]), int)
    np.add.at(counts, (classes, probs.argmax(1)), 1)
    return counts


def recalls(probs: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Share of each class's rows that are found, float [c]; nan for a class without rows."""
    counts = confusion(probs, classes)
    rows = counts.sum(1)
    return np.where(rows > 0, counts.diagonal() / np.maximum(rows, 1), np.nan)


def balanced_accuracy(probs: np.ndarray, classes: np.ndarray) -> float:
    """Mean recall over the classes that have rows, each class counting alike."""
    return float(np.nanmean(recalls(probs, classes)))


def log_loss(probs: np.ndarray, classes: np.ndarray) -> float:
    """Mean of -ln(probability of the true class), in nats."""
    true = probs[np.arange(len(probs)), classes].astype(float)
    return float(-np.log(np.maximum(true, SMALLEST)).mean())


def expected_calibration_error(probs: np.ndarray, classes: np.ndarray, bins: int = ECE_BINS) -> float:
    """Mean over rows of |accuracy - confidence| in their bin, 0 to 1; bins of top probability are equally wide.

    A confidence on an edge belongs to the bin below it. Source: Guo et al. 2017, arXiv:1706.04599, eq. 3.
    """
    confidence = probs.max(1).astype(float)
    bin_of = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    excess = (probs.argmax(1) == classes) - confidence
    return float(np.abs(np.bincount(bin_of, excess, bins)).sum() / len(probs))


def summarise(probs: np.ndarray, classes: np.ndarray, labels: Sequence[str]) -> dict[str, Any]:
    """All of these by name, ready for JSON. labels: the emotion of each column; recall is None for one without rows."""
    rows = np.bincount(classes, minlength=len(labels))
    found = recalls(probs, classes)
    return {
        "n": len(probs),
        "accuracy": accuracy(probs, classes),
        "balanced_accuracy": balanced_accuracy(probs, classes),
        "log_loss": log_loss(probs, classes),
        "ece": expected_calibration_error(probs, classes),
        "recall": {
            label: {"n": int(n), "recall": float(recall) if n else None}
            for label, n, recall in zip(labels, rows, found, strict=True)
        },
    }
