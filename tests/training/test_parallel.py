"""Two processes by torchrun, as a user starts them: the weights of one process, and safe to kill."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from mien.errors import UsageError
from mien.training import parallel
from mien.training.checkpoint import read_checkpoint

DRIVER = """
import sys
import numpy as np
import torch
from torch import nn
from mien.data import dataset
from mien.data.fer2013 import Faces
from mien.data.ferplus import Votes
from mien.models import register

@register("normless")
def normless(classes, dropout):
    return nn.Sequential(nn.Conv2d(1, 8, 5, 4), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 11 * 11, classes))

draw = np.random.default_rng(0)
usage = np.repeat([0, 1, 2], [256, 60, 4])
images = draw.integers(0, 256, (320, 48, 48), np.uint8)
counts = 10 * np.eye(10, dtype=np.uint8)[draw.integers(0, 8, 320)]
planted = dataset.Dataset(Faces(images, draw.integers(0, 7, 320), usage), Votes(counts, usage, np.ones(320, bool)), {"a": "b"})
dataset.read_dataset = lambda folder: planted
from mien.cli import main
main()
"""
TORCHRUN = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-addr", "127.0.0.1", "--master-port"]


def test_alone_nothing_is_shared() -> None:
    model = torch.nn.Linear(1, 1)
    assert parallel.share(7) == slice(None)
    assert parallel.shared(model) is model
    assert parallel.is_first()
    assert (parallel.count_processes(), parallel.from_first("a")) == (1, "a")


def test_a_batch_that_cannot_be_shared_evenly_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(parallel.distributed, "get_world_size", lambda: 3)
    with pytest.raises(UsageError, match="batch_size 128 cannot be shared by 3 processes; choose a multiple of 3"):
        parallel.share(128)


@pytest.fixture
def start(tmp_path: Path):
    """Starts `mien train` on planted faces; processes: one, or two by torchrun in a process group of their own."""
    (tmp_path / "driver.py").write_text(DRIVER)
    (tmp_path / "r.toml").write_text("epochs = 4\nbatch_size = 32\ndropout = 0.0\n")
    started: list[subprocess.Popen[bytes]] = []

    def begin(out: str, processes: int, model: str, epochs: int = 4) -> subprocess.Popen[bytes]:
        launcher = [*TORCHRUN, str(29500 + os.getpid() % 500 + len(started))] if processes > 1 else []
        command = [sys.executable, *launcher, "driver.py", "train", "r.toml", "--data", ".", "--out", out, "--resume",
                   "--threads", "1", "--precision", "float32", "--device", "cpu", "--set", f"model={model}",
                   "--set", f"epochs={epochs}"]  # fmt: skip
        where = {**os.environ, "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(command, cwd=tmp_path, env=where, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   start_new_session=True)  # fmt: skip
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def finished(process: subprocess.Popen[bytes]) -> str:
    out, said = process.communicate(timeout=240)
    assert process.returncode == 0, said.decode()[-3000:]
    return out.decode()


@pytest.mark.slow
def test_two_processes_give_one_processs_weights_and_write_once(start, tmp_path: Path) -> None:
    lines = [finished(start(f"by{n}", n, "normless", epochs=2)) for n in (1, 2)]
    assert [line.count("\n") for line in lines] == [1, 1]
    one, two = (read_checkpoint(tmp_path / f"by{n}" / "r-0" / "checkpoint.pt") for n in (1, 2))
    assert (one["environment"]["processes"], two["environment"]["processes"]) == (1, 2)
    for key in ("kept", "model"):
        for name, value in one[key].items():
            torch.testing.assert_close(two[key][name], value, rtol=0, atol=1e-5)
    for entry, other in zip(one["history"], two["history"], strict=True):
        assert (other["loss"], other["valid_loss"]) == pytest.approx((entry["loss"], entry["valid_loss"]), abs=1e-4)


@pytest.mark.slow
def test_two_processes_killed_and_resumed_give_the_same_weights(start, tmp_path: Path) -> None:
    """With batch norm too, whose statistics are the first process's."""
    finished(start("whole", 2, "swift"))
    killed = start("killed", 2, "swift")
    checkpoint, until_s = tmp_path / "killed" / "r-0" / "checkpoint.pt", time.monotonic() + 120
    while not (checkpoint.exists() and read_checkpoint(checkpoint)["epoch"] >= 2) and time.monotonic() < until_s:
        time.sleep(0.02)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert 2 <= read_checkpoint(checkpoint)["epoch"] < 4
    finished(start("killed", 2, "swift"))
    whole, resumed = (read_checkpoint(tmp_path / name / "r-0" / "checkpoint.pt") for name in ("whole", "killed"))
    for name, value in whole["kept"].items():
        torch.testing.assert_close(resumed["kept"][name], value, rtol=1e-4, atol=1e-5)
