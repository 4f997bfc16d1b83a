"""A bundle: what is in it, that it says the truth, and that it is written whole or not at all."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn import build_random

from mien.data.targets import majority
from mien.errors import BundleError, CheckpointError, UsageError
from mien.evaluation.metrics import summarise
from mien.export import bundle as module
from mien.export.bundle import export_bundle
from mien.inference.engines import build_engine
from mien.inference.weights import FILES, load_bundle
from mien.models.engine import TorchEngine
from mien.training.checkpoint import read_checkpoint, train_command, write_checkpoint
from mien.training.join import write_joined
from mien.training.recipe import Recipe, as_values


def test_model_json_names_each_file_by_its_content(exported):
    meta, folder = exported.bundle.meta, exported.bundle.folder
    assert sorted(path.name for path in folder.iterdir()) == sorted([*FILES.values(), "model.json", "CARD.md"])
    assert {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in FILES.values()} == meta["files"]
    assert (meta["name"], meta["seed"], meta["epoch"], meta["parameters"]) == ("planted", 5, 3, 150_368)
    assert meta["input"]["shape"] == [None, 48, 48, 1]
    assert json.loads((folder / "model.json").read_text()) == meta


def test_engines_answer_as_the_calibrated_network(exported):
    images = exported.dataset.faces.images[28_709:28_729]
    reference = TorchEngine(exported.model, exported.bundle.meta["temperature"]).probs(images)
    for engine in ("litert", "onnx"):
        assert build_engine(exported.bundle, engine, 1).probs(images) == pytest.approx(reference, abs=1e-5)


@pytest.mark.parametrize("engine", ["litert", "litert-int8"])
def test_scores_are_those_of_the_files(exported, engine):
    dataset = exported.dataset
    rows = np.flatnonzero((dataset.faces.usage == 1) & dataset.votes.named)
    classes = majority(dataset.votes.counts[rows])[0].argmax(1)
    probs = build_engine(load_bundle(exported.bundle.folder), engine, 1).probs(dataset.faces.images[rows])
    stated = exported.bundle.meta["scores"][engine]
    found = summarise(probs, classes, exported.bundle.labels)
    assert found.pop("recall") == stated["valid"]["published"]["recall"]
    assert found == {key: pytest.approx(stated["valid"]["published"][key], abs=1e-6) for key in found}
    assert stated["test"]["published"]["n"] == 100 > stated["test"]["leak-free"]["n"]
    assert "leak-free" not in stated["valid"]


def test_an_ensembles_bundle_says_how_each_network_was_made(exported, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "INT8_AGREEMENT", 0.95)  # the faces are clear ones to the first network alone
    other = build_random("slim", 1)
    content = {key: value for key, value in read_checkpoint(exported.checkpoint).items() if key != "format"}
    write_checkpoint(tmp_path / "other.pt", {**content, "kept": other.state_dict()})
    write_joined(paths := [exported.checkpoint, tmp_path / "other.pt"], tmp_path / "twice.pt")
    bundle = export_bundle(tmp_path / "twice.pt", exported.dataset, tmp_path / "bundle", "twice", threads=1)
    alone, members = exported.bundle.meta, bundle.meta["members"]
    assert bundle.meta["network"] == bundle.meta["recipe"]["model"] == "slim+slim"
    assert bundle.meta["parameters"] == 2 * alone["parameters"]
    assert bundle.meta["training_s"] == 2 * alone["training_s"]
    assert [m["command"] for m in members] == [alone["command"]] * 2
    assert [m["sha256"] for m in members] == [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    card = (bundle.folder / "CARD.md").read_text()
    assert card.count(alone["command"]) == 2
    assert "2 networks, each trained once, which answer together by the mean of their probabilities" in card
    assert f"| `{exported.checkpoint}` | `{members[0]['sha256']}` |" in card
    images = exported.dataset.faces.images[28_709:28_729]
    together = sum(TorchEngine(model).probs(images) for model in (exported.model, other)) / 2
    expected = together ** (1 / bundle.meta["temperature"])
    expected /= expected.sum(1, keepdims=True)
    assert build_engine(bundle, "litert", 1).probs(images) == pytest.approx(expected, abs=1e-5)


def test_prediction_sets_cover_validation(exported):
    sets = exported.bundle.meta["prediction_sets"]["litert"]["valid"]
    assert sets["coverage"] == pytest.approx(0.9, abs=0.01)
    assert sets["n"] == 400


def test_card_states_files_scores_and_limits(exported):
    card, meta = (exported.bundle.folder / "CARD.md").read_text(), exported.bundle.meta
    scores = meta["scores"]["litert-int8"]["test"]["leak-free"]
    stated = [
        f"{scores['accuracy']:.4f}",
        meta["command"],
        *meta["files"].values(),
        f"{meta['temperature']:.4f}",
        "Art. 5(1)(f)",
    ]
    assert [text for text in stated if text not in card] == []
    assert "Unfinished" not in card


def test_cards_command_holds_for_a_bundle_in_any_folder(exported):
    card = (exported.bundle.folder / "CARD.md").read_text().replace("\n", " ")
    assert "`mien evaluate planted --data DIR --engine litert,litert-int8`, with the path of this card's folder in" in card


@pytest.mark.parametrize("engine", FILES)
def test_a_file_that_was_changed_is_not_run(exported, tmp_path, engine):
    for path in exported.bundle.folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with (tmp_path / FILES[engine]).open("r+b") as file:
        file.seek(1000)
        file.write(b"\0\1\2\3")
    with pytest.raises(BundleError, match=f"{FILES[engine]}.*sha256"):
        build_engine(load_bundle(tmp_path), engine)


def test_a_run_on_other_data_is_not_scored_on_this(exported, tmp_path):
    other = replace(exported.dataset, checksums={"faces": "01"})
    with pytest.raises(CheckpointError, match="other files"):
        export_bundle(exported.checkpoint, other, tmp_path / "bundle")


def test_a_failed_export_leaves_the_old_bundle(exported, tmp_path, monkeypatch):
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "model.json").write_text("old")

    def refuse(*_):
        raise BundleError("litert: differs")

    monkeypatch.setattr(module, "write_graphs", refuse)
    with pytest.raises(BundleError, match="differs"):
        export_bundle(exported.checkpoint, exported.dataset, tmp_path / "bundle")
    assert (tmp_path / "bundle" / "model.json").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_what_is_no_bundle_is_not_replaced(exported, tmp_path):
    (tmp_path / "me.jpg").touch()
    with pytest.raises(UsageError, match="not a bundle"):
        export_bundle(exported.checkpoint, exported.dataset, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["me.jpg"]


def test_the_folder_that_it_runs_in_is_not_replaced(exported, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="cannot be replaced"):
        export_bundle(exported.checkpoint, exported.dataset, Path("."))


def test_the_command_sets_what_differs_from_the_defaults():
    recipe = Recipe(name="trial", model="compact", flip=False, dropout=0.25)
    run = {"recipe": as_values(recipe), "seed": 3, "environment": {"precision": "float32", "threads": 2}}
    assert train_command("trial.toml", run) == (
        "mien train recipes/trial.toml --data DIR --seed 3 --precision float32 --threads 2 "
        "--set model=compact --set dropout=0.25 --set flip=false"
    )
    assert "--set name=trial" in train_command("equal.toml", run)
    stated = replace(recipe, name="equal", batch_size=64, learning_rate=Recipe().learning_rate)
    assert train_command("equal.toml", run, stated).endswith(
        "--set name=trial --set model=compact --set batch_size=128 --set dropout=0.25 --set flip=false"
    )
