"""A refitted bundle: the planted temperature comes back, in every file, and what is said of it is true."""

import hashlib
import json

import numpy as np
import pytest
from drawn import draw_faces

from mien import EMOTIONS
from mien.errors import DataError, UsageError
from mien.evaluation.calibration import set_coverage, softmax
from mien.evaluation.metrics import summarise
from mien.export import recalibrate as module
from mien.export.recalibrate import flat_logits, recalibrate
from mien.inference.engines import build_engine
from mien.inference.weights import FILES, load_bundle

PLANTED = 2.0
ABOUT = {"folder": "planted", "sha256": "00"}


def label(logits: np.ndarray, temperature: float, seed: int = 0) -> list[str]:
    """Emotions drawn with the probabilities that the logits state at this temperature."""
    drawn = np.random.default_rng(seed).random((len(logits), 1))
    return [EMOTIONS[i] for i in (softmax(logits, temperature).cumsum(1) > drawn).argmax(1)]


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    return draw_faces(900, 5)


@pytest.fixture(scope="module")
def emotions(faces) -> list[str]:
    return label(flat_logits(load_bundle("mien").path("litert").read_bytes(), faces), PLANTED)


@pytest.fixture(scope="module")
def refitted(faces, emotions, tmp_path_factory):
    folder = tmp_path_factory.mktemp("refitted") / "new"
    absent = set(EMOTIONS) - set(emotions)
    return recalibrate(load_bundle("mien"), faces, emotions, ABOUT, folder, "there", absent)


def test_logits_are_those_of_the_probabilities(faces):
    bundle = load_bundle("mien")
    logits = flat_logits(bundle.path("litert").read_bytes(), faces[:40])
    assert softmax(logits) == pytest.approx(build_engine(bundle).probs(faces[:40]), abs=1e-5)


def test_the_planted_temperature_comes_back_in_every_file(refitted, faces):
    old = load_bundle("mien")
    factor = refitted.meta["temperature"] / old.meta["temperature"]
    assert factor == pytest.approx(PLANTED, rel=0.15)
    for engine in FILES:
        before, after = (build_engine(bundle, engine, 1).probs(faces[:100]) for bundle in (old, refitted))
        assert after == pytest.approx(softmax(np.log(np.maximum(before, 1e-30)), factor), abs=1e-5)
        assert (after.argmax(1) == before.argmax(1)).all()


def test_model_json_states_files_data_and_where_it_came_from(refitted, emotions):
    meta, old = refitted.meta, load_bundle("mien").meta
    assert sorted(path.name for path in refitted.folder.iterdir()) == sorted([*FILES.values(), "model.json", "CARD.md"])
    assert {file: hashlib.sha256((refitted.folder / file).read_bytes()).hexdigest() for file in FILES.values()} == meta["files"]
    assert (meta["name"], meta["seed"], meta["commit"], meta["labels"]) == ("there", 0, old["commit"], list(EMOTIONS))
    assert {"scores", "parity", "prediction_sets"} & json.loads((refitted.folder / "model.json").read_text()).keys() == set()
    found = meta["calibration"]
    assert found["data"] == {**ABOUT, "n": 900}
    assert found["base"] == {"name": "mien", "sha256": old["files"]["model.tflite"],
                             "temperature": old["temperature"], "set_threshold": old["set_threshold"]}  # fmt: skip
    assert found["without"] == sorted(set(EMOTIONS) - set(emotions))


