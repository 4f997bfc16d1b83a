"""What stands between a request and the recognisers: who may ask, how much of it, and what comes back."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from starlette.requests import Request

from mien.errors import UsageError
from mien.inference.recognizer import Recognizer
from mien.machine import count_cores
from mien.media.images import TOO_LARGE
from mien.results import Result
from mien.serving.answers import SOURCE, Asked, build_answer
from mien.serving.batcher import Batcher, BusyError
from mien.serving.body import Body, Room
from mien.serving.gate import Gate
from mien.serving.limits import Limits
from mien.serving.metrics import Metrics
from mien.serving.problems import ProblemError, busy
from mien.worker import Worker, WorkerError

PICTURE_FAILED = "the recogniser failed at this picture; the service's log says why."
FULL = "the queue is full"


class Service:
    """One recogniser in each of `workers` processes, behind a queue. draining: it takes nothing new any more.

    build: pickled, so a class, a function of a module, or a partial of one. workers: 0 for as many as there are cores.
    """

    def __init__(self, build: Callable[[], Recognizer], limits: Limits, gate: Gate, workers: int = 0):
        self.limits, self.gate, self.metrics, self.draining = limits, gate, Metrics(), False
        first = build()
        self.model, self.about = first.model, first.bundle.meta
        self._room = Room(limits.held_bytes)
        processes = [
            Worker[Sequence[Asked], list[Result]](partial(build_answer, build)) for _ in range(workers or count_cores())
        ]
        self.batcher = Batcher(processes, limits.together, limits.queue, limits.work_s)
        self.batcher.on_batch, self.batcher.on_crash = self.metrics.batches.observe, self.metrics.crashes.inc
        self.metrics.queue.set_function(lambda: self.batcher.held)

    def start(self) -> None:
        """Returns when the workers are ready. Raises UsageError for an engine or a detector that cannot be built."""
        try:
            self.batcher.start()
        except WorkerError as error:
            raise UsageError(f"a worker did not start ({error}).") from None

    def close(self) -> None:
        """Ends the workers, when they have done what they are at."""
        self.batcher.close()

    async def recognize(self, request: Request, whole: bool) -> tuple[list[Result], bool]:
        """The results of a request's pictures, and whether it had several. Raises ProblemError.

        Of several, one that could not be read, or at which the recogniser failed, has `error`.
        """
        if self.draining:
            raise busy("the service is ending", 5)
        self.gate.check(request)
        if names := ", ".join(request.query_params):
            raise ProblemError(422, f"no parameter is known, and {names} was given; `mien serve --help` says what can be set.")
        if not self.batcher.fits(1):
            raise busy(FULL)
        body = Body(request, self.limits, self._room)
        try:
            pictures, several = await body.read()
            answers = await self.batcher.submit([(picture, whole) for picture in pictures])
        except BusyError:
            raise busy(FULL) from None
        finally:
            body.release()
        results = [self._result(answer) for answer in answers]
        if not several:
            _check(results[0], answers[0])
        self.metrics.faces.inc(sum(len(result.faces) for result in results))
        return results, several

    def _result(self, answer: Result | Exception) -> Result:
        return Result(SOURCE, 0, 0, (), self.model, error=PICTURE_FAILED) if isinstance(answer, Exception) else answer


def _check(result: Result, answer: Any) -> None:
    """Raises ProblemError for a picture without an answer."""
    if isinstance(answer, Exception):
        raise ProblemError(500, PICTURE_FAILED)
    if result.error:
        raise ProblemError(413 if result.error == TOO_LARGE else 400, f"the picture {result.error}")
