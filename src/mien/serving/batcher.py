"""Pictures that arrive together are recognised together, beside the event loop; the queue is bounded."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Generic, TypeVar

from mien.worker import CrashError, StuckError, Worker

T = TypeVar("T")
R = TypeVar("R")
Waiting = tuple[T, asyncio.Future[R | Exception]]
LOG = logging.getLogger("mien.serve")


class BusyError(Exception):
    """The queue is full."""


class Batcher(Generic[T, R]):
    """Hands items to workers, each of which answers several at once, in their order.

    A free worker takes what waits at once, up to `together`: nothing is held back for others to come, so that batching is
    never slower than none, and under load what came meanwhile goes together. capacity: items that wait or are worked on.
    Items on which a worker fails, crashes or takes more than `limit_s` are tried each alone, so that none takes others along.
    """

    def __init__(self, workers: Sequence[Worker[Sequence[T], list[R]]], together: int, capacity: int, limit_s: float = 60.0):
        self._workers, self._idle = list(workers), list(workers)
        self._pool = ThreadPoolExecutor(len(workers), "mien-worker")
        self._together, self._capacity, self._limit_s = together, capacity, limit_s
        self._waiting: deque[Waiting[T, R]] = deque()
        self._held = 0
        self.on_batch: Callable[[int], None] = lambda size: None
        """Told of each batch's size."""
        self.on_crash: Callable[[], None] = lambda: None

    @property
    def held(self) -> int:
        """Items that wait or are worked on."""
        return self._held

    def fits(self, count: int) -> bool:
        return self._held + count <= self._capacity

    def start(self) -> None:
        """Returns when all workers are ready. Raises AnswerError where one cannot be built."""
        list(self._pool.map(Worker.start, self._workers))

    async def submit(self, items: Sequence[T]) -> list[R | Exception]:
        """The answers, in order, each of them or why there is none. Raises BusyError at once where they do not fit in."""
        if not self.fits(len(items)):
            raise BusyError
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[R | Exception]] = [loop.create_future() for _ in items]
        self._held += len(items)
        self._waiting.extend(zip(items, futures, strict=True))
        self._start()
        return await asyncio.gather(*futures)

    def close(self) -> None:
        """Waits for what is worked on, then ends all workers at once."""
        self._pool.shutdown()
        with ThreadPoolExecutor(len(self._workers)) as pool:
            list(pool.map(Worker.close, self._workers))

    def _start(self) -> None:
        """Gives what waits to the workers that are idle."""
        while self._idle and self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(self._together, len(self._waiting)))]
            worker = self._idle.pop()
            self.on_batch(len(batch))
            work = asyncio.get_running_loop().run_in_executor(self._pool, self._answer, worker, [item for item, _ in batch])
            work.add_done_callback(partial(self._finish, worker, batch))

    def _finish(
        self, worker: Worker[Sequence[T], list[R]], batch: Sequence[Waiting[T, R]], done: "asyncio.Future[list[R | Exception]]"
    ) -> None:
        self._idle.append(worker)
        self._held -= len(batch)
        for (_, future), answer in zip(batch, done.result(), strict=True):
            if not future.cancelled():  # else whoever asked has gone
                future.set_result(answer)
        self._start()

    def _answer(self, worker: Worker[Sequence[T], list[R]], items: Sequence[T], again: bool = True) -> list[R | Exception]:
        """again: one that crashes alone is tried once more, since the worker may have been dying before."""
        try:
            return [*worker.ask(items, self._limit_s)]
        except Exception as error:
            LOG.exception("a batch of %d failed", len(items))
            crashed = isinstance(error, CrashError)
            if crashed:
                self.on_crash()
            if len(items) == 1 and not (again and crashed and not isinstance(error, StuckError)):
                return [error]
        return [answer for item in items for answer in self._answer(worker, [item], again=False)]
