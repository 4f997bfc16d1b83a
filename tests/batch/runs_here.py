"""Runs in this process, without Ray."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mien.batch.guard import Guard
from mien.batch.parts import Source
from mien.batch.run import prepare, run
from mien.batch.store import Plan, Store
from mien.batch.work import Counts, Job, score_part
from mien.cli.inputs import SUFFIXES
from mien.inference.recognizer import Recognizer

MODEL = dict(Recognizer().model)
OPTIONS = {"model": "mien"}


def source_of(name: object, size: int = 2, base: Path = Path("/")) -> Source:
    return Source(str(name), str(base), frozenset(SUFFIXES), size)


def job_of(name: object, size: int = 2, base: Path = Path("/")) -> Job:
    return Job(source_of(name, size, base), OPTIONS, MODEL)


class Here:
    """Scores parts in this process's guard; stops by KeyboardInterrupt before the part after `most`."""

    def __init__(self, guard: Guard, most: int = 10**9):
        self.guard, self.most, self.scored = guard, most, 0

    def __call__(self, job: Job, plan: Path, pending: Sequence[int]) -> Iterator[tuple[int, bytes, Counts]]:
        for number in pending:
            if self.scored == self.most:
                raise KeyboardInterrupt
            self.scored += 1
            yield number, *score_part(job, Plan(plan).part(number), self.guard)


def score_here(job: Job, out: Path, guard: Guard) -> Store:
    job, store = prepare(job, out)
    list(run(job, store, Here(guard)))
    return store
