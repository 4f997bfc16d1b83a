"""Several runs as one network."""

from pathlib import Path

import pytest
import torch

from mien.errors import CheckpointError
from mien.models import build_model
from mien.training.checkpoint import describe_run, load_network, read_checkpoint, write_checkpoint
from mien.training.join import write_joined
from mien.training.recipe import Recipe

FACES = torch.rand(5, 1, 48, 48, generator=torch.Generator().manual_seed(0)) * 255


def write_run(path: Path, model: str, seed: int, labels: list[str] | None = None, **more: str) -> Path:
    torch.manual_seed(seed)
    network = build_model(model, len(labels or range(8)))
    recipe, data = Recipe(name=f"{model}-trial", model=model, epochs=3), {"fer2013.csv": "ab", "fer2013new.csv": "ef"} | more
    run = describe_run(recipe, seed, len(labels or range(8)), "bfloat16", data, labels or ())
    history = [{"epoch": 2, "loss": 1.0, "valid_loss": 1.0, "valid_accuracy": 0.5, "time_s": 7.0}]
    write_checkpoint(path, {**run, "epoch": 2, "history": history, "kept": network.state_dict(), "optimizer": {"lr": 0.1}})
    return path


def test_its_answer_is_the_mean_of_theirs(tmp_path: Path) -> None:
    paths = [write_run(tmp_path / "a.pt", "nimble", 1), write_run(tmp_path / "b.pt", "swift", 2)]
    write_joined(paths, tmp_path / "both.pt")
    network, recipe, run = load_network(tmp_path / "both.pt")
    with torch.no_grad():
        apart = [torch.softmax(load_network(path)[0](FACES), 1).double() for path in paths]
        together = torch.softmax(network(FACES), 1)
    torch.testing.assert_close(together, (sum(apart) / 2).float())
    assert (recipe.model, recipe.epochs, run["epoch"], run["seed"]) == ("nimble+swift", 6, 4, 1)


def test_it_says_what_each_was(tmp_path: Path) -> None:
    paths = [write_run(tmp_path / "a.pt", "swift", 1), write_run(tmp_path / "b.pt", "swift", 2)]
    write_joined(paths, tmp_path / "both.pt")
    first, second = read_checkpoint(tmp_path / "both.pt")["members"]
    assert (first["checkpoint"], first["seed"], second["seed"]) == (str(paths[0]), 1, 2)
    assert second["recipe"] == read_checkpoint(paths[1])["recipe"]
    assert not {"kept", "optimizer"} & second.keys()


def test_a_probability_of_nothing_has_a_logarithm(tmp_path: Path) -> None:
    network = build_model("swift+swift").eval()
    for part in network.networks:
        torch.nn.init.constant_(part.get_parameter("head.bias"), 0.0)
        with torch.no_grad():
            part.get_parameter("head.bias")[0] = 500
    assert torch.isfinite(network(FACES)).all()


def test_the_same_votes_beside_faces_packed_otherwise_are_the_same_data(tmp_path: Path) -> None:
    one, other = write_run(tmp_path / "a.pt", "swift", 1), write_run(tmp_path / "b.pt", "swift", 2)
    content = {key: value for key, value in read_checkpoint(other).items() if key != "format"}
    write_checkpoint(other, {**content, "data": {"faces.png": "12", "fer2013new.csv": "ef"}})
    write_joined([one, other], tmp_path / "both.pt")
    assert read_checkpoint(tmp_path / "both.pt")["data"] == {"fer2013.csv": "ab", "fer2013new.csv": "ef"}


def test_what_is_joined_already_or_given_twice_is_refused(tmp_path: Path) -> None:
    paths = [write_run(tmp_path / "a.pt", "swift", 1), write_run(tmp_path / "b.pt", "swift", 2)]
    write_joined(paths, tmp_path / "both.pt")
    for wrong, words in (
        ([tmp_path / "both.pt", paths[0]], "several networks already"),
        ([*paths, paths[0]], "is the same as"),
    ):
        with pytest.raises(CheckpointError, match=words):
            write_joined(wrong, tmp_path / "all.pt")
    assert not (tmp_path / "all.pt").exists()


def test_each_is_compared_with_every_other(tmp_path: Path) -> None:
    """Their common files differ, though each shares the votes with the first, which is packed in one file more."""
    paths = [
        write_run(tmp_path / "a.pt", "swift", 1),
        *(write_run(tmp_path / f"{x}.pt", "swift", 2, **{"faces.png": x}) for x in "bc"),
    ]
    with pytest.raises(CheckpointError, match=r"c\.pt: was trained on other files than .*b\.pt"):
        write_joined(paths, tmp_path / "all.pt")


@pytest.mark.parametrize(
    ("more", "words"),
    [({"labels": ["fear", "anger"]}, "tells other classes apart"), ({"fer2013.csv": "cd"}, "was trained on other files"),
     ({"fer2013.csv": "cd", "fer2013new.csv": "ef"}, "was trained on other files")],
)  # fmt: skip
def test_networks_that_do_not_answer_the_same_question_are_refused(tmp_path: Path, more: dict, words: str) -> None:
    paths = [write_run(tmp_path / "a.pt", "swift", 1), write_run(tmp_path / "b.pt", "swift", 2, **more)]
    with pytest.raises(CheckpointError, match=rf"b\.pt: {words}"):
        write_joined(paths, tmp_path / "both.pt")
    assert not (tmp_path / "both.pt").exists()
