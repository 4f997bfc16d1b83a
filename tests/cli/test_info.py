"""`mien info` as a user types it."""

import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from mien.inference.weights import WEIGHTS, bundle_names, load_bundle
from mien.models import build_model
from mien.training.checkpoint import describe_run, write_checkpoint
from mien.training.recipe import Recipe


@pytest.fixture
def info(mien):
    """Runs `mien info` with these words; gives exit code, stdout and stderr."""
    return partial(mien, "info")


@pytest.fixture
def folder(tmp_path):
    """A copy of the shipped bundle in a folder whose name looks like markup."""
    return shutil.copytree(WEIGHTS / "mien", tmp_path / "[red]copy[/]")


def test_it_says_what_the_bundle_is(info, folder):
    meta = load_bundle("mien").meta
    code, text, said = info(folder)
    assert (code, said) == (0, "")
    wanted = [str(folder), *meta["labels"], *meta["files"].values(), f"{meta['parameters']:,} parameters", meta["commit"],
              f"seed {meta['seed']}", "LiteRT", "AI Act, Art. 5(1)(f)"]  # fmt: skip
    for scores in meta["scores"].values():
        wanted += [f"accuracy {found['accuracy']:.4f}" for found in scores["test"].values()]
        wanted += [f"{found['n']:,} faces" for found in scores["test"].values()]
    assert [word for word in wanted if word not in text] == []


def test_none_is_every_bundle_installed(info):
    code, text, _ = info()
    facts = [info(name)[1].split("\nmien labels")[0] for name in bundle_names()]
    assert (code, [part in text for part in facts]) == (0, [True] * len(facts))


def test_of_an_ensemble_it_says_where_each_network_comes_from(info):
    members = load_bundle("mien-large").meta["members"]
    text = info("mien-large")[1]
    assert text.count("  trained ") == len(members) == 3
    for made in members:
        assert f"recipe {made['recipe']['name']}, seed {made['seed']}, commit {made['commit']}" in text


def test_checkpoints_are_joined_and_described_and_not_drawn_as_one(mien, info, tmp_path):
    names = [WEIGHTS.parents[2] / "results" / "checkpoints" / f"{name}.pt" for name in ("nimble", "teacher-compact")]
    code, text, _ = mien("export", *names, "--weights-only", "--out", tmp_path / "both.pt")
    assert (code, text) == (0, f"{tmp_path / 'both.pt'}\n")
    code, text, _ = info(tmp_path / "both.pt")
    assert code == 0
    assert "recipe teacher-compact, seed 0" in text
    assert f"{153_448 + 171_137:,}" in text
    assert "networks.1." in text
    code, text, said = info(tmp_path / "both.pt", "--draw", tmp_path / "both.svg")
    assert (code, text) == (2, "")
    assert f"several networks together; draw one of them: {names[0]}, {names[1]}" in said


def test_a_bundle_whose_scores_are_not_known_yet(info, folder):
    meta = {key: value for key, value in load_bundle("mien").meta.items() if key != "scores"}
    (folder / "model.json").write_text(json.dumps(meta))
    code, text, _ = info(folder)
    assert code == 0
    assert "accuracy" not in text


def test_wrong_names_and_damaged_bundles_are_one_line_and_exit_2(info, folder, tmp_path):
    expected = {"mein": "unknown model 'mein'. Did you mean 'mien'?", tmp_path: "is not a bundle", folder: "sha256 is"}
    (folder / "model.onnx").write_bytes(b"another")
    for name, words in expected.items():
        code, _, said = info(name)
        assert code == 2
        assert said.startswith("mien: ")
        assert words in said
        assert said.count("\n") == 1


def test_a_missing_file(info, folder):
    (folder / "model.int8.tflite").unlink()
    code, _, said = info(folder)
    assert (code, said) == (2, f"mien: {folder}/model.int8.tflite: missing; install mien or fetch the bundle again.\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_and_a_closed_pipe():
    words = [sys.executable, "-m", "mien", "info"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, "mien: output: No space left on device; make room, or choose another place.\n")
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(words, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


def test_an_architecture_lists_its_layers_and_their_sums(info):
    code, text, said = info("compact")
    assert (code, said) == (0, "")
    rows = [line.split() for line in text.splitlines() if "x" in line and "Conv2d" in line]
    assert sum(int(row[-1].replace(",", "")) for row in rows) == 38_337_408  # 48x48x48 three times, and so on, by hand
    assert "171,137" in text
    assert "receptive field: 66 px" in text


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """As a run leaves it, so far as `mien info` reads it."""
    path = tmp_path_factory.mktemp("run") / "checkpoint.pt"
    run = describe_run(Recipe(name="trial", model="swift", epochs=100), 3, 7, "float32", {})
    entry = {"valid_accuracy": 0.5, "valid_loss": 1.25}
    kept = build_model("swift", 7).state_dict()
    write_checkpoint(path, {**run, "epoch": 1, "history": [entry], "kept": kept})
    return path


def test_a_checkpoint_says_what_its_run_was(info, checkpoint):
    code, text, said = info(checkpoint)
    assert (code, said) == (0, "")
    assert "recipe trial, seed 3, epoch 1 of 100" in text
    assert "validation accuracy 0.5000, log loss 1.2500" in text
    assert f"{145_832 - 57:,}" in text  # one class fewer: 56 weights and a bias
    assert "receptive field: 97 px" in text


@pytest.mark.parametrize("model", ["shcnn", "a checkpoint"])
def test_a_network_is_drawn_into_a_folder_that_is_made(info, checkpoint, tmp_path, model):
    picture = tmp_path / "new" / "net.svg"
    code, text, said = info(checkpoint if model == "a checkpoint" else model, "--draw", picture, "--dark")
    assert (code, said) == (0, "")
    assert f"drawn: {picture}" in text
    assert ("swift, recipe trial" if model == "a checkpoint" else "8,711,988 parameters") in picture.read_text()


def test_what_cannot_be_drawn_is_one_line_and_leaves_nothing(info, folder, tmp_path):
    (tmp_path / "file").touch()
    expected = {
        ("mien", "net.svg"): "a bundle holds no torch network",
        (folder, "net.svg"): "a bundle holds no torch network",
        ("slim", "net.jpg"): "expected a name that ends in .svg, .png, .pdf",
        ("slmi", "net.svg"): "Did you mean 'slim'?",
        ("slim", "file/net.svg"): "cannot be made",
    }
    for (model, name), words in expected.items():
        code, text, said = info(model, "--draw", tmp_path / name)
        assert (code, text) == (2, "")
        assert words in said
        assert said.count("\n") == 1
        assert not (tmp_path / name).exists()


def test_a_checkpoint_that_is_not_one(info, tmp_path):
    (tmp_path / "x.pt").write_bytes(b"no")
    code, _, said = info(tmp_path / "x.pt")
    assert code == 1
    assert "not a checkpoint of mien" in said