def test_before_is_the_old_bundle_and_after_is_near_what_was_planted(refitted, faces, emotions):
    classes = np.array([EMOTIONS.index(emotion) for emotion in emotions])
    old = load_bundle("mien")
    before, after = (refitted.meta["calibration"][way] for way in ("before", "after"))
    expected = summarise(build_engine(old).probs(faces), classes, EMOTIONS, old.meta["set_threshold"])
    assert {key: before[key] for key in ("accuracy", "set_coverage", "n")} == {
        key: pytest.approx(expected[key]) for key in ("accuracy", "set_coverage", "n")
    }
    assert before["log_loss"] == pytest.approx(expected["log_loss"], abs=1e-4)
    truth = softmax(np.log(np.maximum(build_engine(old).probs(faces), 1e-30)), PLANTED)
    assert after["log_loss"] == pytest.approx(-np.log(truth[np.arange(900), classes]).mean(), abs=0.01)
    assert after["log_loss"] < before["log_loss"]
    assert after["set_coverage"] == pytest.approx(0.9, abs=0.02)
    probs = build_engine(refitted).probs(faces)
    assert set_coverage(probs, classes, refitted.meta["set_threshold"])[0] == pytest.approx(0.9, abs=0.002)


def test_the_card_says_so_and_keeps_what_holds(refitted):
    card, old = ((bundle.folder / "CARD.md").read_text() for bundle in (refitted, load_bundle("mien")))
    found = refitted.meta["calibration"]
    for text in ("900 faces of `planted`", f"{refitted.meta['temperature']:.4f}", f"{found['after']['log_loss']:.4f}",
                 *refitted.meta["files"].values(), "Art. 5(1)(f)", "## Terms"):  # fmt: skip
        assert text in card
    for section in ("Intended use", "Training", "Terms"):
        assert card.split(f"## {section}")[1].split("\n## ")[0] == old.split(f"## {section}")[1].split("\n## ")[0]
    assert "test, leak-free" not in card


def test_a_refitted_bundle_can_be_refitted(refitted, faces, emotions, tmp_path):
    absent = set(EMOTIONS) - set(emotions)
    again = recalibrate(refitted, faces, emotions, ABOUT, tmp_path / "again", "again", absent)
    assert again.meta["temperature"] == pytest.approx(refitted.meta["temperature"], rel=1e-4)
    assert again.meta["calibration"]["base"]["name"] == "there"


@pytest.mark.parametrize(
    ("chosen", "without", "said"),
    [
        (["fear", "neutral"] * 49, EMOTIONS, "98 faces to refit on, expected at least 100"),
        (["fear", "neutral"] * 60, (), "no face of happiness, surprise, sadness, anger, disgust, contempt"),
        ([*EMOTIONS[:7]] * 20, (), "accept it with --without contempt."),
        (["fear"] * 120, EMOTIONS, "holds fear alone"),
    ],
)
def test_faces_that_will_not_do_are_said(tmp_path, faces, chosen, without, said):
    with pytest.raises(DataError) as error:
        recalibrate(load_bundle("mien"), faces[: len(chosen)], chosen, ABOUT, tmp_path / "new", "x", without)
    assert said in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_of_a_failure_nor_replaced(tmp_path, faces, emotions, monkeypatch):
    monkeypatch.setattr(module, "card_text", lambda *words: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        recalibrate(load_bundle("mien"), faces, emotions, ABOUT, tmp_path / "new", "x", EMOTIONS)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    (tmp_path / "new").mkdir()
    with pytest.raises(UsageError, match="exists; choose a new folder"):
        recalibrate(load_bundle("mien"), faces, emotions, ABOUT, tmp_path / "new", "x", EMOTIONS)


def test_a_folder_that_is_made_meanwhile_stays(tmp_path, faces, emotions, monkeypatch):
    monkeypatch.setattr(module, "card_text", lambda *words: (tmp_path / "new").mkdir() or "")
    with pytest.raises(UsageError, match="exists; choose a new folder"):
        recalibrate(load_bundle("mien"), faces[:120], emotions[:120], ABOUT, tmp_path / "new", "x", EMOTIONS)
    assert [*tmp_path.rglob("*")] == [tmp_path / "new"]


def test_without_the_package_onnx_its_file_is_left_out(tmp_path, faces, emotions, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    bundle = recalibrate(load_bundle("mien"), faces, emotions, ABOUT, tmp_path / "new", "x", EMOTIONS)
    assert sorted(bundle.meta["files"]) == ["model.int8.tflite", "model.tflite"]
    assert not (bundle.folder / "model.onnx").exists()
