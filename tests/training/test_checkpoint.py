"""Checkpoints: whole or not at all, and never mistaken for something else."""

import json
import os
from pathlib import Path

import pytest
import torch

from mien.errors import CheckpointError
from mien.models import build_model
from mien.training.checkpoint import describe_run, load_network, read_checkpoint, write_checkpoint
from mien.training.recipe import Recipe

CONTENT = {"weights": {"a": torch.arange(500.0)}, "epoch": 3, "kept": None, "words": ["x", "y"]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "checkpoint.pt"


def test_what_is_written_is_read(path: Path) -> None:
    write_checkpoint(path, CONTENT)
    read = read_checkpoint(path)
    assert torch.equal(read["weights"]["a"], torch.arange(500.0))
    assert {key: read[key] for key in ("epoch", "kept", "words")} == {"epoch": 3, "kept": None, "words": ["x", "y"]}
    assert [file.name for file in path.parent.iterdir()] == ["checkpoint.pt"]


def fail_half_way(content: object, file: object) -> None:
    file.write(b"half a checkpoint")  # type: ignore[attr-defined]
    raise OSError(28, "No space left on device")


def fail_as_torch_does(content: object, file: object) -> None:
    raise RuntimeError("PytorchStreamWriter failed writing file data/1")


@pytest.mark.parametrize("failing", [fail_half_way, fail_as_torch_does])
def test_a_write_that_fails_leaves_the_old_one(failing: object, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_checkpoint(path, CONTENT)
    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", failing)
        with pytest.raises(CheckpointError, match=r"cannot be written .*the last good checkpoint is still there"):
            write_checkpoint(path, {**CONTENT, "epoch": 4})
    assert read_checkpoint(path)["epoch"] == 3
    assert [file.name for file in path.parent.iterdir()] == ["checkpoint.pt"]


def test_a_kill_while_it_is_written_leaves_the_old_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_checkpoint(path, CONTENT)

    def killed(source: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            write_checkpoint(path, {**CONTENT, "epoch": 4})
    assert read_checkpoint(path)["epoch"] == 3
    write_checkpoint(path, {**CONTENT, "epoch": 5})  # what was left behind is no hindrance
    assert read_checkpoint(path)["epoch"] == 5


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CheckpointError, match=r"cannot be written .*choose another folder"):
        write_checkpoint(tmp_path / "file" / "run" / "checkpoint.pt", CONTENT)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.95, 0.999])
def test_a_file_that_is_cut_short_is_refused(share: float, path: Path) -> None:
    write_checkpoint(path, CONTENT)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(CheckpointError, match="is cut short or not a checkpoint of mien") as raised:
        read_checkpoint(path)
    assert "\n" not in str(raised.value)


def write_foreign(path: Path, kind: str) -> None:
    path.parent.mkdir(exist_ok=True)
    match kind:
        case "text":
            path.write_text("epoch: 3")
        case "picture":
            path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
        case "weights alone":
            torch.save(build_model("slim").state_dict(), path)
        case "a whole module":  # would run code if it were unpickled
            torch.save(build_model("slim"), path)
        case "a tensor":
            torch.save(torch.zeros(3), path)
        case "another format":
            torch.save({"format": 0, **CONTENT}, path)


@pytest.mark.parametrize("kind", ["text", "picture", "weights alone", "a whole module", "a tensor", "another format"])
def test_a_foreign_file_is_refused(kind: str, path: Path) -> None:
    write_foreign(path, kind)
    with pytest.raises(CheckpointError, match="not a checkpoint of mien"):
        read_checkpoint(path)


def test_a_missing_file_and_a_folder_are_told_apart(path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        read_checkpoint(path)
    path.mkdir(parents=True)
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_checkpoint(path)


def test_the_kept_network_comes_back_ready_to_use(path: Path) -> None:
    model = build_model("slim", 7)
    run = describe_run(Recipe(model="slim", epochs=2), 5, 7, "float32", {"fer2013.csv": "ab"})
    write_checkpoint(path, {**run, "kept": model.state_dict()})
    loaded, recipe, content = load_network(path)
    faces = torch.rand(2, 1, 48, 48) * 255
    assert torch.equal(loaded(faces), model.eval()(faces))
    assert not loaded.training
    assert recipe == Recipe(model="slim", epochs=2)
    assert content["seed"] == 5


@pytest.mark.parametrize(
    "spoil",
    [{"kept": build_model("swift").state_dict()}, {"kept": None}, {"classes": 3}, {"recipe": None},
     {"recipe": {"model": "slim", "key_of_tomorrow": 1}}, {"recipe": {"model": "network_of_tomorrow"}}],
)  # fmt: skip
def test_weights_that_are_not_the_networks_are_said(spoil: dict, path: Path) -> None:
    write_checkpoint(
        path, {**describe_run(Recipe(model="slim"), 5, 8, "float32", {}), "kept": build_model("slim").state_dict(), **spoil}
    )
    with pytest.raises(CheckpointError, match="holds no weights that fit its network in this version of mien"):
        load_network(path)


def test_a_run_states_all_that_it_depends_on() -> None:
    run = describe_run(Recipe(), 5, 7, "bfloat16", {"fer2013.csv": "ab"})
    assert run["labels"] == ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear"]
    assert run["recipe"]["learning_rate"] == Recipe().learning_rate
    assert run["environment"]["precision"] == "bfloat16"
    assert run["environment"]["threads"] == torch.get_num_threads()
    assert describe_run(Recipe(), 5, 2, "float32", {}, ("anger", "fear"))["labels"] == ["anger", "fear"]
    assert json.loads(json.dumps(run)) == run  # plain values alone, for history.json
