"""How sure a score is: bootstrap intervals, and two networks compared on the same faces.

`probs`, `classes` as in metrics. A resample draws as many rows as there are, with replacement; every metric here depends on a
resample through sums over its rows alone, so that all resamples are one matrix product.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from mien.evaluation.metrics import ECE_BINS, PROBS_FLOOR, bin_of

LEVEL = 0.95
RESAMPLES = 2000
SEED = 0
CHUNK = 50  # resamples at a time

Parts = tuple[np.ndarray, Callable[[np.ndarray, int], np.ndarray]]
"""What a metric sums, float [n,k], and the metric of such sums [r,k] over n rows, float [r]."""


def _accuracy(probs: np.ndarray, classes: np.ndarray) -> Parts:
    return (probs.argmax(1) == classes)[:, None], lambda sums, n: sums[:, 0] / n


def _balanced_accuracy(probs: np.ndarray, classes: np.ndarray) -> Parts:
    true = np.eye(probs.shape[1])[classes]
    found = true * (probs.argmax(1) == classes)[:, None]

    def mean_recall(sums: np.ndarray, n: int) -> np.ndarray:
        right, rows = np.split(sums, 2, axis=1)
        return (right / np.maximum(rows, 1)).sum(1) / (rows > 0).sum(1)

    return np.hstack([found, true]), mean_recall


def _log_loss(probs: np.ndarray, classes: np.ndarray) -> Parts:
    true = probs[np.arange(len(probs)), classes].astype(float)
    return -np.log(np.maximum(true, PROBS_FLOOR))[:, None], lambda sums, n: sums[:, 0] / n


def _ece(probs: np.ndarray, classes: np.ndarray) -> Parts:
    confidence = probs.max(1).astype(float)
    excess = (probs.argmax(1) == classes) - confidence
    return np.eye(ECE_BINS)[bin_of(confidence)] * excess[:, None], lambda sums, n: np.abs(sums).sum(1) / n


METRICS = {"accuracy": _accuracy, "balanced_accuracy": _balanced_accuracy, "log_loss": _log_loss, "ece": _ece}


def bootstrap(probs: np.ndarray, classes: np.ndarray, resamples: int = RESAMPLES, seed: int = SEED) -> dict[str, Any]:
    """The percentile interval [low, high] of each of METRICS, and `level`, `resamples` and `seed`, ready for JSON.

    Source: Efron 1979, Annals of Statistics 7(1). A resample without a class takes balanced accuracy over the others.
    """
    values = _resampled([probs], classes, resamples, seed)[0]
    return {**_intervals(values), "level": LEVEL, "resamples": resamples, "seed": seed}


def compare(
    probs: np.ndarray, others: np.ndarray, classes: np.ndarray, resamples: int = RESAMPLES, seed: int = SEED
) -> dict[str, Any]:
    """Two networks on the same rows, ready for JSON.

    `value`, `other` and `difference` (value less other) of each of METRICS; `interval` of the difference, by resampling
    rows for both at once; `only_right` and `only_other_right`, rows that one network alone names rightly; `mcnemar_p`.
    """
    rows = np.ones((1, len(classes)))
    value, other = ({name: float(_values(part, rows)[0]) for name, part in _parts(p, classes)} for p in (probs, others))
    mine, theirs = _resampled([probs, others], classes, resamples, seed)
    right, other_right = probs.argmax(1) == classes, others.argmax(1) == classes
    only, only_other = int((right & ~other_right).sum()), int((other_right & ~right).sum())
    return {
        "n": len(classes),
        "value": value,
        "other": other,
        "difference": {name: value[name] - other[name] for name in METRICS},
        "interval": _intervals({name: mine[name] - theirs[name] for name in METRICS}),
        "only_right": only,
        "only_other_right": only_other,
        "mcnemar_p": mcnemar(only, only_other),
        "level": LEVEL,
        "resamples": resamples,
        "seed": seed,
    }


def mcnemar(only_right: int, only_other_right: int) -> float:
    """Exact two-sided p of so uneven a split of the rows that one network alone gets right, if both were equally good.

    Twice the smaller tail of a binomial with probability one half, at most 1. Source: McNemar 1947, Psychometrika 12(2).
    """
    n, k = only_right + only_other_right, min(only_right, only_other_right)
    ways, tail = 1, 0
    for i in range(k + 1):
        tail += ways
        ways = ways * (n - i) // (i + 1)
    return min(1.0, 2 * tail / 2**n)


def _parts(probs: np.ndarray, classes: np.ndarray) -> Iterator[tuple[str, Parts]]:
    return ((name, parts(probs, classes)) for name, parts in METRICS.items())


def _values(part: Parts, weights: np.ndarray) -> np.ndarray:
    summed, metric = part
    return metric(weights @ summed, weights.shape[1])


def _resampled(networks: list[np.ndarray], classes: np.ndarray, resamples: int, seed: int) -> list[dict[str, np.ndarray]]:
    """For each network's probs, each metric of every resample, float [resamples]; all see the same resamples."""
    parts = [dict(_parts(probs, classes)) for probs in networks]
    found: list[dict[str, list[np.ndarray]]] = [{name: [] for name in METRICS} for _ in networks]
    for weights in _resample(len(classes), resamples, seed):
        for part, values in zip(parts, found, strict=True):
            for name in METRICS:
                values[name].append(_values(part[name], weights))
    return [{name: np.concatenate(chunks) for name, chunks in values.items()} for values in found]


def _resample(n: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """How often each row stands in each resample, float [CHUNK,n] at a time."""
    rng = np.random.default_rng(seed)
    for start in range(0, resamples, CHUNK):
        size = min(CHUNK, resamples - start)
        rows = rng.integers(n, size=(size, n)) + n * np.arange(size)[:, None]
        yield np.bincount(rows.ravel(), minlength=size * n).reshape(size, n).astype(float)


def _intervals(values: dict[str, np.ndarray]) -> dict[str, list[float]]:
    tail = 50 * (1 - LEVEL)
    return {name: np.percentile(found, [tail, 100 - tail]).tolist() for name, found in values.items()}
