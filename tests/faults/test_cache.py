"""The cache when it is killed, shared, or has no place: the same arrays, or only the time that it would have saved."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mien.data.cache import cached

SHAPE = (2_000_000,)
BUILD = f"""
import sys, time
import numpy as np
from mien.data.cache import cached
built = []
def build():
    built.append(1)
    print("builds", flush=True)
    sys.stdin.readline()
    return {{"a": np.arange({SHAPE[0]})}}
found = cached("k" * 40, build)
print(len(built), int(found["a"].sum()), len(found["a"]), flush=True)
"""
WHOLE = {"a": np.arange(*SHAPE)}


def start(cache: Path) -> subprocess.Popen[str]:
    """One that is at its building, and goes on when it is told to."""
    process = subprocess.Popen([sys.executable, "-c", BUILD], env={"MIEN_CACHE": str(cache)}, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == "builds\n"
    return process


def refuse() -> dict[str, np.ndarray]:
    raise AssertionError("it is there, and was built again")


@pytest.mark.slow
def test_killed_at_any_moment_of_writing_it_leaves_nothing_that_is_read(tmp_path, monkeypatch):
    """Until the file stands; each time later than the last."""
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path))
    cut = 0
    for wait_s in np.arange(0, 0.05, 0.004):
        process = start(tmp_path)
        process.stdin.write("\n")
        process.stdin.flush()
        until_s = time.monotonic() + 20
        while not any(tmp_path.iterdir()) and process.poll() is None and time.monotonic() < until_s:
            pass
        time.sleep(wait_s)
        process.kill()
        process.wait()
        whole = [path for path in tmp_path.iterdir() if path.suffix == ".npz"]
        cut += not whole
        assert np.array_equal(cached("k" * 40, refuse if whole else lambda: WHOLE)["a"], WHOLE["a"])
        for path in tmp_path.iterdir():
            path.unlink()
    assert cut, "no kill came before its end"


@pytest.mark.slow
def test_two_that_build_it_at_once_both_get_it_whole_and_so_does_the_next(tmp_path, monkeypatch):
    processes = [start(tmp_path), start(tmp_path)]
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate()[0] for process in processes]
    assert said == [f"1 {WHOLE['a'].sum()} {SHAPE[0]}\n"] * 2
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path))
    assert np.array_equal(cached("k" * 40, refuse)["a"], WHOLE["a"])
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]


@pytest.mark.parametrize("home", [None, "/dev/null", "/proc/nowhere"])
def test_no_home_or_one_that_takes_nothing_only_costs_time(monkeypatch, home):
    for name in ("MIEN_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    if home:
        monkeypatch.setenv("HOME", home)
    else:
        monkeypatch.delenv("HOME")
        monkeypatch.setattr("os.path.expanduser", lambda path: path)  # as for a user whom the system does not know
    for _ in range(2):
        assert np.array_equal(cached("k" * 40, lambda: WHOLE)["a"], WHOLE["a"])


def test_a_cache_from_the_future_is_a_cache(tmp_path, monkeypatch):
    """The clock went back since it was written: it is known by its content, not by its age."""
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path))
    cached("k" * 40, lambda: WHOLE)
    (path,) = tmp_path.iterdir()
    os.utime(path, (4e9, 4e9))
    assert np.array_equal(cached("k" * 40, refuse)["a"], WHOLE["a"])
