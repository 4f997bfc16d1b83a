"""Faces on which the raters disagree: no true class there, so a network is held against the raters' shares.

`probs` float [n,c], rows sum to 1; `shares` float [n,c], rows sum to 1: how the votes for these emotions are spread.
"""

from typing import Any

import numpy as np

from mien.evaluation.metrics import PROBS_FLOOR, calibration_gap
from mien.evaluation.runs import Answers


def disputed_rows(answers: Answers) -> np.ndarray:
    """Which rows the majority filter drops though more than half of their votes are for emotions, bool [n]."""
    votes = answers.votes.astype(int)
    return (answers.classes < 0) & (2 * votes[:, : answers.logits.shape[1]].sum(1) > votes.sum(1))


def vote_shares(votes: np.ndarray, classes: int) -> np.ndarray:
    """votes [n,10], each row with one for an emotion at least -> shares of the first `classes` columns."""
    counts = votes[:, :classes].astype(float)
    return counts / counts.sum(1, keepdims=True)


def agreement(probs: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Share of each face's votes that name what the network names, [n]."""
    return shares[np.arange(len(shares)), probs.argmax(1)]


def summarise_votes(probs: np.ndarray, shares: np.ndarray) -> dict[str, Any]:
    """n; agreement, and that of the votes' own first choice, the highest there is; loss, the mean cross-entropy against the
    shares in nats, and its floor, their own entropy; ece, the calibration error with agreement in place of right or wrong.
    """
    confidence, agreed = probs.max(1).astype(float), agreement(probs, shares)
    return {
        "n": len(probs),
        "agreement": float(agreed.mean()),
        "agreement_ceiling": float(shares.max(1).mean()),
        "loss": _cross_entropy(shares, probs),
        "loss_floor": _cross_entropy(shares, shares),
        "ece": calibration_gap(confidence, agreed),
    }


def _cross_entropy(shares: np.ndarray, probs: np.ndarray) -> float:
    return float(-(shares * np.log(np.maximum(probs.astype(float), PROBS_FLOOR))).sum(1).mean())
