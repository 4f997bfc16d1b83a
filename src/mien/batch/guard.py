"""A recogniser in a process of its own: a picture that ends that process costs itself alone."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np

from mien.errors import MienError
from mien.inference.recognizer import Recognizer
from mien.results import Result
from mien.worker import CrashError, StuckError, Worker, WorkerError

TIME_LIMIT_S = 60.0
"""Longest that a group of pictures, or one alone, may take: the largest that is let in takes some seconds."""
MEMORY_BYTES = 4 << 30
"""Beyond this a picture fails, not the machine; the largest that is let in takes about 1 GB."""
Group = tuple[Sequence[Path | bytes], bool]
"""Pictures, and whether they are faces already cropped."""


class Guard:
    """Answers as `Recognizer(**options).predict_batch` does. For one thread at a time; `close` may come from any.

    A group that ends the process is asked again picture by picture, so only one that ends it alone too gets an error.
    """

    def __init__(self, options: Mapping[str, Any], time_limit_s: float = TIME_LIMIT_S):
        self._worker = Worker[Group, list[Result]](partial(build_answer, dict(options)), quiet=True)
        self._time_limit_s, self._closed = time_limit_s, False

    def recognize(self, pictures: Sequence[Path | bytes], whole_image: bool = False) -> list[Result]:
        """One result a picture, in order. Raises MienError where the recogniser itself cannot be started."""
        if not pictures:
            return []
        try:
            return self._ask(pictures, whole_image)
        except WorkerError:
            return [self._alone(picture, whole_image) for picture in pictures]

    def close(self) -> None:
        """Ends the process, whatever it does."""
        self._closed = True
        self._worker.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _alone(self, picture: Path | bytes, whole_image: bool) -> Result:
        try:
            return self._ask([picture], whole_image)[0]
        except WorkerError as error:
            name = "<bytes>" if isinstance(picture, bytes) else str(picture)
            return Result(name, 0, 0, error=f"{describe(error)}; leave it out, or save it again.")

    def _ask(self, pictures: Sequence[Path | bytes], whole_image: bool) -> list[Result]:
        try:
            self._worker.start()
        except WorkerError as why:
            raise MienError("interrupted." if self._closed else f"the recogniser cannot be started: {why}.") from None
        return self._worker.ask((list(pictures), whole_image), self._time_limit_s)


def describe(error: WorkerError) -> str:
    """What became of a picture, in words that follow its name."""
    if isinstance(error, StuckError):
        return f"took longer than {error.limit_s:g} s"
    if isinstance(error, CrashError):
        return f"ended the process that read it ({error.how})"
    return f"could not be analysed ({error})"


def build_answer(options: Mapping[str, Any]) -> Callable[[Group], list[Result]]:
    """The guarded process's function, with both networks loaded."""
    limit_memory()
    recognizer = Recognizer(**options)
    recognizer.predict(np.zeros((48, 48, 3), np.uint8))
    return lambda group: recognizer.predict_batch(*group)


def limit_memory() -> None:
    """A bound for this process, and should the machine run out all the same, this is what it ends first. POSIX and Linux."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("900")
