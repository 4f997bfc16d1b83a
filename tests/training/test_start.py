"""Fine-tuning: what a network takes over from another, row by row."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mien.errors import CheckpointError, UsageError
from mien.models import MODELS, build_model
from mien.models.engine import TorchEngine
from mien.training.checkpoint import describe_run, write_checkpoint
from mien.training.loop import fit
from mien.training.recipe import Recipe
from mien.training.start import Start, output_rows, read_start, take_over

LAST = {
    "slim": {"head.weight", "head.bias"},
    "swift": {"head.weight", "head.bias"},
    "stout": {"head.weight", "head.bias"},
    "nimble": {"head.weight", "head.bias"},
    "deft": {"head.weight", "head.bias"},
    "wide": {"head.weight", "head.bias"},
    "compact": {"head.1.weight", "head.1.bias"},
    "compact_residual": {"head.1.weight", "head.1.bias"},
    "double_channel": {f"{part}.head.1.{kind}" for part in ("face", "pattern") for kind in ("weight", "bias")},
    "mini_xception": {"head.weight", "head.bias"},
    "vgg13": {"head.7.weight", "head.7.bias"},
    "shcnn": {"head.7.weight", "head.7.bias"},
}
"""Network -> the weights and biases of its last layer, read in the source of each."""


@pytest.mark.parametrize("network", MODELS)
def test_the_last_layer_of_every_network_is_found(network: str) -> None:
    assert output_rows(network) == LAST[network]


def started(labels: tuple[str, ...], network: str = "slim", seed: int = 1) -> Start:
    torch.manual_seed(seed)
    return Start(network, labels, build_model(network, len(labels)).state_dict(), {})


def test_rows_go_to_the_emotion_of_their_name_by_hand() -> None:
    start = started(("neutral", "happiness", "surprise"))
    start.weights["head.bias"].copy_(torch.tensor([10.0, 20.0, 30.0]))
    model = build_model("slim", 3)
    with torch.no_grad():
        model.get_parameter("head.bias").copy_(torch.tensor([1.0, 2.0, 3.0]))
    weight = model.get_parameter("head.weight").detach().clone()
    take_over(model, ("surprise", "fear", "neutral"), start)
    assert model.get_parameter("head.bias").tolist() == [30, 2, 10]
    found = model.get_parameter("head.weight")
    assert torch.equal(found[0], start.weights["head.weight"][2])
    assert torch.equal(found[1], weight[1])
    assert torch.equal(found[2], start.weights["head.weight"][0])
    for name, value in model.state_dict().items():
        assert name.startswith("head") or torch.equal(value, start.weights[name])


@pytest.mark.parametrize("network", ["slim", "compact", "double_channel"])
def test_a_network_of_some_of_the_emotions_gives_their_logits(network: str) -> None:
    start = started(("neutral", "happiness", "surprise", "sadness"), network)
    whole, part = build_model(network, 4), build_model(network, 2)
    whole.load_state_dict(start.weights)
    take_over(part, ("sadness", "happiness"), start)
    faces = torch.rand(3, 1, 48, 48) * 255
    with torch.no_grad():
        torch.testing.assert_close(part.eval()(faces), whole.eval()(faces)[:, [3, 1]])


def test_without_a_common_emotion_the_last_layer_is_left_as_it_was() -> None:
    model = build_model("slim", 2)
    before = model.get_parameter("head.weight").detach().clone()
    start = started(("neutral", "happiness"))
    take_over(model, ("fear", "anger"), start)
    assert torch.equal(model.get_parameter("head.weight"), before)
    assert torch.equal(model.state_dict()["stem.0.weight"], start.weights["stem.0.weight"])


def write(path: Path, network: str = "slim", **more: object) -> Path:
    run = describe_run(Recipe(model=network), 0, 3, "float32", {"fer2013new.csv": "ab"})
    write_checkpoint(path, {**run, "kept": build_model(network, 3).state_dict(), **more})
    return path


def test_a_start_says_where_it_comes_from_and_what_it_has_seen(tmp_path: Path) -> None:
    first = read_start(write(tmp_path / "a.pt"), "slim")
    second = read_start(write(tmp_path / "b.pt", start=first.about, data={"class folders": "cd"}), "slim")
    assert first.labels == ("neutral", "happiness", "surprise")
    assert len(first.about["sha256"]) == 64
    assert {**first.about, "sha256": ""} == {"path": str(tmp_path / "a.pt"), "sha256": "", "data": {"fer2013new.csv": "ab"},
                                             "start": {}}  # fmt: skip
    assert (second.about["data"], second.about["start"]) == ({"class folders": "cd"}, first.about)


def test_a_start_of_another_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds a swift network, but the recipe trains slim; add --set model=swift"):
        read_start(write(tmp_path / "c.pt", "swift"), "slim")
    (tmp_path / "text.pt").write_text("weights")
    with pytest.raises(CheckpointError, match="not a checkpoint of mien"):
        read_start(tmp_path / "text.pt", "slim")


def test_before_is_what_the_start_says_of_the_validation_faces(tmp_path: Path) -> None:
    """The start's own logits, in the run's order of emotions, scored by hand."""
    draw = np.random.default_rng(0)
    images, classes = draw.integers(0, 256, (48, 48, 48), np.uint8), draw.integers(0, 2, 48)
    arrays = images, np.eye(2, dtype=np.float32)[classes]
    start = started(("happiness", "neutral"))
    run = {
        **describe_run(recipe := Recipe(model="slim", epochs=1, batch_size=16), 0, 2, "float32", {}),
        "start": {"sha256": "ab"},
    }
    begun = build_model("slim", 2)
    begun.load_state_dict(start.weights)
    probs = TorchEngine(begun).probs(images)[:, ::-1]
    before = fit(recipe, arrays, arrays, run, tmp_path / "c.pt", start=start)["before"]
    assert before["valid_accuracy"] == pytest.approx(np.mean(probs.argmax(1) == classes))
    assert before["valid_loss"] == pytest.approx(-np.log(probs[np.arange(48), classes]).mean(), rel=1e-5)
    resumed = fit(recipe, arrays, arrays, run, tmp_path / "c.pt", start=start)
    assert (resumed["before"], resumed["epoch"]) == (before, 1)
