"""From ten raters' votes to a training target: the four modes of the FER+ paper, with its reference code's thresholds.

In every mode a count of one is an outlier and becomes zero first. A row that a mode cannot use is not kept; its target is 0.
Source: arXiv:1608.01041, section 4.
"""

from collections.abc import Callable

import numpy as np

from mien.emotions import EMOTIONS

CLASSES = len(EMOTIONS)

Target = tuple[np.ndarray, np.ndarray]
"""targets float32 [n,8], and kept bool [n]."""


def majority(votes: np.ndarray) -> Target:
    """One-hot target of the emotion that more than half of the votes name. votes: [n,10]."""
    counts = _without_outliers(votes)
    top = counts.argmax(1)
    kept = (counts.max(1) > 0.5 * counts.sum(1)) & (top < CLASSES)
    return np.eye(counts.shape[1], dtype=np.float32)[top, :CLASSES] * kept[:, None], kept


def distribution(votes: np.ndarray) -> Target:
    """The top counts until they hold 75% of the votes, at most three classes, normalised. votes: [n,10].

    Equal counts are taken together; taking stops at unknown or no-face, which are left out if an emotion stands before
    them. A row is dropped if half or less is held, if more than three classes tie in, or if the first is no emotion.
    The reference code calls this mode "crossentropy".
    """
    counts = _without_outliers(votes)
    total = counts.sum(1)
    taken = np.zeros_like(counts)
    classes = np.zeros(len(counts), int)
    open_ = np.ones(len(counts), bool)
    for _ in range(3):
        going = open_ & (taken.sum(1) < 0.75 * total) & (classes < 3)
        level = counts.max(1)
        for column in range(counts.shape[1]):
            hit = going & open_ & (counts[:, column] == level)
            taken[hit, column] = level[hit]
            counts[hit, column] = 0
            classes += hit
            if column >= CLASSES:
                open_ &= ~hit
                behind = hit & (taken.sum(1) > level)
                taken[behind, column] = 0
                classes -= behind
    kept = (taken.sum(1) > 0.5 * total) & (classes <= 3) & (taken.argmax(1) < CLASSES)
    return _normalised(taken, kept)


def multi_target(votes: np.ndarray) -> Target:
    """Every emotion with 30% of the votes or more, as equal shares. votes: [n,10].

    Dropped if these classes hold half of the votes or less, or if the strongest is no emotion.
    """
    counts = _without_outliers(votes)
    total = counts.sum(1)
    taken = np.where(counts >= 0.3 * total[:, None], counts, 0)
    kept = (taken.sum(1) > 0.5 * total) & (taken.argmax(1) < CLASSES)
    return _normalised(taken > 0, kept)


TARGETS: dict[str, Callable[[np.ndarray], Target]] = {
    "majority": majority,
    "distribution": distribution,
    "sampled": distribution,  # the label is drawn from it anew each time the face is shown
    "multi_target": multi_target,
}


def _without_outliers(votes: np.ndarray) -> np.ndarray:
    return np.where(votes > 1, votes, 0).astype(int)


def _normalised(taken: np.ndarray, kept: np.ndarray) -> Target:
    emotions = taken[:, :CLASSES] * kept[:, None]
    return (emotions / np.maximum(emotions.sum(1, keepdims=True), 1)).astype(np.float32), kept
