"""Predictions and protocols, with predictors whose answers are known."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from mien.data.dataset import Dataset, Split
from mien.data.fer2013 import USAGE_COUNTS, Faces
from mien.data.ferplus import Votes
from mien.data.splits import leaking_rows
from mien.emotions import EMOTIONS, FER2013_EMOTIONS
from mien.errors import DataError
from mien.evaluation.intervals import bootstrap, compare
from mien.evaluation.metrics import held_out_rater_accuracy, summarise
from mien.evaluation.report import comparison_table, flatten, markdown, score_table
from mien.evaluation.score import (
    FOUND,
    MISSING,
    Aligned,
    Predictions,
    compare_part,
    label_mode,
    pictures_part,
    read_predictions,
    score,
    score_part,
    score_protocols,
    split_part,
    summarise_part,
    write_predictions,
)


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

    averaged = replace(averaged, probs=np.pad(averaged.probs, ((0, 0), (0, 5))))
    write_predictions(tmp_path / "p.npz", averaged, EMOTIONS[:7])
    with np.load(tmp_path / "p.npz") as stored:
        assert stored["probs"].dtype == np.float16
    read, labels = read_predictions(tmp_path / "p.npz")
    assert (read.rows.tolist(), read.probs.tolist(), read.classes.tolist()) == ([7, 9], averaged.probs.tolist(), [0, 0])
    assert (read.flip, read.names, labels) == (True, (), EMOTIONS[:7])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_answers_that_are_no_numbers_are_not_scored(value):
    split = Split(np.zeros((3, 48, 48), np.uint8), np.eye(3, 8, dtype=np.float32), np.arange(3))
    for flip in (False, True):
        with pytest.raises(DataError, match=r"answers to 3 of 3 faces are no numbers; train it again .* or correct the range"):
            score(Constant(1, value), split, flip)


@pytest.mark.parametrize("spoil", ["none", "cut", "other", "text", "array", "labels", "shape"])
def test_predictions_that_cannot_be_read_are_said(tmp_path, spoil):
    path = tmp_path / "p.npz"
    rows = 2 if spoil == "shape" else 3
    write_predictions(
        path, Predictions(np.arange(rows), np.eye(3, 8), np.arange(3)), list("abcdefgh") if spoil == "labels" else EMOTIONS
    )
    if spoil == "none":
        path.unlink()
    elif spoil == "cut":
        path.write_bytes(path.read_bytes()[:-30])
    elif spoil == "other":
        np.savez(path, rows=np.arange(3))
    elif spoil == "text":
        path.write_text("text")
    elif spoil == "array":
        np.save(path.open("wb"), np.eye(2))
    with pytest.raises(DataError, match="no such file" if spoil == "none" else "is cut off or no predictions file"):
        read_predictions(path)


def test_no_flipped_byte_gives_anything_but_an_error_of_ours(tmp_path):
    path = tmp_path / "p.npz"
    write_predictions(path, Predictions(np.arange(40), np.eye(40, 8), np.arange(40) % 8), EMOTIONS)
    whole, refused = path.read_bytes(), 0
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
        try:
            read_predictions(path)
        except DataError:
            refused += 1
    assert refused > len(whole) / 7 / 2


def test_columns_are_put_in_mien_s_order():
    ferlike = Aligned(Constant(3, 0.88, 7), FER2013_EMOTIONS)
    found = ferlike.probs(np.zeros((1, 48, 48), np.uint8))[0]
    assert ferlike.labels == EMOTIONS[:7]
    assert dict(zip(ferlike.labels, found.tolist(), strict=True)) == {
        name: pytest.approx(0.88 if name == "happiness" else 0.02) for name in ferlike.labels
    }
    four = Aligned(Constant(0, 0.7, 4), ("contempt", "neutral", "fear", "anger"))
    assert four.probs(np.zeros((1, 48, 48), np.uint8))[0] == pytest.approx([0.1, 0, 0, 0, 0.1, 0, 0.1, 0.7])


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


def test_a_part_is_summarised_with_raters_sets_and_intervals():
    dataset = planted([33_000, 33_001, 33_002], [0, 1, 1])
    part = split_part(dataset, "test", EMOTIONS)
    found = score_part(Constant(0, 0.6), part)
    summary = summarise_part(part, found, EMOTIONS, 0.5, intervals=True)["published"]
    votes = dataset.votes.counts[[33_000, 33_001, 33_002]]
    assert summary.pop("interval") == bootstrap(found.probs, found.classes)
    assert summary == summarise(found.probs, found.classes, EMOTIONS, 0.5, votes)
    assert summary["human_accuracy"] == held_out_rater_accuracy(votes) == 1
    assert split_part(dataset, "test", EMOTIONS[:7]).votes is None


def test_pictures_without_a_face_count_as_wrong_beside_those_found():
    part = pictures_part(
        np.zeros((4, 48, 48), np.uint8), np.array([0, 0, 1, 2]), ["a/1", "a/2", "b/1", "c/1"], np.array([0, 1])
    )
    summaries = summarise_part(part, score_part(Constant(0, 0.9), part), EMOTIONS)
    assert (summaries[FOUND]["n"], summaries[FOUND]["accuracy"]) == (4, 0.5)
    assert (summaries[MISSING]["n"], summaries[MISSING]["accuracy"]) == (6, pytest.approx(2 / 6))
    assert summaries[MISSING]["balanced_accuracy"] == pytest.approx((2 / 3 + 0 + 0) / 3)
    assert summaries[MISSING]["recall"]["neutral"] == {"n": 3, "recall": pytest.approx(2 / 3)}
    assert summaries[MISSING]["recall"]["contempt"] == {"n": 0, "recall": None}
    rows = {row[0]: row[1:] for row in score_table(flatten({"pictures": summaries}))}
    assert rows[""] == ["pictures, faces found", "pictures, no face counts as wrong"]
    assert rows["accuracy"] == ["0.5000", "0.3333"]
    assert rows["macro F1"][1] == "-"

    everything = pictures_part(part.split.images, np.array([0, 0, 1, 2]), part.names, np.array([], int))
    assert list(flatten({"pictures": summarise_part(everything, score_part(Constant(0, 0.9), everything), EMOTIONS)})) == [
        "pictures"
    ]


def draw(n: int, c: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(c), n)


def test_networks_are_compared_on_the_faces_that_both_answered():
    part = split_part(planted([33_000, 33_001, 33_002], [0, 1, 1]), "test", EMOTIONS)
    mine = Predictions(part.split.rows, draw(3, 8, 0), np.array([0, 1, 1]))
    theirs = Predictions(np.array([33_002, 40_000, 33_000]), draw(3, 7, 1), np.array([1, 0, 0]))
    found = compare_part(part, mine, EMOTIONS, theirs, EMOTIONS[:7])["published"]
    padded = np.pad(theirs.probs[[2, 0]], ((0, 0), (0, 1)))
    assert found == compare(mine.probs[[0, 2]], padded, np.array([0, 1]))

    with pytest.raises(DataError, match="no face of test in common"):
        compare_part(part, mine, EMOTIONS, Predictions(np.array([5]), draw(1, 8, 1), np.array([0])), EMOTIONS)
    with pytest.raises(DataError, match="no face of test in common"):
        compare_part(part, mine, EMOTIONS, Predictions(np.arange(3), draw(3, 8, 1), mine.classes, names=("a/1", "a/2", "b/3")),
                     EMOTIONS)  # fmt: skip
    with pytest.raises(DataError, match="against different labels of test"):
        compare_part(part, mine, EMOTIONS, Predictions(mine.rows, draw(3, 8, 1), np.array([0, 1, 2])), EMOTIONS)


def test_pictures_are_paired_by_name():
    crops = np.zeros((2, 48, 48), np.uint8)
    part = pictures_part(crops, np.array([0, 1]), ["a/1", "b/1"], np.array([], int))
    mine = Predictions(np.arange(2), draw(2, 8, 0), np.array([0, 1]), names=part.names)
    theirs = Predictions(np.arange(2), draw(2, 8, 1), np.array([1, 0]), names=("b/1", "a/1"))
    found = compare_part(part, mine, EMOTIONS, theirs, EMOTIONS)["all"]
    assert found == compare(mine.probs, theirs.probs[::-1], np.array([0, 1]))
    header, *rows = comparison_table(found, "mine", "theirs")
    assert header == ["", "mine", "theirs", "difference", "95% interval"]
    low, high = found["interval"]["log_loss"]
    values = (found["value"]["log_loss"], found["other"]["log_loss"])
    assert rows[2] == ["log loss (nats)", *(f"{value:.4f}" for value in values),
                       f"{found['difference']['log_loss']:+.4f}", f"{low:+.4f} to {high:+.4f}"]  # fmt: skip


def test_intervals_stand_below_their_scores():
    probs = draw(30, 8, 0)
    summary = {**summarise(probs, np.arange(30) % 8, EMOTIONS), "interval": bootstrap(probs, np.arange(30) % 8)}
    rows = score_table({"a": summary})
    below = rows[[row[0] for row in rows].index("log loss (nats)") + 1]
    low, high = summary["interval"]["log_loss"]
    assert below == ["  95% interval", f"{low:.4f} to {high:.4f}"]
    assert [row[0] for row in score_table({"a": summary}, per_class=False)] == [
        row[0] for row in rows if "recall of" not in row[0] and "precision of" not in row[0]
    ]


@pytest.mark.data
def test_the_published_sizes_come_out(dataset):
    _, scores = score_protocols(Constant(0, 0.9), dataset, "test", EMOTIONS)
    assert {name: found["n"] for name, found in scores.items()} == {"published": 3_153, "leak-free": 2_766}
    assert scores["published"]["accuracy"] == pytest.approx(1090 / 3153)
    assert {label: cell["n"] for label, cell in scores["published"]["recall"].items()} == dict(
        zip(EMOTIONS, (1090, 893, 396, 384, 273, 18, 83, 16), strict=True)
    )
