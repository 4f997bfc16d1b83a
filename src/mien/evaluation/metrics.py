"""What a network's probabilities are worth: pure functions over arrays.

Everywhere `probs` is float [n,c], rows sum to 1, and `classes` is int [n], the true class of each row, 0 to c-1.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mien.data.targets import majority
from mien.evaluation.calibration import set_coverage

ECE_BINS = 15
PROBS_FLOOR = 1e-12
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


def precisions(probs: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Share of the rows given each class that are of it, float [c]; nan for a class that no row is given."""
    counts = confusion(probs, classes)
    given = counts.sum(0)
    return np.where(given > 0, counts.diagonal() / np.maximum(given, 1), np.nan)


def f1_scores(probs: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Harmonic mean of precision and recall, float [c]: 0 for a class never found, nan for a class without rows."""
    counts = confusion(probs, classes)
    rows = counts.sum(1)
    return np.where(rows > 0, 2 * counts.diagonal() / np.maximum(rows + counts.sum(0), 1), np.nan)


def macro_f1(probs: np.ndarray, classes: np.ndarray) -> float:
    """Mean F1 over the classes that have rows."""
    return float(np.nanmean(f1_scores(probs, classes)))


def balanced_accuracy(probs: np.ndarray, classes: np.ndarray) -> float:
    """Mean recall over the classes that have rows, each class counting alike."""
    return float(np.nanmean(recalls(probs, classes)))


def log_loss(probs: np.ndarray, classes: np.ndarray) -> float:
    """Mean of -ln(probability of the true class), in nats."""
    true = probs[np.arange(len(probs)), classes].astype(float)
    return float(-np.log(np.maximum(true, PROBS_FLOOR)).mean())


def brier_score(probs: np.ndarray, classes: np.ndarray) -> float:
    """Mean over rows of the squared distance between probs and the true class's one-hot row, 0 to 2.

    Source: Brier 1950, Monthly Weather Review 78(1), eq. 2, which sums over all classes.
    """
    return float(((probs.astype(float) - np.eye(probs.shape[1])[classes]) ** 2).sum(1).mean())


def bin_of(shares: np.ndarray, bins: int = ECE_BINS) -> np.ndarray:
    """Which of the equally wide bins of 0 to 1 each share is in, int; one on an edge belongs to the bin below it."""
    return np.clip(np.ceil(shares * bins).astype(int) - 1, 0, bins - 1)


def expected_calibration_error(probs: np.ndarray, classes: np.ndarray, bins: int = ECE_BINS) -> float:
    """Mean over rows of |accuracy - confidence| in their bin of top probability, 0 to 1.

    Source: Guo et al. 2017, arXiv:1706.04599, eq. 3.
    """
    return calibration_gap(probs.max(1).astype(float), probs.argmax(1) == classes, bins)


def classwise_calibration_error(probs: np.ndarray, classes: np.ndarray, bins: int = ECE_BINS) -> float:
    """Mean over classes of the calibration error of that class's own probability against its rows, 0 to 1.

    Source: Kull et al. 2019, arXiv:1910.12656, eq. 2 (classwise-ECE).
    """
    columns = probs.astype(float).T
    return float(np.mean([calibration_gap(column, classes == c, bins) for c, column in enumerate(columns)]))


def calibration_gap(stated: np.ndarray, came_true: np.ndarray, bins: int = ECE_BINS) -> float:
    """Mean over rows of |stated - came true| in their bin of what was stated; both 0 to 1, [n]."""
    return float(np.abs(np.bincount(bin_of(stated, bins), came_true - stated, bins)).sum() / len(stated))


def raters_divergence(probs: np.ndarray, votes: np.ndarray) -> float:
    """Mean Kullback-Leibler divergence, in nats, from the raters' distribution to probs; 0 where they are the same.

    votes: [n,c or more], raters for each column of probs; further columns and rows without a vote for these do not count.
    """
    counts = votes[:, : probs.shape[1]].astype(float)
    named = counts.sum(1) > 0
    shares = counts[named] / counts[named].sum(1, keepdims=True)
    logs = np.log(np.maximum(shares, PROBS_FLOOR)) - np.log(np.maximum(probs[named].astype(float), PROBS_FLOOR))
    return float((shares * logs).sum(1).mean())


def held_out_rater_accuracy(votes: np.ndarray) -> float:
    """How often one rater names what the majority of the others names: the human line beside a network's accuracy.

    Exact: each rater of each face is held out once. The others' majority is data.targets.majority's, as for the network;
    faces of which it drops what the others say do not count for that rater. votes: [n,10], FER+'s ten columns.
    """
    right = counted = 0
    for column in range(votes.shape[1]):
        rows = votes[votes[:, column] > 0].astype(int)
        raters = rows[:, column].copy()
        rows[:, column] -= 1
        targets, kept = majority(rows)
        counted += int(raters[kept].sum())
        if column < targets.shape[1]:
            right += int(raters[targets[:, column] > 0].sum())
    return right / counted if counted else float("nan")


def summarise(
    probs: np.ndarray,
    classes: np.ndarray,
    labels: Sequence[str],
    set_threshold: float | np.ndarray | None = None,
    votes: np.ndarray | None = None,
) -> dict[str, Any]:
    """All of these by name, ready for JSON. labels: the emotion of each column; None for what has no rows to count.

    set_threshold: adds coverage and mean size of the prediction sets at it (calibration.set_coverage). votes: [n,10], adds
    the raters' divergence and the accuracy of a held-out rater.
    """
    rows = np.bincount(classes, minlength=len(labels))
    found = recalls(probs, classes)
    summary = {
        "n": len(probs),
        "accuracy": accuracy(probs, classes),
        "balanced_accuracy": balanced_accuracy(probs, classes),
        "macro_f1": macro_f1(probs, classes),
        "log_loss": log_loss(probs, classes),
        "brier": brier_score(probs, classes),
        "ece": expected_calibration_error(probs, classes),
        "classwise_ece": classwise_calibration_error(probs, classes),
        "recall": {
            label: {"n": int(n), "recall": float(recall) if n else None}
            for label, n, recall in zip(labels, rows, found, strict=True)
        },
        "precision": _by_label(labels, precisions(probs, classes)),
        "f1": _by_label(labels, f1_scores(probs, classes)),
    }
    if set_threshold is not None:
        coverage, size = set_coverage(probs, classes, set_threshold)
        summary |= {"set_coverage": coverage, "set_size": size}
    if votes is not None:
        summary |= {"raters_kl": raters_divergence(probs, votes), "human_accuracy": held_out_rater_accuracy(votes)}
    return summary


def _by_label(labels: Sequence[str], values: np.ndarray) -> dict[str, float | None]:
    return {label: None if np.isnan(value) else float(value) for label, value in zip(labels, values, strict=True)}
