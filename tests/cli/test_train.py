"""`mien train` for real, on planted faces; only what reads the data is replaced."""

import json

import numpy as np
import pytest
import torch
from rich.progress import Progress

from mien.cli.train import shown
from mien.data.dataset import Dataset
from mien.data.fer2013 import Faces
from mien.data.ferplus import Votes
from mien.evaluation.runs import read_run
from mien.training import loop
from mien.training.checkpoint import read_checkpoint

SIZES = [64, 20, 4]  # of train, valid and test


@pytest.fixture
def train(mien, monkeypatch, tmp_path):
    """Runs `mien train` for two epochs on planted faces, into `runs`; words are added to the command."""
    draw = np.random.default_rng(0)
    n, usage = sum(SIZES), np.repeat([0, 1, 2], SIZES)
    faces = Faces(draw.integers(0, 256, (n, 48, 48), np.uint8), draw.integers(0, 7, n), usage)
    votes = Votes(10 * np.eye(10, dtype=np.uint8)[draw.integers(0, 8, n)], usage, np.ones(n, bool))
    monkeypatch.setattr("mien.data.dataset.read_dataset", lambda folder: Dataset(faces, votes, {"a": "b"}))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text("epochs = 2\nbatch_size = 32\n")
    words = ["--data", ".", "--out", "runs", "--precision", "float32", "--device", "cpu", "--threads", 1]
    return lambda *more: mien("train", "tiny.toml", *words, *more)


def test_a_run_leaves_a_checkpoint_a_history_and_one_line(train, tmp_path):
    code, text, said = train("--seed", 2**32 - 1, "--set", "model=compact")
    folder = tmp_path / "runs" / f"tiny-{2**32 - 1}"
    assert sorted(path.name for path in folder.iterdir()) == ["checkpoint.pt", "history.json"]
    content, history = read_checkpoint(folder / "checkpoint.pt"), json.loads((folder / "history.json").read_text())
    assert [entry["epoch"] for entry in history["history"]] == [1, 2]
    assert {key: content[key] for key in history} == history
    assert (history["recipe"]["model"], history["seed"], history["data"]) == ("compact", 2**32 - 1, {"a": "b"})
    assert code == 0
    assert json.loads(text) == {
        "run": f"runs/{folder.name}",
        "result": f"results/{folder.name}.json",
        "n_valid": 20,
        **history["history"][-1],
    }
    assert "epoch 2" in said
    run, answers = read_run(tmp_path / "results" / f"{folder.name}.json")
    assert {key: run[key] for key in history} == history
    assert run["command"].startswith(f"mien train recipes/tiny.toml --data DIR --seed {2**32 - 1} --precision float32")
    assert run["parameters"] == 171_137
    assert {name: len(found.logits) for name, found in answers.items()} == {"valid": 20, "test": 4}
    assert {name: scores["published"]["n"] for name, scores in run["scores"]["raw"].items()} == {"valid": 20, "test": 4}


def test_a_development_run_leaves_the_test_split_alone(train, tmp_path):
    assert train("--valid-only", "--set", "epochs=1")[0] == 0
    run, answers = read_run(tmp_path / "results" / "tiny-0.json")
    assert list(answers) == list(run["scores"]["raw"]) == ["valid"]


def test_a_student_learns_from_the_teachers_that_it_names(train, tmp_path):
    train("--set", "epochs=1", "--set", "name=teacher")
    teacher = ["--teacher", "runs/teacher-0/checkpoint.pt"]
    code, _, said = train(*teacher)
    assert (code, said) == (2, "mien: distillation needs both: `distillation` above 0 in the recipe, and a --teacher.\n")
    assert train("--set", "distillation=0.5")[0] == 2
    assert train(*teacher, "--set", "distillation=0.5", "--set", "views=1", "--set", "model=swift")[0] == 0
    run, _ = read_run(tmp_path / "results" / "tiny-0.json")
    assert run["command"].endswith(" --teacher runs/teacher-0/checkpoint.pt")
    assert list(run["teachers"]) == ["runs/teacher-0/checkpoint.pt"]
    code, _, said = train("--resume", "--set", "distillation=0.5", "--set", "views=1", "--set", "model=swift",
                          "--teacher", "runs/tiny-0/checkpoint.pt")  # fmt: skip
    assert code == 1
    assert "belongs to a run with another teachers" in said


