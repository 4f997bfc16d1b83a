"""The training loop: its schedule, its averages, that it learns, and that it can be killed."""

import math
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mien.errors import CheckpointError, UsageError
from mien.models import build_model
from mien.training import loop
from mien.training.checkpoint import describe_run, read_checkpoint, write_checkpoint
from mien.training.loop import Arrays, fit, validate
from mien.training.recipe import Recipe

SMALL = {"epochs": 3, "batch_size": 16, "labels": "majority"}


def stripes(n: int, seed: int) -> Arrays:
    """Two classes that a glance tells apart: horizontal and vertical stripes of random phase and contrast, with noise."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 2, n)
    waves = np.sin(np.arange(48) * 0.9 + draw.uniform(0, 6, (n, 1))) * draw.uniform(30, 90, (n, 1))
    images = np.where(labels[:, None, None] == 1, waves[:, None, :], waves[:, :, None]) + draw.normal(128, 20, (n, 48, 48))
    return images.clip(0, 255).astype(np.uint8), np.eye(2, dtype=np.float32)[labels]


def run_of(recipe: Recipe, seed: int = 0) -> dict[str, Any]:
    return describe_run(recipe, seed, 2, "float32", {})


def train(recipe: Recipe, path: Path, n: int = 64, seed: int = 0, **watch: Any) -> dict[str, Any]:
    return fit(recipe, stripes(n, 1), stripes(32, 2), run_of(recipe, seed), path, **watch)


def assert_same_weights(one: dict[str, Any], other: dict[str, Any]) -> None:
    for key in ("model", "average", "kept"):
        assert one[key].keys() == other[key].keys()
        assert all(torch.equal(one[key][name], other[key][name]) for name in one[key])


def test_a_planted_problem_is_learned(tmp_path: Path) -> None:
    recipe = Recipe(epochs=4, batch_size=16, labels="majority", averaging=0.9, rotation_deg=5)
    content = train(recipe, tmp_path / "c.pt", n=256)
    losses = [entry["loss"] for entry in content["history"]]
    assert losses[-1] < 0.5 * losses[0]
    assert content["history"][-1]["valid_accuracy"] >= 0.95
    assert [entry["epoch"] for entry in content["history"]] == [1, 2, 3, 4]


def test_shuffled_labels_are_not_learned(tmp_path: Path) -> None:
    """The counterpart: what is found above is in the pictures, not in the loop."""
    recipe = Recipe(epochs=2, batch_size=16, labels="majority", averaging=0.9)
    images, targets = stripes(128, 1)
    content = fit(recipe, (images, targets[::-1].copy()), stripes(64, 2), run_of(recipe), tmp_path / "c.pt")
    assert content["history"][-1]["valid_accuracy"] < 0.8


@pytest.mark.parametrize("averaging", [0.0, 0.8])
def test_averages_are_those_of_a_slow_plain_loop(averaging: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(**SMALL, averaging=averaging)  # type: ignore[arg-type]
    steps: list[dict[str, torch.Tensor]] = []
    built = []

    def build(*arguments: Any) -> torch.nn.Module:
        built.append(build_model(*arguments))
        return built[-1]

    build_model = loop.build_model
    monkeypatch.setattr(loop, "build_model", build)

    def remember(step: int, of: int) -> None:
        steps.append({name: value.detach().clone().double() for name, value in built[0].state_dict().items()})

    content = train(recipe, tmp_path / "c.pt", on_step=remember)
    assert len(steps) == 3 * 4
    for name in [name for name in steps[0] if not name.endswith("num_batches_tracked")]:
        average = steps[0][name]
        for step, later in enumerate(steps[1:], 1):
            decay = min(averaging, (1 + step) / (10 + step))
            average = decay * average + (1 - decay) * later[name]
        torch.testing.assert_close(content["average"][f"module.{name}"].double(), average, rtol=1e-4, atol=1e-6)
        kept = average if averaging else steps[-1][name]
        torch.testing.assert_close(content["kept"][name].double(), kept, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("select", ["last", "best"])
def test_the_epoch_that_the_recipe_selects_is_kept(select: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accuracies = iter([0.5, 0.8, 0.6])
    monkeypatch.setattr(loop, "validate", lambda *_: (1.0, next(accuracies)))
    states: list[dict[str, torch.Tensor]] = []
    path = tmp_path / "c.pt"
    train(Recipe(**SMALL, select=select), path, on_epoch=lambda _: states.append(read_checkpoint(path)["average"]))  # type: ignore[arg-type]
    kept, chosen = read_checkpoint(path)["kept"], states[1 if select == "best" else 2]
    assert all(torch.equal(kept[name], chosen[f"module.{name}"]) for name in kept)


def test_validation_is_mean_cross_entropy_and_accuracy_over_all_batches() -> None:
    class Reader(torch.nn.Module):
        def forward(self, faces: torch.Tensor) -> torch.Tensor:
            return faces[:, 0, 0, :2] / 10  # logits written into the pixels

    faces = torch.zeros(5, 1, 48, 48, dtype=torch.uint8)
    faces[:, 0, 0, :2] = torch.tensor([[10, 0], [0, 10], [10, 0], [0, 10], [10, 0]])
    targets = torch.eye(2)[[0, 1, 0, 0, 1]]
    loss, accuracy = validate(Reader(), faces, targets, batch=2)
    right, wrong = math.log(1 + math.exp(-1)), math.log(1 + math.exp(1))
    assert accuracy == pytest.approx(3 / 5)
    assert loss == pytest.approx((3 * right + 2 * wrong) / 5)


def test_the_seed_decides_the_run(tmp_path: Path) -> None:
    recipe = Recipe(**{**SMALL, "epochs": 1})  # type: ignore[arg-type]
    same = [train(recipe, tmp_path / name) for name in ("a", "b")]
    assert_same_weights(*same)
    other = train(recipe, tmp_path / "c", seed=1)
    assert not torch.equal(same[0]["kept"]["head.weight"], other["kept"]["head.weight"])


class KilledError(Exception):
    pass


@pytest.mark.parametrize(("at", "mixing"), [(1, 0), (5, 0), (8, 0.2), (11, 0)])
def test_a_run_that_was_interrupted_gives_the_same_weights(at: int, mixing: float, tmp_path: Path) -> None:
    recipe = Recipe(**SMALL, mixing=mixing)  # type: ignore[arg-type]
    whole = train(recipe, tmp_path / "whole.pt")
    seen = 0

    def kill(step: int, steps: int) -> None:
        nonlocal seen
        seen += 1
        if seen == at:
            raise KilledError

    path = tmp_path / "killed.pt"
    with pytest.raises(KilledError):
        train(recipe, path, on_step=kill)
    torch.rand(at)  # whatever else the process draws must not matter
    resumed = train(recipe, path)
    assert_same_weights(whole, resumed)
    for one, other in zip(whole["history"], resumed["history"], strict=True):
        assert {**one, "time_s": 0} == {**other, "time_s": 0}


@pytest.mark.parametrize(
    ("first", "second", "third", "named", "warnings"),
    [
        ("a", "a", "a", "a", 0),
        ("a", "b", "b", "a, b", 1),
        ("a", "b", "a", "a, b, a", 2),
        (None, "b", "b", "None, b", 1),
        (None, None, None, None, 0),
    ],
)
def test_a_run_made_by_several_commits_names_them_and_says_so(
    first: str, second: str, third: str, named: str, warnings: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recipe, path = Recipe(**SMALL), tmp_path / "c.pt"  # type: ignore[arg-type]

    def stop(content: dict[str, Any]) -> None:
        raise KilledError

    for commit in (first, second):
        with pytest.raises(KilledError):
            fit(recipe, stripes(64, 1), stripes(32, 2), {**run_of(recipe), "commit": commit}, path, on_epoch=stop)
    fit(recipe, stripes(64, 1), stripes(32, 2), {**run_of(recipe), "commit": third}, path)
    done = fit(recipe, stripes(64, 1), stripes(32, 2), {**run_of(recipe), "commit": "later"}, path)  # which makes nothing
    assert done["commit"] == read_checkpoint(path)["commit"] == named
    assert len(caplog.records) == warnings
    assert all("resumed with commit" in record.getMessage() for record in caplog.records)
    assert_same_weights(train(recipe, tmp_path / "whole.pt"), done)


@pytest.mark.parametrize("key", ["recipe", "seed", "data", "classes", "start"])
def test_a_checkpoint_of_another_run_is_refused(key: str, tmp_path: Path) -> None:
    recipe = Recipe(**{**SMALL, "epochs": 1})  # type: ignore[arg-type]
    train(recipe, tmp_path / "c.pt")
    others = {"recipe": {}, "seed": 9, "data": {"fer2013.csv": "ab"}, "classes": 8, "start": {"sha256": "ab"}}
    run = {**run_of(recipe), key: others[key]}
    with pytest.raises(CheckpointError, match=f"belongs to a run with another {key}"):
        fit(recipe, stripes(64, 1), stripes(32, 2), run, tmp_path / "c.pt")


def test_a_checkpoint_of_a_newer_mien_is_said_to_be_one(tmp_path: Path) -> None:
    recipe, path = Recipe(**{**SMALL, "epochs": 1}), tmp_path / "c.pt"  # type: ignore[arg-type]
    train(recipe, path)
    content = read_checkpoint(path)
    write_checkpoint(path, {**content, "recipe": {**content["recipe"], "key_of_tomorrow": 1}})
    with pytest.raises(CheckpointError, match=r"c.pt: is of another version of mien \(unknown recipe key"):
        fit(recipe, stripes(64, 1), stripes(32, 2), run_of(recipe), path)


def test_a_loss_that_is_no_number_ends_the_run_and_leaves_the_last_good_epoch(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    settings = {**SMALL, "optimizer": "sgd", "schedule": "steps", "drops": ((1, 1e38),)}
    with pytest.raises(UsageError, match="no number any more after epoch 2; lower learning_rate"):
        train(Recipe(**settings), path)  # type: ignore[arg-type]
    assert [entry["epoch"] for entry in read_checkpoint(path)["history"]] == [1]


def test_fewer_faces_than_a_batch_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="12 faces do not fill a batch of 16"):
        train(Recipe(**SMALL), tmp_path / "c.pt", n=12)  # type: ignore[arg-type]


DRIVER = """
import sys
import numpy as np
import torch
from mien.data import dataset
from mien.data.fer2013 import Faces
from mien.data.ferplus import Votes

