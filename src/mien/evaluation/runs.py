"""A finished run as two small files, NAME-SEED.json and NAME-SEED.npz, from which every table and figure is drawn."""

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np

from mien.data.dataset import SPLITS, Dataset
from mien.data.own import OwnFaces
from mien.data.splits import leaking_rows
from mien.errors import DataError
from mien.evaluation.calibration import fit_temperature, prediction_set_threshold, softmax
from mien.evaluation.intervals import bootstrap
from mien.evaluation.metrics import summarise
from mien.evaluation.score import ALL, PROTOCOLS, label_mode
from mien.files import replaced_file

SCHEMA = 1
COVERAGE = 0.9
"""Share of validation faces whose prediction set must hold the true emotion."""


@dataclass(frozen=True)
class Answers:
    """What a network says of every row of one split, whether or not the scoring protocol keeps it, in the rows' order.

    logits: float [n,c]; classes: int [n], the true one, -1 where the protocol drops the row; leak_free: bool [n], for test;
    votes: uint8 [n,10], FER+'s, 0 where it does not name the row; whole: the protocol that all of `classes` are scored by.
    """

    logits: np.ndarray
    classes: np.ndarray
    leak_free: np.ndarray
    votes: np.ndarray
    whole: str = PROTOCOLS[0]

    def protocols(self) -> Iterator[tuple[str, np.ndarray]]:
        """Name and rows, bool [n], of each way to score them; only the test split has a leak-free part."""
        yield self.whole, self.classes >= 0
        if not self.leak_free.all():
            yield "leak-free", (self.classes >= 0) & self.leak_free


def run_name(recipe: str, seed: int) -> str:
    """What a run's folder and its files are named after."""
    return f"{recipe}-{seed}"


class Run(NamedTuple):
    """content: a run's JSON; answers: by split."""

    content: dict[str, Any]
    answers: dict[str, Answers]

    @property
    def name(self) -> str:
        return run_name(self.content["recipe"]["name"], self.content["seed"])


def answer(logits_of: Callable[[np.ndarray], np.ndarray], dataset: Dataset | OwnFaces, name: str, mode: str) -> Answers:
    """logits_of: images uint8 [n,48,48] -> logits float [n,c]; mode: `majority` or `fer2013` labels (score.label_mode).

    One's own faces have a label each, whatever the mode, no near copies that are known, and no votes.
    """
    if isinstance(dataset, OwnFaces):
        split = dataset.split(name)
        n = len(split.rows)
        return Answers(logits_of(split.images), split.targets.argmax(1), np.ones(n, bool), np.zeros((n, 10), np.uint8), ALL)
    rows = np.flatnonzero(dataset.faces.usage == SPLITS.index(name))
    split = dataset.split(name, mode)
    classes = np.full(len(rows), -1)
    classes[np.searchsorted(rows, split.rows)] = split.targets.argmax(1)
    votes = dataset.votes.counts[rows] * dataset.votes.named[rows, None]
    return Answers(logits_of(dataset.faces.images[rows]), classes, ~np.isin(rows, leaking_rows()), votes.astype(np.uint8))


def score_answers(answers: dict[str, Answers], labels: list[str]) -> dict[str, Any]:
    """temperature and set_threshold, fitted on validation, and scores: raw or calibrated -> split -> protocol -> summary.

    The calibrated ones have an `interval` (intervals.bootstrap).
    """
    valid = answers["valid"]
    kept = valid.classes >= 0
    temperature = fit_temperature(valid.logits[kept], valid.classes[kept])
    threshold = prediction_set_threshold(softmax(valid.logits[kept], temperature), valid.classes[kept], COVERAGE)

    def summary(split: Answers, rows: np.ndarray, divisor: float) -> dict[str, Any]:
        votes = split.votes[rows] if label_mode(labels) == "majority" and split.votes.any() else None
        return summarise(softmax(split.logits[rows], divisor), split.classes[rows], labels, threshold, votes)

    scores = {
        kind: {
            name: {protocol: summary(split, rows, divisor) for protocol, rows in split.protocols()}
            for name, split in answers.items()
        }
        for kind, divisor in (("raw", 1.0), ("calibrated", temperature))
    }
    for name, split in answers.items():
        for protocol, rows in split.protocols():
            found = bootstrap(softmax(split.logits[rows], temperature), split.classes[rows])
            scores["calibrated"][name][protocol]["interval"] = found
    return {"temperature": temperature, "set_threshold": threshold, "scores": scores}


def write_run(folder: Path, run: dict[str, Any], answers: dict[str, Answers]) -> Path:
    """Writes the run's two files, each whole or not at all, and returns the JSON's path. run: holds `recipe` and `seed`.

    Logits are kept as float16, less each row's largest, so that no rounding makes the most probable class another. Raises
    DataError where the folder cannot be written.
    """
    path = folder / f"{run_name(run['recipe']['name'], run['seed'])}.json"
    arrays = {f"{split}_{key}": value for split, found in answers.items() for key, value in _packed(found).items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replaced_file(path.with_suffix(".npz")) as partial, partial.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
        with replaced_file(path) as partial:
            partial.write_text(json.dumps({"schema": SCHEMA, **run}, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror}); choose another folder or make room.") from error
    return path


def read_run(path: Path) -> Run:
    """A run by the path of its JSON. Raises DataError for files that are missing, cut short or of another schema."""
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
        if run["schema"] != SCHEMA:
            raise DataError(f"{path}: has schema {run['schema']}, this version of mien reads {SCHEMA}; finish the run again.")
        with np.load(path.with_suffix(".npz")) as arrays:
            kept = run["scores"]["raw"].items()
            return Run(run, {split: _unpacked(split, arrays, next(iter(scores))) for split, scores in kept})
    except DataError:
        raise
    except (OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError, BadZipFile, zlib.error) as error:
        words = "is cut short or no run of mien with its .npz beside it"
        raise DataError(f"{path}: {words} ({type(error).__name__}: {error}); finish the run again with --resume.") from error


def _packed(answers: Answers) -> dict[str, np.ndarray]:
    logits = answers.logits - answers.logits.max(1, keepdims=True)
    return {"logits": logits.astype(np.float16), "classes": answers.classes.astype(np.int8),
            "leak_free": answers.leak_free, "votes": answers.votes}  # fmt: skip


def _unpacked(split: str, arrays: Any, whole: str) -> Answers:
    logits, classes, leak_free, votes = (arrays[f"{split}_{key}"] for key in ("logits", "classes", "leak_free", "votes"))
    return Answers(logits.astype(np.float32), classes.astype(int), leak_free, votes, whole)
