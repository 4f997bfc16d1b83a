"""A picture that ends the process which reads it costs itself alone, whatever the way."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from batch_pictures import PICTURES

from mien import Recognizer
from mien.batch.guard import Guard
from mien.batch.jobs import recognize_groups
from mien.errors import MienError, UsageError

GOOD = PICTURES / "hopper.jpg"


@pytest.mark.parametrize(
    ("how", "said"), [("exit", "exit code 7"), ("segv", "SIGSEGV"), ("memory", "damaged picture"), ("sleep", "longer than 3 s")]
)
def test_poison_is_named_and_costs_itself_alone(how, said, poisoned, tmp_path):
    (tmp_path / "bad.jpg").write_text(f"POISON {how} and more")
    with Guard({}, time_limit_s=3) as guard:
        first, bad, last = guard.recognize([GOOD, tmp_path / "bad.jpg", GOOD.read_bytes()])
    assert (len(first.faces), len(bad.faces), len(last.faces)) == (1, 0, 1)
    assert said in bad.error
    assert (first.error, last.error) == (None, None)


def test_what_is_guarded_answers_as_the_recogniser_does(guard):
    pictures = [*sorted(PICTURES.iterdir()), GOOD.read_bytes(), b"", Path("nowhere.jpg")]
    assert guard.recognize(pictures) == Recognizer().predict_batch(pictures)
    assert guard.recognize([GOOD], whole_image=True) == Recognizer().predict_batch([GOOD], whole_image=True)
    assert guard.recognize([]) == []


def test_options_that_the_recogniser_refuses_are_its_own_error():
    with Guard({"model": "nobody"}) as guard, pytest.raises(UsageError, match="unknown model 'nobody'"):
        guard.recognize([GOOD])


def test_a_process_that_cannot_start_is_no_pictures_fault(monkeypatch):
    monkeypatch.setattr("mien.worker.COMMAND", (sys.executable, "-c", "raise SystemExit(3)"))
    with Guard({}) as guard, pytest.raises(MienError, match=r"cannot be started: the process ended \(exit code 3\)\.$"):
        guard.recognize([GOOD])


def test_what_lies_beside_the_pictures_is_not_imported(tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    with Guard({}) as guard:
        assert len(guard.recognize([GOOD])[0].faces) == 1


def test_the_process_ends_with_who_started_it(tmp_path):
    code = (
        "from mien.batch.guard import Guard; import os; guard = Guard({}); guard.recognize([b'x']);"
        "print(guard._worker._process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    status = Path(f"/proc/{int(done.stdout)}/stat")
    for _ in range(50):
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.1)
    pytest.fail("it is still there")


def test_groups_come_in_their_order_though_an_earlier_one_is_slow():
    large = PICTURES / "astronaut.jpg"
    groups = [[large] * 8, [GOOD], [], [b"no picture"], [GOOD, large], *[[GOOD]] * 12]
    found = list(recognize_groups(iter(groups), {}, 2))
    expected = [Recognizer().predict_batch(group) for group in groups]
    assert [[replace(result, model={}) for result in group] for group in found] == [
        [replace(result, model={}) for result in group] for group in expected
    ]
