"""Why this face? What each part of the crop does for each emotion: occlusion maps (Zeiler and Fergus 2013, arXiv:1311.2901)."""

from collections.abc import Callable
from functools import cache

import numpy as np

from mien.emotions import EMOTIONS
from mien.inference.crop import SIDE_PX
from mien.results import Explanation

SIDES_PX = (8, 12, 16)
"""Of the squares that cover part of the crop: each steps by half its side, from half outside to half outside."""
PROBS_FLOOR = 1e-9
"""Probabilities below it count as it."""
Classify = Callable[[np.ndarray], np.ndarray]
"""Crops, uint8 [n,48,48], to probabilities [n,8] over EMOTIONS."""


def explain_crop(crop: np.ndarray, classify: Classify) -> Explanation:
    """How far each emotion's log-odds fall where the crop, uint8 [48,48], is covered by its own mean grey.

    Odds, since a probability of nearly 1 hardly moves. A pixel's value is the mean over the four squares of a size that cover
    it, then over the sizes: 299 covered crops in one batch, and the crop itself.
    """
    masks = [_squares(side) for side in SIDES_PX]
    covered = np.where(np.concatenate(masks), np.uint8(round(crop.mean())), crop)
    probs = classify(np.concatenate([crop[None], covered]))
    odds = _log_odds(probs)
    drops = np.split(odds[0] - odds[1:], np.cumsum([len(group) for group in masks])[:-1])
    maps = np.mean([_mean_over_covering(group, drop) for group, drop in zip(masks, drops, strict=True)], 0).astype(np.float32)
    return Explanation(crop, dict(zip(EMOTIONS, probs[0].tolist(), strict=True)), dict(zip(EMOTIONS, maps, strict=True)))


@cache
def _squares(side: int) -> np.ndarray:
    """bool [n,48,48]: where each square of this side lies."""
    starts = np.arange(-side // 2, SIDE_PX - side // 2 + 1, side // 2)
    covers = (np.arange(SIDE_PX) >= starts[:, None]) & (np.arange(SIDE_PX) < starts[:, None] + side)
    return (covers[:, None, :, None] & covers[None, :, None, :]).reshape(-1, SIDE_PX, SIDE_PX)


def _log_odds(probs: np.ndarray) -> np.ndarray:
    """[n,8], in nats. What is left of 1 is the sum of the others, exact where one is nearly 1."""
    probs = np.maximum(probs.astype(float), PROBS_FLOOR)
    return np.log(probs) - np.log(probs.sum(1, keepdims=True) - probs)


def _mean_over_covering(masks: np.ndarray, drops: np.ndarray) -> np.ndarray:
    """masks: bool [n,48,48]; drops: [n,8] -> [8,48,48]."""
    return np.tensordot(drops.T, masks.astype(np.float32), 1) / masks.sum(0)
