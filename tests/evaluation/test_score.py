"""Predictions and protocols, with predictors whose answers are known."""

from dataclasses import dataclass

import numpy as np
import pytest

from mien.data.dataset import Dataset, Split
from mien.data.fer2013 import USAGE_COUNTS, Faces
from mien.data.ferplus import Votes
from mien.data.splits import leaking_rows
from mien.emotions import EMOTIONS
from mien.evaluation.report import flatten, markdown, score_table
from mien.evaluation.score import label_mode, score, score_protocols, write_predictions


class LeftIsZero:
    """Class 0 with the share of light that falls on the left half."""

    def probs(self, crops: np.ndarray) -> np.ndarray:
        light = crops.astype(np.float32).sum(1)
        left = light[:, :24].sum(1) / light.sum(1)
        return np.stack([left, 1 - left], 1)


@dataclass
class Constant:
    """Always the same class, with this much confidence."""

    column: int
    confidence: float
    classes: int = 8

    def probs(self, crops: np.ndarray) -> np.ndarray:
        row = np.full(self.classes, (1 - self.confidence) / (self.classes - 1), np.float32)
        row[self.column] = self.confidence
        return np.tile(row, (len(crops), 1))


def planted(test_rows: list[int], test_classes: list[int]) -> Dataset:
    """A data set of the published size in which only these test rows have votes: ten for one emotion each."""
    usage = np.repeat(np.arange(3, dtype=np.uint8), USAGE_COUNTS)
    counts = np.zeros((len(usage), 10), np.uint8)
    counts[test_rows, test_classes] = 10
    named = counts.any(1)
    images = np.zeros((len(usage), 48, 48), np.uint8)
    return Dataset(Faces(images, np.full(len(usage), 6, np.uint8), usage), Votes(counts, usage, named), {})


def test_predictions_keep_rows_and_true_classes(tmp_path):
    images = np.zeros((2, 48, 48), np.uint8)
    images[0, :, :12] = images[1, :, 36:] = 200
    split = Split(images, np.array([[1, 0], [1, 0]], np.float32), np.array([7, 9]))
    found = score(LeftIsZero(), split)
    assert found.probs.tolist() == [[1, 0], [0, 1]]
    assert (found.rows.tolist(), found.classes.tolist(), found.flip) == ([7, 9], [0, 0], False)

    averaged = score(LeftIsZero(), split, flip=True)
    assert averaged.probs.tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert averaged.flip

    write_predictions(tmp_path / "p.npz", averaged)
    with np.load(tmp_path / "p.npz") as stored:
        assert stored["probs"].dtype == np.float16
        assert stored["rows"].tolist() == [7, 9]
        assert bool(stored["flip"])


def test_leak_free_leaves_out_the_frozen_rows_of_test_alone():
    leaking = leaking_rows()[:2].tolist()
    clean = [row for row in range(33_000, 33_100) if row not in set(leaking_rows().tolist())][:3]
    dataset = planted(leaking + clean, [0, 1, 0, 1, 1])
    _, scores = score_protocols(Constant(0, 0.9), dataset, "test", EMOTIONS)
    assert (scores["published"]["n"], scores["published"]["accuracy"]) == (5, pytest.approx(2 / 5))
    assert (scores["leak-free"]["n"], scores["leak-free"]["accuracy"]) == (3, pytest.approx(1 / 3))
    assert list(score_protocols(Constant(0, 0.9), dataset, "test", EMOTIONS, ["leak-free"])[1]) == ["leak-free"]


def test_seven_classes_are_scored_on_fer2013s_own_labels():
    dataset = planted([33_000], [1])  # every FER2013 label planted is 6, neutral
    predictions, scores = score_protocols(Constant(0, 0.9, 7), dataset, "valid", EMOTIONS[:7])
    assert (scores["published"]["n"], scores["published"]["accuracy"]) == (3_589, 1.0)
    assert predictions.probs.shape == (3_589, 7)
    assert (label_mode(EMOTIONS[:7]), label_mode(EMOTIONS)) == ("fer2013", "majority")


def test_table_shows_each_number_with_its_faces():
    _, scores = score_protocols(Constant(0, 0.9), planted([33_000, 33_001], [0, 1]), "test", EMOTIONS)
    rows = score_table(flatten({"test": scores, "valid": {"published": scores["published"]}}, "int8 "))
    assert rows[0] == ["", "int8 test, published", "int8 test, leak-free", "int8 valid"]
    table = {row[0]: row[1] for row in rows[1:]}
    assert table["accuracy"] == "0.5000"
    assert table["recall of neutral (faces)"] == "1.000 (1)"
    assert table["recall of fear (faces)"] == "- (0)"
    assert markdown([["a", "b"], ["1", "2"]]) == "| a | b |\n| --- | ---: |\n| 1 | 2 |"


@pytest.mark.data
def test_the_published_sizes_come_out(dataset):
    _, scores = score_protocols(Constant(0, 0.9), dataset, "test", EMOTIONS)
    assert {name: found["n"] for name, found in scores.items()} == {"published": 3_153, "leak-free": 2_766}
    assert scores["published"]["accuracy"] == pytest.approx(1090 / 3153)
    assert {label: cell["n"] for label, cell in scores["published"]["recall"].items()} == dict(
        zip(EMOTIONS, (1090, 893, 396, 384, 273, 18, 83, 16), strict=True)
    )
