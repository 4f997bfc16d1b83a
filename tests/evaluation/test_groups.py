"""Runs gathered from a folder: what stands together, and what a spoilt folder gets."""

import json
import shutil

import numpy as np
import pytest
from tests.evaluation.planted_runs import plant

from mien.errors import DataError
from mien.evaluation.calibration import softmax
from mien.evaluation.groups import read_groups
from mien.evaluation.intervals import bootstrap


def test_seeds_of_one_recipe_stand_together_and_nothing_else_does(tmp_path):
    for seed in (10, 2, 0):
        plant(tmp_path, "mien", seed)
    plant(tmp_path, "mien", 3, learning_rate=0.001)
    plant(tmp_path, "mien", 4, done=2)
    plant(tmp_path, "mien", 5, splits=("valid",))
    plant(tmp_path, "mien", 6, teachers={"a.pt": "abc"}, distillation=0.5)
    plant(tmp_path, "mien", 7, teachers={"b.pt": "def"}, distillation=0.5)
    plant(tmp_path, "mien", 9, start={"path": "c.pt", "sha256": "abc"})
    plant(tmp_path, "mien", 8, epochs=4)
    plant(tmp_path, "another", 1)
    (tmp_path / "bench.json").write_text('{"times_ms": {}}')
    found = [(group.name, group.seeds) for group in read_groups(tmp_path)]
    assert found[:2] == [("another", [1]), ("mien", [8])]  # by name, then those with more epochs first
    assert sorted(seeds for _, seeds in found[2:]) == [[0, 2, 10], [3], [4], [5], [6], [7], [9]]


def test_values_median_and_best_are_those_of_the_runs(tmp_path):
    runs = [plant(tmp_path, "mien", seed)[0] for seed in range(4)]
    (group,) = read_groups(tmp_path)
    for kind in ("raw", "calibrated"):
        expected = [run["scores"][kind]["test"]["leak-free"]["log_loss"] for run in runs]
        assert group.values("log_loss", "leak-free", kind) == expected
    valid = {run["seed"]: run["scores"]["raw"]["valid"]["published"]["accuracy"] for run in runs}
    assert group.median[0]["seed"] == sorted(valid, key=lambda seed: (valid[seed], seed))[1]
    test = [run["scores"]["raw"]["test"]["published"]["accuracy"] for run in runs]
    assert test[group.best] == max(test)


def test_intervals_are_bootstraps_of_the_calibrated_answers_with_mean_ends(tmp_path):
    ends = []
    for seed in range(2):
        run, answers = plant(tmp_path, "mien", seed)
        test = answers["test"]
        rows = (test.classes >= 0) & test.leak_free
        ends.append(bootstrap(softmax(test.logits[rows], run["temperature"]), test.classes[rows])["balanced_accuracy"])
    (group,) = read_groups(tmp_path)
    assert group.intervals["leak-free"]["balanced_accuracy"] == pytest.approx(np.mean(ends, 0))


def test_intervals_that_the_run_states_itself_are_taken(tmp_path):
    plant(tmp_path)
    path = tmp_path / "mien-0.json"
    run = json.loads(path.read_text())
    run["scores"]["calibrated"]["test"]["published"]["interval"] = {"accuracy": [0.1, 0.2], "balanced_accuracy": [0.3, 0.4]}
    path.write_text(json.dumps(run))
    (group,) = read_groups(tmp_path)
    assert group.intervals["published"] == {"accuracy": [0.1, 0.2], "balanced_accuracy": [0.3, 0.4]}


@pytest.mark.parametrize(
    ("short", "name", "more"),
    [
        (False, "own", {"epochs": 3}),
        (True, "own", {"epochs": 3, "done": 2}),
        (True, "seed", {"epochs": 60}),
        (True, "seed", {"epochs": 400, "done": 100, "stop_after": 30}),
        (False, "seed", {"epochs": 400, "stop_after": 3, "done": 5, "valid_losses": [2, 1, 1.5, 1.2, 1]}),
        (True, "seed", {"epochs": 400, "stop_after": 3, "done": 5, "valid_losses": [2, 1.1, 1, 1.2, 1]}),
        (True, "equal-vgg13", {"epochs": 5}),
        (False, "equal-vgg13", {"epochs": 20}),
        (False, "equal-vgg13", {"epochs": 100}),
    ],
)
def test_short_is_what_has_fewer_epochs_than_its_recipe_is_published_with(tmp_path, short, name, more):
    plant(tmp_path, name, **more)
    (group,) = read_groups(tmp_path)
    assert group.is_short == short


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.write_text(path.read_text()[:300]), "mien-0.json: is cut short"),
        (lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 9})), "mien-0.json: has schema 9"),
        (lambda path: path.with_suffix(".npz").write_bytes(path.with_suffix(".npz").read_bytes()[:300]), "cut short"),
        (lambda path: path.with_suffix(".npz").unlink(), "mien-0.json: is cut short or no run"),
        (lambda path: [shutil.copy(path.with_suffix(end), path.with_name(f"copy{end}")) for end in (".json", ".npz")], "twice"),
        (
            lambda path: path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != "command"})),
            "lacks 'command'",
        ),
    ],
)
def test_a_spoilt_run_is_said_to_be(tmp_path, spoil, words):
    plant(tmp_path)
    plant(tmp_path, "mien", 1)
    spoil(tmp_path / "mien-0.json")
    with pytest.raises(DataError, match=words):
        read_groups(tmp_path)


def test_a_folder_without_runs_is_said_to_be(tmp_path):
    (tmp_path / "bench.json").write_text('{"times_ms": {}}')
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(DataError, match="holds no finished run; expected NAME-SEED"):
            read_groups(folder)
