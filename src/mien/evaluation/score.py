"""Anything with `probs(crops)` against any split: predictions first, then numbers by protocol."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from mien.data.dataset import Dataset, Split
from mien.data.splits import leak_free
from mien.evaluation.metrics import summarise

PROTOCOLS = ("published", "leak-free")
"""All faces of a split, or those of the test split without a near copy in train or valid."""


class Predictor(Protocol):
    """crops: uint8 [n,48,48] -> probs float [n,c], rows sum to 1. Every engine is one."""

    def probs(self, crops: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Predictions:
    """rows: int [n], rows of the CSV; probs: float32 [n,c]; classes: int [n], the true ones; flip: as in `score`."""

    rows: np.ndarray
    probs: np.ndarray
    classes: np.ndarray
    flip: bool = False


def label_mode(labels: Sequence[str]) -> str:
    """How faces are labelled for a network with these classes: FER+'s majority with contempt, else FER2013's own."""
    return "majority" if "contempt" in labels else "fer2013"


def score(predictor: Predictor, split: Split, flip: bool = False) -> Predictions:
    """The predictor's answer to each face of the split.

    flip: average with the answer to the mirrored face, which costs a second pass, and is stated in the result.
    """
    probs = predictor.probs(split.images)
    if flip:
        probs = (probs + predictor.probs(np.ascontiguousarray(split.images[:, :, ::-1]))) / 2
    return Predictions(split.rows, probs, split.targets.argmax(1), flip)


def score_protocols(
    predictor: Predictor,
    dataset: Dataset,
    name: str,
    labels: Sequence[str],
    protocols: Collection[str] = PROTOCOLS,
    flip: bool = False,
) -> tuple[Predictions, dict[str, Any]]:
    """Predictions for one of the data set's splits, and `summarise` of them by protocol.

    labels: the emotion of each column of the predictor's probs. Train and valid have no leak-free part.
    """
    split = dataset.split(name, label_mode(labels))
    predictions = score(predictor, split, flip)
    masks = {"published": np.ones(len(split.rows), bool)}
    if name == "test":
        masks["leak-free"] = leak_free(split)
    return predictions, {
        protocol: summarise(predictions.probs[mask], predictions.classes[mask], labels)
        for protocol, mask in masks.items()
        if protocol in protocols
    }


def write_predictions(path: Path, predictions: Predictions) -> None:
    """An .npz with rows, probs (float16), classes and flip."""
    np.savez_compressed(path, rows=predictions.rows, probs=predictions.probs.astype(np.float16),
                        classes=predictions.classes, flip=predictions.flip)  # fmt: skip
