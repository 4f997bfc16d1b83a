"""Anything with `probs(crops)` against any faces: predictions first, then numbers by protocol."""

import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol
from zipfile import BadZipFile

import numpy as np

from mien.data.dataset import Dataset, Split
from mien.data.own import OwnFaces
from mien.data.splits import leak_free
from mien.emotions import EMOTIONS
from mien.errors import DataError
from mien.evaluation.intervals import bootstrap, compare
from mien.evaluation.metrics import accuracy, balanced_accuracy, confusion, recalls, summarise
from mien.files import replaced_file

PROTOCOLS = ("published", "leak-free")
"""All faces of a split, or those of the test split without a near copy in train or valid."""
FOUND, MISSING = "faces found", "no face counts as wrong"
"""How pictures are scored in some of which no face was found; ALL where there are none such."""
ALL = "all"
"""Of one's own faces: all of a split. No other work has published figures on them, and no near copies are known."""


class Predictor(Protocol):
    """crops: uint8 [n,48,48] -> probs float [n,c], rows sum to 1. Every engine is one."""

    def probs(self, crops: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Aligned:
    """A predictor with its columns in the order of EMOTIONS: all eight, or its first seven for a network without contempt.

    names: emotion of each of the predictor's columns; a class that it lacks gets 0.
    """

    predictor: Predictor
    names: tuple[str, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        return EMOTIONS if "contempt" in self.names else EMOTIONS[:-1]

    def probs(self, crops: np.ndarray) -> np.ndarray:
        return expand(self.predictor.probs(crops), self.names, self.labels)


def expand(probs: np.ndarray, names: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """probs [n,len(names)] with the columns of `labels`, which hold all of `names`; others are 0."""
    if tuple(names) == tuple(labels):
        return probs
    full = np.zeros((len(probs), len(labels)), probs.dtype)
    full[:, [labels.index(name) for name in names]] = probs
    return full


@dataclass(frozen=True)
class Predictions:
    """rows: int [n], rows of the CSV; probs: float32 [n,c]; classes: int [n], the true ones; flip: as in `score`.

    names: of pictures, whose rows are their numbers; none for the data set's faces.
    """

    rows: np.ndarray
    probs: np.ndarray
    classes: np.ndarray
    flip: bool = False
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """Faces that are scored together: a split of the data set, or the pictures of a folder.

    masks: protocol -> bool [n], the faces that it counts. votes: [n,10], FER+'s, if it has any. names: of pictures.
    missing: int [m], true classes of pictures in which no face was found.
    """

    name: str
    split: Split
    masks: Mapping[str, np.ndarray]
    votes: np.ndarray | None = None
    names: tuple[str, ...] = ()
    missing: np.ndarray | None = None


def label_mode(labels: Sequence[str]) -> str:
    """How faces are labelled for a network with these classes: FER+'s majority with contempt, else FER2013's own."""
    return "majority" if "contempt" in labels else "fer2013"


def score(predictor: Predictor, split: Split, flip: bool = False) -> Predictions:
    """The predictor's answer to each face of the split.

    flip: average with the answer to the mirrored face, which costs a second pass, and is stated in the result. Raises
    DataError where an answer is no number.
    """
    probs = predictor.probs(split.images)
    if flip:
        probs = (probs + predictor.probs(np.ascontiguousarray(split.images[:, :, ::-1]))) / 2
    if bad := int((~np.isfinite(probs)).any(1).sum()):
        raise DataError(
            f"the network's answers to {bad:,} of {len(probs):,} faces are no numbers; train it again at a lower learning "
            "rate, or correct the range in the model.json beside it."
        )
    return Predictions(split.rows, probs, split.targets.argmax(1), flip)


def split_part(dataset: Dataset | OwnFaces, name: str, labels: Sequence[str], protocols: Collection[str] = PROTOCOLS) -> Part:
    """One of the data set's splits, labelled for a network with these classes. Only test has a leak-free part.

    Of one's own faces all are scored together, by the one label that each has.
    """
    if isinstance(dataset, OwnFaces):
        own = dataset.split(name)
        return Part(name, own, {ALL: np.ones(len(own.rows), bool)})
    mode = label_mode(labels)
    split = dataset.split(name, mode)
    masks = {"published": np.ones(len(split.rows), bool)}
    if name == "test":
        masks["leak-free"] = leak_free(split)
    votes = dataset.votes.counts[split.rows] if mode == "majority" else None
    return Part(name, split, {key: mask for key, mask in masks.items() if key in protocols}, votes)


def pictures_part(crops: np.ndarray, classes: np.ndarray, names: Sequence[str], missing: np.ndarray) -> Part:
    """Faces from pictures. classes, names: of each crop; missing: true classes of the pictures without a face."""
    split = Split(crops, np.eye(len(EMOTIONS), dtype=np.float32)[classes], np.arange(len(classes)))
    masks = {FOUND if len(missing) else ALL: np.ones(len(classes), bool)}
    return Part("pictures", split, masks, names=tuple(names), missing=missing)


def score_part(predictor: Predictor, part: Part, flip: bool = False) -> Predictions:
    """`score` of the part's faces, with their names."""
    return replace(score(predictor, part.split, flip), names=part.names)


def summarise_part(
    part: Part, found: Predictions, labels: Sequence[str], set_threshold: float | None = None, intervals: bool = False
) -> dict[str, Any]:
    """`summarise` by protocol; intervals: each with its `interval` (intervals.bootstrap).

    Where pictures have no face there is a protocol more, with what can be said of them: n, accuracy, balanced accuracy and
    recall, all of them counted as wrong.
    """
    summaries = {}
    for protocol, mask in part.masks.items():
        probs, classes = found.probs[mask], found.classes[mask]
        votes = None if part.votes is None else part.votes[mask]
        summaries[protocol] = summarise(probs, classes, labels, set_threshold, votes)
        if intervals:
            summaries[protocol]["interval"] = bootstrap(probs, classes)
    if part.missing is not None and len(part.missing):
        summaries[MISSING] = _summarise_missing(found, part.missing, labels)
    return summaries


def _summarise_missing(found: Predictions, missing: np.ndarray, labels: Sequence[str]) -> dict[str, Any]:
    """As if the network had named a class of its own, `no face`."""
    none = np.zeros((len(missing), len(labels) + 1))
    none[:, -1] = 1
    probs = np.concatenate([np.pad(found.probs, ((0, 0), (0, 1))), none])
    classes = np.concatenate([found.classes, missing])
    rows, shares = confusion(probs, classes).sum(1), recalls(probs, classes)
    return {
        "n": len(classes),
        "accuracy": accuracy(probs, classes),
        "balanced_accuracy": balanced_accuracy(probs, classes),
        "recall": {
            label: {"n": int(rows[i]), "recall": float(shares[i]) if rows[i] else None} for i, label in enumerate(labels)
        },
    }


def compare_part(
    part: Part, found: Predictions, labels: Sequence[str], other: Predictions, other_labels: Sequence[str]
) -> dict[str, Any]:
    """`compare` by protocol, on the part's faces that both have answered. Labels as of `Aligned`.

    Raises DataError where there are none, or where the true classes are not the same.
    """
    key, other_key = (np.array(p.names) if p.names else p.rows for p in (found, other))
    _, here, there = np.intersect1d(key, other_key, return_indices=True)  # names and row numbers have none in common
    if not len(here):
        raise DataError(f"the two networks to compare have answered no face of {part.name} in common; score both on the same.")
    if (found.classes[here] != other.classes[there]).any():
        raise DataError(f"the two networks to compare were scored against different labels of {part.name}; score both anew.")
    columns = max(labels, other_labels, key=len)
    mine, theirs = expand(found.probs, labels, columns)[here], expand(other.probs, other_labels, columns)[there]
    masks = {protocol: mask[here] for protocol, mask in part.masks.items()}
    return {protocol: compare(mine[m], theirs[m], found.classes[here][m]) for protocol, m in masks.items() if m.any()}


def score_protocols(
    predictor: Predictor,
    dataset: Dataset | OwnFaces,
    name: str,
    labels: Sequence[str],
    protocols: Collection[str] = PROTOCOLS,
    flip: bool = False,
) -> tuple[Predictions, dict[str, Any]]:
    """Predictions for one of the data set's splits, and `summarise` of them by protocol.

    labels: the emotion of each column of the predictor's probs. One's own faces, which are few, with 95% intervals.
    """
    part = split_part(dataset, name, labels, protocols)
    predictions = score(predictor, part.split, flip)
    return predictions, summarise_part(part, predictions, labels, intervals=isinstance(dataset, OwnFaces))


def write_predictions(path: Path, predictions: Predictions, labels: Sequence[str]) -> None:
    """An .npz with rows, probs (float16), classes, flip, names, and labels, the emotion of each column; whole or not at all."""
    with replaced_file(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, rows=predictions.rows, probs=predictions.probs.astype(np.float16),
                            classes=predictions.classes, flip=predictions.flip,
                            names=np.array(predictions.names, str), labels=np.array(labels))  # fmt: skip


def read_predictions(path: Path) -> tuple[Predictions, tuple[str, ...]]:
    """What `write_predictions` wrote, and its labels. Raises DataError for another file, or one that is cut off."""
    try:
        with np.load(path) as stored:
            rows, probs, classes, names, labels = (stored[key] for key in ("rows", "probs", "classes", "names", "labels"))
            flip = bool(stored["flip"])
        if tuple(labels.tolist()) not in (EMOTIONS, EMOTIONS[:-1]) or probs.shape != (len(rows), len(labels)):
            raise ValueError(f"probs {list(probs.shape)} for {len(rows)} rows and {len(labels)} labels")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; expected predictions that `mien evaluate --out` wrote.") from None
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RuntimeError, BadZipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"{path}: is cut off or no predictions file of `mien evaluate --out` ({type(error).__name__}: {error})."
        ) from error
    return Predictions(rows, probs.astype(np.float32), classes, flip, tuple(names.tolist())), tuple(labels.tolist())