def test_each_seed_is_a_run_and_none_is_trained_where_one_is_there_already(train, tmp_path):
    assert train("--seeds", 2, "--set", "epochs=1")[0] == 0
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["tiny-0", "tiny-1"]
    (tmp_path / "runs" / "tiny-0" / "checkpoint.pt").unlink()
    code, text, said = train("--seeds", 2)
    assert (code, text) == (2, "")
    assert said == "mien: runs/tiny-1: holds a run already; go on with --resume, or choose another --out.\n"
    assert not (tmp_path / "runs" / "tiny-0" / "checkpoint.pt").exists()


def test_no_run_takes_the_place_of_anothers_result(train, tmp_path):
    assert train("--set", "epochs=1")[0] == 0
    before = (tmp_path / "results" / "tiny-0.json").read_bytes()
    for more in (["--out", "elsewhere"], ["--out", "elsewhere", "--resume"]):
        code, text, said = train(*more)
        assert (code, text) == (2, "")
        assert said == "mien: results/tiny-0.json: holds the result of another run; choose another --results.\n"
    assert not (tmp_path / "elsewhere").exists()
    assert train("--set", "epochs=1", "--resume")[0] == 0
    assert train("--out", "elsewhere", "--results", "mine")[0] == 0
    assert (tmp_path / "results" / "tiny-0.json").read_bytes() == before


def test_a_resumed_run_and_its_bar_go_on_from_the_last_whole_epoch(train, tmp_path, monkeypatch):
    seen = []
    add_task, view = Progress.add_task, loop.view

    def add(self, *words, **options):
        seen.append(options["completed"])
        return add_task(self, *words, **options)

    def stop(faces, recipe):
        if (tmp_path / "runs" / "tiny-0" / "checkpoint.pt").exists():
            raise KeyboardInterrupt
        return view(faces, recipe)

    monkeypatch.setattr(Progress, "add_task", add)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "view", stop)
        assert train()[0] == 130
    code, text, _ = train("--resume")
    assert (code, json.loads(text)["epoch"], seen) == (0, 2, [0, 1])


@pytest.mark.parametrize("terminal", ["", "1"])
def test_a_name_that_looks_like_markup_is_said_as_it_is(capsys, monkeypatch, terminal):
    monkeypatch.setenv("FORCE_COLOR", terminal)
    with shown("net[/v2]", 1, 0) as (_, on_epoch):
        on_epoch({"epoch": 1, "loss": 1.0, "valid_accuracy": 0.5})
    assert "net[/v2] epoch 1 loss 1.000" in capsys.readouterr().err


def test_a_history_that_a_kill_cut_off_is_written_by_resuming(train, tmp_path):
    train()
    path = tmp_path / "runs" / "tiny-0" / "history.json"
    before = path.read_text()
    path.unlink()
    assert train("--resume")[0] == 0
    assert path.read_text() == before


@pytest.mark.parametrize("place", ["file", "file/below", "runs"])
def test_a_place_that_cannot_be_written_is_said_before_the_data_is_read(train, tmp_path, monkeypatch, place):
    (tmp_path / "file").touch()
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "tiny-0").touch()
    monkeypatch.setattr("mien.data.dataset.read_dataset", lambda folder: pytest.fail("was read"))
    code, text, said = train("--out", place)
    assert (code, text) == (2, "")
    assert said.startswith(f"mien: --out {place}/tiny-0: cannot be made or written (")
    assert said.count("\n") == 1


@pytest.mark.parametrize("seed", [-1, 2**32, 99999999999999999999])
def test_a_seed_out_of_range_is_a_usage_error(train, seed):
    code, _, said = train("--seed", seed)
    assert code == 2
    assert "Invalid value for '--seed'" in said


def test_no_number_of_threads_is_all_cores_that_may_be_used(train, monkeypatch):
    asked = []
    monkeypatch.setattr("mien.machine.os.sched_getaffinity", lambda pid: {1, 3, 4}, raising=False)
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    assert train("--threads", 0, "--set", "epochs=1")[0] == 0
    assert asked == [3]
