"""Workers and the queue before them, on functions whose answers are known."""

import asyncio
import os
import threading
import time

import pytest
from tests.serving.poisons import hanging, refusing, shouting, twice

from mien.serving.batcher import Batcher, BusyError
from mien.worker import AnswerError, CrashError, StuckError, Worker

pytestmark = pytest.mark.usefixtures("importable")


@pytest.fixture
def worker():
    worker = Worker(twice)
    yield worker
    worker.close()


def test_it_answers_in_order_and_goes_on_after_a_failure(worker):
    assert worker.ask([1, 2, 3], 10) == [2, 4, 6]
    with pytest.raises(AnswerError, match="ValueError: invalid literal"):
        worker.ask(["x"], 10)
    assert worker.ask([5], 10) == [10]


def test_one_that_dies_is_started_again(worker):
    with pytest.raises(CrashError, match=r"ended \(SIGABRT\)"):
        worker.ask([1, 0], 10)
    assert worker.ask([4], 10) == [8]


def test_one_that_takes_too_long_is_ended(importable):
    worker = Worker(twice)
    worker.start()
    os.kill(worker._process.pid, 19)  # SIGSTOP: it hangs
    began = time.monotonic()
    with pytest.raises(StuckError, match=r"longer than 0\.3 s"):
        worker.ask([1], 0.3)
    assert 0.2 < time.monotonic() - began < 5
    assert worker.ask([1], 10) == [2]
    worker.close()


def test_too_long_is_no_crash_though_the_end_is_seen_before_the_kill_returns(worker, monkeypatch):
    worker.start()
    kill, seen = worker._process.kill, threading.Event()

    def slow_kill():
        kill()
        if isinstance(threading.current_thread(), threading.Timer):
            seen.wait(10)

    monkeypatch.setattr(worker._process, "kill", slow_kill)
    os.kill(worker._process.pid, 19)
    with pytest.raises(StuckError):
        worker.ask([1], 0.3)
    seen.set()


def test_one_that_is_never_ready_is_ended_and_holds_up_no_close():
    worker = Worker(hanging, start_s=0.3)
    for call in (worker.start, lambda: worker.ask([1], 10)):
        with pytest.raises(StuckError, match=r"longer than 0\.3 s"):
            call()
    (answer,) = run(Batcher([worker], together=8, capacity=8), [1])[0]
    assert isinstance(answer, StuckError)


def test_what_is_printed_is_no_answer():
    worker = Worker(shouting)
    assert worker.ask(["a"], 10) == ["a"]
    worker.close()


def test_what_cannot_be_built_says_why_each_time():
    worker = Worker(refusing)
    for _ in range(2):
        with pytest.raises(AnswerError, match="ValueError: not built"):
            worker.start()


def run(batcher, *groups):
    async def submit():
        return await asyncio.gather(*[batcher.submit(group) for group in groups], return_exceptions=True)

    try:
        return asyncio.run(submit())
    finally:
        batcher.close()


def test_each_gets_its_own_and_only_what_fails_fails():
    sizes, crashes = [], []
    batcher = Batcher([Worker(twice)], together=8, capacity=20)
    batcher.on_batch, batcher.on_crash = sizes.append, lambda: crashes.append(1)
    first, failed, dead, last = run(batcher, [1], [2, "x", 3], [4, 0], [5])
    assert (first, last) == ([2], [10])
    assert (failed[0], failed[2], dead[0]) == (4, 6, 8)
    assert isinstance(failed[1], AnswerError)
    assert isinstance(dead[1], CrashError)
    assert sizes == [1, 6]  # the first goes at once, alone; what came meanwhile goes together
    assert len(crashes) == 2  # with the others, and alone
    assert batcher.held == 0


def test_what_does_not_fit_is_refused_at_once_and_the_rest_is_answered():
    batcher = Batcher([Worker(twice)], together=2, capacity=3)
    answers = run(batcher, [1, 2], [3, 4], [5])
    assert answers[0] == [2, 4]
    assert isinstance(answers[1], BusyError)
    assert answers[2] == [10]


def test_no_batch_is_larger_than_it_may_be_and_workers_share():
    sizes = []
    batcher = Batcher([Worker(twice), Worker(twice)], together=3, capacity=100)
    batcher.on_batch = sizes.append
    assert run(batcher, *[[i] for i in range(1, 21)]) == [[2 * i] for i in range(1, 21)]
    assert max(sizes) == 3
    assert sum(sizes) == 20


def test_a_worker_that_was_dying_before_costs_nothing():
    worker, crashes = Worker(twice), []
    batcher = Batcher([worker], together=8, capacity=20)
    batcher.on_crash = lambda: crashes.append(1)
    batcher.start()
    os.kill(worker._process.pid, 19)
    threading.Timer(0.2, worker._process.kill).start()
    assert run(batcher, [7]) == [[14]]
    assert crashes == [1]


def test_who_goes_away_disturbs_nobody():
    batcher = Batcher([Worker(twice)], together=1, capacity=10)

    async def scene():
        tasks = [asyncio.create_task(batcher.submit([i])) for i in (1, 2, 3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, gone, last = asyncio.run(scene())
    batcher.close()
    assert (first, last) == ([2], [6])
    assert isinstance(gone, asyncio.CancelledError)
    assert batcher.held == 0
