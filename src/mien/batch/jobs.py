"""Pictures shared among processes on this machine, their results in the pictures' order."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from mien.batch.guard import Guard
from mien.machine import count_cores
from mien.results import Result

AHEAD = 4
"""Groups that wait or are done for each process while an earlier one is not: what is slow does not let memory grow."""


def recognize_groups(
    groups: Iterable[Sequence[Path | bytes]], options: Mapping[str, Any], jobs: int, whole_image: bool = False
) -> Iterator[list[Result]]:
    """The results of each group, in order, from `jobs` processes; a picture that ends one of them has `error`.

    jobs: 0 for one a core. options: of Recognizer. Raises MienError where that cannot be started.
    """
    jobs = jobs or count_cores()
    guards = [Guard(options) for _ in range(jobs)]
    free: SimpleQueue[Guard] = SimpleQueue()
    for guard in guards:
        free.put(guard)

    def work(group: Sequence[Path | bytes]) -> list[Result]:
        guard = free.get()
        try:
            return guard.recognize(group, whole_image)
        finally:
            free.put(guard)

    pool = ThreadPoolExecutor(jobs)
    waiting: deque[Future[list[Result]]] = deque()
    try:
        for group in groups:
            waiting.append(pool.submit(work, group))
            if len(waiting) > AHEAD * jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for guard in guards:
            guard.close()
