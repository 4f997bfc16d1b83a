"""`mien evaluate` and `mien export` as a user types them."""

import json

import numpy as np
import pytest
import torch

from mien.data.dataset import Dataset
from mien.data.fer2013 import Faces
from mien.data.ferplus import Votes
from mien.evaluation.score import read_predictions
from mien.inference import engines
from mien.inference.engines import build_engine
from mien.inference.weights import load_bundle
from mien.models import build_model
from mien.training.checkpoint import describe_run, write_checkpoint
from mien.training.recipe import Recipe


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A network that was never trained, as a run's checkpoint."""
    path = tmp_path_factory.mktemp("run") / "checkpoint.pt"
    torch.manual_seed(0)
    run = describe_run(Recipe(model="slim", epochs=1), 0, 8, "float32", {"fer2013.csv": "0"})
    write_checkpoint(path, {**run, "kept": build_model("slim").state_dict(), "epoch": 1, "history": []})
    return path


@pytest.fixture
def planted(monkeypatch):
    """A data set of one face a split in place of the one that is read."""
    faces = Faces(np.zeros((3, 48, 48), np.uint8), np.zeros(3, int), np.arange(3))
    votes = Votes(np.tile(10 * np.eye(10, dtype=np.uint8)[0], (3, 1)), faces.usage, np.ones(3, bool))
    monkeypatch.setattr("mien.data.dataset.read_dataset", lambda folder: Dataset(faces, votes, {"a": "b"}))


@pytest.mark.parametrize(("model", "said"), [("CHECKPOINT", "temperature 1, not calibrated"), ("mien", "fitted on validation")])
def test_whether_the_numbers_are_calibrated_is_said(mien, checkpoint, planted, tmp_path, model, said):
    words = ["evaluate", checkpoint if model == "CHECKPOINT" else model, "--data", tmp_path, "--split", "valid", "--threads", 1]
    code, text, _ = mien(*words, "--format", "json")
    assert (code, json.loads(text)["scores"].popitem()[1]["valid"]["published"]["n"]) == (0, 1)
    assert said in json.loads(text)["calibration"]
    assert said in mien(*words)[1]


def test_what_an_earlier_run_left_is_replaced_whole(mien, planted, monkeypatch, tmp_path):
    """Another name of each file keeps what it held: nothing is written over it, so a kill leaves the old or the new."""
    for name in ("metrics.json", "litert-valid.npz"):
        (tmp_path / name).write_text("old")
        (tmp_path / f"{name} of old").hardlink_to(tmp_path / name)
    monkeypatch.setattr("mien.cli.evaluate.find_spec", lambda name: None)  # draws nothing
    words = ["--data", tmp_path, "--split", "valid", "--threads", 1, "--format", "json", "--out", tmp_path]
    code, text, _ = mien("evaluate", "mien", *words)
    assert code == 0
    assert (tmp_path / "metrics.json").read_text() == text
    assert read_predictions(tmp_path / "litert-valid.npz")[0].rows.tolist() == [1]
    assert {path.read_text() for path in tmp_path.glob("* of old")} == {"old"}