torch.set_num_threads(1)
draw = np.random.default_rng(0)
usage = np.repeat([0, 1, 2], [400, 60, 4])
images = draw.integers(0, 256, (464, 48, 48), np.uint8)
counts = 10 * np.eye(10, dtype=np.uint8)[draw.integers(0, 8, 464)]
planted = dataset.Dataset(Faces(images, draw.integers(0, 7, 464), usage), Votes(counts, usage, np.ones(464, bool)), {"a": "b"})
dataset.read_dataset = lambda folder: planted
from mien.cli import main
main()
"""


@pytest.mark.slow
def test_mien_train_killed_at_random_moments_gives_the_same_weights(tmp_path: Path) -> None:
    """The real command in real processes, `kill -9`; only the data are planted, since the real ones take minutes."""
    (tmp_path / "driver.py").write_text(DRIVER)
    (tmp_path / "r.toml").write_text("epochs = 8\nbatch_size = 64\n")

    def start(out: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "driver.py", "train", "r.toml", "--data", ".", "--out", out, "--resume", "--threads", "1",
                   "--precision", "float32", "--device", "cpu"]  # fmt: skip
        return subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    began = time.perf_counter()
    whole = start("whole")
    assert whole.wait() == 0, whole.stderr and whole.stderr.read()
    whole_s = time.perf_counter() - began
    checkpoint = tmp_path / "killed" / "r-0" / "checkpoint.pt"
    draw, kills = random.Random(time.time_ns()), []
    while len(kills) < 12:
        delay_s = draw.uniform(0.2, 0.8) * whole_s
        process = start("killed")
        try:
            assert process.wait(delay_s) == 0, process.stderr and process.stderr.read()
            break
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            kills.append((delay_s, read_checkpoint(checkpoint)["epoch"] if checkpoint.exists() else 0))
    assert start("killed").wait() == 0
    assert any(0 < epoch < 8 for _, epoch in kills), kills  # at least one life ended in the midst
    one, other = (read_checkpoint(tmp_path / name / "r-0" / "checkpoint.pt") for name in ("whole", "killed"))
    assert_same_weights(one, other)
    assert [entry["valid_loss"] for entry in one["history"]] == [entry["valid_loss"] for entry in other["history"]]


@pytest.mark.parametrize(("optimizer", "schedule"), [("adam", "plateau"), ("sgd", "steps")])
def test_every_optimiser_and_schedule_learns_and_resumes(tmp_path: Path, optimizer: str, schedule: str) -> None:
    rates = {"adam": 0.005, "sgd": 0.05}
    recipe = Recipe(**SMALL, optimizer=optimizer, schedule=schedule, learning_rate=rates[optimizer], patience=1)  # type: ignore[arg-type]
    whole = train(recipe, tmp_path / "whole.pt")

    def stop(content: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(recipe, tmp_path / "cut.pt", on_epoch=stop)
    assert_same_weights(train(recipe, tmp_path / "cut.pt"), whole)
    assert whole["history"][-1]["loss"] < whole["history"][0]["loss"]


def test_a_run_stops_early_and_stays_stopped(tmp_path: Path) -> None:
    recipe = Recipe(**{**SMALL, "epochs": 50}, stop_after=1, learning_rate=1e-9, averaging=0.0)  # type: ignore[arg-type]
    first = train(recipe, tmp_path / "run.pt")
    assert first["epoch"] < 50
    assert train(recipe, tmp_path / "run.pt")["epoch"] == first["epoch"]


def test_the_double_channels_weight_is_chosen_on_validation(tmp_path: Path) -> None:
    recipe = Recipe(**{**SMALL, "epochs": 1, "model": "double_channel"})  # type: ignore[arg-type]
    content = train(recipe, tmp_path / "c.pt", n=32)
    model = build_model("double_channel", 2)
    model.load_state_dict(content["kept"])
    faces, targets = (torch.from_numpy(array) for array in stripes(32, 2))
    losses = {}
    for weight in np.linspace(0, 1, 101):
        model.get_buffer("weight").fill_(weight)
        losses[weight] = validate(model, faces[:, None], targets)[0]
    chosen = losses[min(losses, key=lambda weight: abs(weight - content["kept"]["weight"].item()))]
    assert chosen == pytest.approx(min(losses.values()), abs=1e-5)  # flat there: not the weight itself
    assert chosen < losses[0.5]
