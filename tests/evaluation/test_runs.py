"""A finished run on disk: what is scored, and that it comes back as it was written."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.metrics import accuracy_score, log_loss

from mien.data import splits
from mien.data.dataset import Dataset
from mien.data.fer2013 import Faces
from mien.data.ferplus import Votes
from mien.emotions import EMOTIONS
from mien.errors import DataError
from mien.evaluation import runs
from mien.evaluation.runs import Answers, answer, read_run, score_answers, write_run

LABELS = list(EMOTIONS)


def planted(n: int = 60) -> Dataset:
    """Train, valid and test in turns; every fourth row without a majority; the pixels give the logits away."""
    draw = np.random.default_rng(0)
    usage = np.arange(n) % 3
    counts = 10 * np.eye(10, dtype=np.uint8)[draw.integers(0, 8, n)]
    counts[::4] = [3, 3, 2, 2, 0, 0, 0, 0, 0, 0]
    faces = Faces(draw.integers(0, 256, (n, 48, 48), np.uint8), draw.integers(0, 7, n), usage)
    return Dataset(faces, Votes(counts, usage, np.ones(n, bool)), {"a": "b"})


def logits_of(images: np.ndarray) -> np.ndarray:
    return images[:, 0, :8].astype(np.float32) / 33


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Answers]:
    monkeypatch.setattr(runs, "leaking_rows", lambda: np.array([2, 5, 59]))
    return {name: answer(logits_of, planted(), name, "majority") for name in ("valid", "test")}


def test_every_row_is_answered_and_those_that_the_protocol_drops_are_marked(answers: dict[str, Answers]) -> None:
    dataset = planted()
    for name, at in (("valid", 1), ("test", 2)):
        rows = np.arange(at, 60, 3)
        np.testing.assert_allclose(answers[name].logits, logits_of(dataset.faces.images[rows]), rtol=1e-3)
        expected = [-1 if row % 4 == 0 else dataset.votes.counts[row].argmax() for row in rows]
        assert answers[name].classes.tolist() == expected
        np.testing.assert_array_equal(answers[name].votes, dataset.votes.counts[rows])
    assert np.flatnonzero(~answers["test"].leak_free).tolist() == [0, 1, 19]
    assert [name for name, _ in answers["valid"].protocols()] == ["published"]


def test_scores_are_scikit_learns_raw_and_calibrated_by_protocol(answers: dict[str, Answers]) -> None:
    found = score_answers(answers, LABELS)
    test = answers["test"]
    for protocol, rows in (("published", test.classes >= 0), ("leak-free", (test.classes >= 0) & test.leak_free)):
        for kind, divisor in (("raw", 1.0), ("calibrated", found["temperature"])):
            probs = np.exp(log_softmax(test.logits[rows].astype(float) / divisor, 1))
            summary = found["scores"][kind]["test"][protocol]
            assert summary["n"] == rows.sum()
            assert summary["accuracy"] == pytest.approx(accuracy_score(test.classes[rows], probs.argmax(1)))
            assert summary["log_loss"] == pytest.approx(log_loss(test.classes[rows], probs, labels=range(8)))
    losses = [found["scores"][kind]["valid"]["published"]["log_loss"] for kind in ("raw", "calibrated")]
    assert losses[1] < losses[0]


def test_a_run_comes_back_as_it_was_written(answers: dict[str, Answers], tmp_path: Path) -> None:
    run = {"recipe": {"name": "tiny"}, "seed": 3, **score_answers(answers, LABELS)}
    path = write_run(tmp_path / "results", run, answers)
    assert sorted(file.name for file in path.parent.iterdir()) == ["tiny-3.json", "tiny-3.npz"]
    found, back = read_run(path)
    assert found == {"schema": 1, **run}
    for name in answers:
        probs = [np.exp(log_softmax(found.logits.astype(float), 1)) for found in (back[name], answers[name])]
        np.testing.assert_allclose(*probs, atol=1e-3)
        np.testing.assert_array_equal(back[name].logits.argmax(1), answers[name].logits.argmax(1))
        np.testing.assert_array_equal(back[name].classes, answers[name].classes)
        np.testing.assert_array_equal(back[name].leak_free, answers[name].leak_free)
        np.testing.assert_array_equal(back[name].votes, answers[name].votes)


def test_a_face_between_two_emotions_keeps_its_own_in_the_file(answers: dict[str, Answers], tmp_path: Path) -> None:
    logits = np.full((20, 8), 7.0, np.float32)
    logits[np.arange(20), np.arange(20) % 8] += 0.0009  # less than float16 tells apart there
    close = {name: Answers(logits, *(getattr(found, key) for key in ("classes", "leak_free", "votes")))
             for name, found in answers.items()}  # fmt: skip
    path = write_run(tmp_path, {"recipe": {"name": "a"}, "seed": 0, **score_answers(close, LABELS)}, close)
    assert read_run(path)[1]["test"].logits.argmax(1).tolist() == [row % 8 for row in range(20)]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.write_text(path.read_text()[:100]), "cut short"),
        (lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 9})), "has schema 9"),
        (lambda path: path.write_text("[]"), "no run of mien"),
        (lambda path: path.with_suffix(".npz").unlink(), "cut short"),
        (lambda path: path.with_suffix(".npz").write_bytes(path.with_suffix(".npz").read_bytes()[:200]), "cut short"),
        (lambda path: path.unlink(), "no run of mien"),
    ],
)
def test_a_spoilt_run_is_said_to_be(spoil, words: str, answers: dict[str, Answers], tmp_path: Path) -> None:
    path = write_run(tmp_path, {"recipe": {"name": "a"}, "seed": 0, **score_answers(answers, LABELS)}, answers)
    spoil(path)
    with pytest.raises(DataError, match=words) as error:
        read_run(path)
    assert "finish the run again" in str(error.value)


def test_a_folder_that_cannot_be_written_is_said_and_the_old_run_is_still_there(
    answers: dict[str, Answers], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = {"recipe": {"name": "a"}, "seed": 0, **score_answers(answers, LABELS)}
    path = write_run(tmp_path, run, answers)
    before = path.read_bytes()

    def full(*arguments: object, **more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(DataError, match="No space left on device"):
        write_run(tmp_path, {**run, "seed": 0, "epoch": 9}, answers)
    assert path.read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a-0.json", "a-0.npz"]


def test_leaking_rows_are_the_frozen_ones() -> None:
    assert runs.leaking_rows is splits.leaking_rows