def test_no_number_of_threads_is_all_cores_that_may_be_used(mien, checkpoint, planted, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr("mien.machine.os.sched_getaffinity", lambda pid: {1, 3, 4}, raising=False)
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    monkeypatch.setattr(engines, "build_engine", lambda *words: asked.append(words[2]) or build_engine(*words[:2], 1))
    monkeypatch.setattr("mien.export.bundle.export_bundle", lambda *words: asked.append(words[4]) or load_bundle("mien"))
    assert mien("export", checkpoint, "--data", tmp_path, "--out", tmp_path / "bundle")[0] == 0
    for model in (checkpoint, "mien"):
        assert mien("evaluate", model, "--data", tmp_path, "--split", "valid")[0] == 0
    assert asked == [3, 3, 3, 3]


@pytest.mark.parametrize("words", [["evaluate", "mien", "--out", "file"], ["export", "none.pt", "--out", "file/bundle"]])
def test_a_place_that_cannot_be_written_is_said_before_the_data_is_read(mien, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    monkeypatch.setattr("mien.data.dataset.read_dataset", lambda folder: pytest.fail("was read"))
    code, text, said = mien(*words, "--data", ".")
    assert (code, text) == (2, "")
    assert said.startswith("mien: --out file: cannot be made or written (")


@pytest.mark.data
def test_a_checkpoint_is_scored_on_torch(mien, checkpoint, data_folder, tmp_path):
    code, text, words = mien("evaluate", checkpoint, "--data", data_folder, "--split", "test", "--format", "json",
                             "--out", tmp_path / "out", "--threads", 1)  # fmt: skip
    report = json.loads(text)
    assert (code, words) == (0, "")
    scores = report["scores"]["torch"]["test"]
    assert {protocol: found["n"] for protocol, found in scores.items()} == {"published": 3_153, "leak-free": 2_766}
    assert json.loads((tmp_path / "out" / "metrics.json").read_text()) == report
    with np.load(tmp_path / "out" / "torch-test.npz") as stored:
        assert stored["probs"].shape == (3_153, 8)
        agreement = np.mean(stored["probs"].argmax(1) == stored["classes"])
    assert scores["published"]["accuracy"] == pytest.approx(agreement, abs=0.002)  # float16 may tie


@pytest.mark.data
def test_the_table_says_which_faces_and_that_they_were_mirrored(mien, checkpoint, data_folder):
    code, text, _ = mien("evaluate", checkpoint, "--data", data_folder, "--split", "test", "--flip", "--threads", 1)
    assert code == 0
    assert [word for word in ("published", "leak-free", "3,153", "2,766", "contempt", "mirror") if word not in text] == []


@pytest.mark.data
def test_two_engines_are_compared_face_by_face_and_a_stored_run_too(mien, data_folder, tmp_path):
    words = ["--data", data_folder, "--split", "test", "--threads", 1, "--format", "json"]
    assert mien("evaluate", "mien", *words, "--out", tmp_path)[0] == 0
    for picture in ("confusion", "classes", "reliability"):
        assert (tmp_path / f"litert-test-{picture}-light.svg").read_text().startswith("<?xml")
    report = json.loads(
        mien("evaluate", "mien", *words, "--engine", "litert-int8", "--against", tmp_path / "litert-test.npz")[1]
    )
    found = report["against"]["comparison"]["litert-int8"]["test"]
    scores = report["scores"]["litert-int8"]["test"]
    assert {protocol: compared["n"] for protocol, compared in found.items()} == {"published": 3_153, "leak-free": 2_766}
    for protocol, compared in found.items():
        assert compared["value"] == pytest.approx({key: scores[protocol][key] for key in compared["value"]})
        balance = compared["only_right"] - compared["only_other_right"]
        assert compared["difference"]["accuracy"] == pytest.approx(balance / compared["n"])
        low, high = scores[protocol]["interval"]["accuracy"]
        assert low < scores[protocol]["accuracy"] < high
    code, _, said = mien("evaluate", "mien", *words, "--split", "valid", "--against", tmp_path / "litert-test.npz")
    assert (code, "answered no face of valid in common" in said) == (1, True)


@pytest.mark.data
@pytest.mark.parametrize("name", ["mien", pytest.param("mien-large", marks=pytest.mark.slow)])
def test_a_shipped_bundle_scores_what_its_model_json_states(mien, data_folder, name):
    code, text, _ = mien("evaluate", name, "--data", data_folder, "--engine", "litert,litert-int8", "--format", "json")
    assert code == 0
    for engine, stated in load_bundle(name).meta["scores"].items():
        for protocol, numbers in stated["test"].items():
            found = json.loads(text)["scores"][engine]["test"][protocol]
            assert found["n"] == numbers["n"]
            assert found["accuracy"] == pytest.approx(numbers["accuracy"], abs=0.001)  # processors round differently
            assert found["ece"] == pytest.approx(numbers["ece"], abs=0.002)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["none", "--engine", "onnx"], "unknown model 'none'"),
        (["CHECKPOINT", "--engine", "litert"], "a checkpoint runs on torch alone"),
        (["CHECKPOINT", "--split", "valid,tset"], "unknown split 'tset'. Did you mean 'test'?"),
        (["CHECKPOINT", "--protocol", "leakfree"], "Did you mean 'leak-free'?"),
        (["CHECKPOINT", "--protocol", "leak-free"], "add --split test"),
        (["CHECKPOINT", "--format", "xml"], "unknown format 'xml'"),
    ],
)
def test_a_wrong_request_is_one_line_and_exit_2(mien, checkpoint, tmp_path, words, expected):
    words = [str(checkpoint) if word == "CHECKPOINT" else word for word in words]
    code, text, said = mien("evaluate", *words, "--data", tmp_path)
    assert (code, text) == (2, "")
    assert expected in said
    assert said.count("\n") == 1


def test_a_missing_package_is_named_with_its_extra(mien, checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr("mien.cli.export.NEEDS", ("numpy", "no_such_converter"))
    code, _, said = mien("export", checkpoint, "--data", tmp_path, "--out", tmp_path / "bundle")
    assert code == 2
    assert "no_such_converter" in said
    assert ".[lab,onnx]" in said


def test_no_checkpoint_is_said_before_anything_is_written(mien, data_folder, tmp_path):
    code, _, said = mien("export", tmp_path / "none.pt", "--data", data_folder, "--out", tmp_path / "bundle")
    assert (code, said) == (1, f"mien: {tmp_path / 'none.pt'}: no such checkpoint; give the checkpoint.pt of a run's folder.\n")
    assert not (tmp_path / "bundle").exists()
