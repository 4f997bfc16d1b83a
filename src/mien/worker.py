"""A process that answers for the service, so that a picture which kills its decoder, or holds it up, takes no other along."""

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")
Build = Callable[[], Callable[[Sequence[T]], list[R]]]
"""Gives the function that answers several items, in their order; pickled, so a function of a module, or a partial of one."""


START_S = 60.0
"""Longest that a worker may take to be ready."""
END_S = 5.0
"""Time that a worker has to end when it is let go."""


class CrashError(Exception):
    """The process ended before it had answered."""


class StuckError(CrashError):
    """It took too long, to start or to answer, and was ended."""


class AnswerError(Exception):
    """The function failed; the message is its traceback."""


class Worker(Generic[T, R]):
    """Calls the function in a process of its own, which is started again after it has ended. For one thread at a time."""

    def __init__(self, build: Build[T, R], start_s: float = START_S):
        self._build, self._start_s = build, start_s
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, items: Sequence[T], limit_s: float) -> list[R]:
        """The answers, in order. Raises AnswerError, CrashError, or StuckError where they took longer than that."""
        self.start()
        return self._ask(items, limit_s)

    def start(self) -> None:
        """Returns when the process is ready. Raises AnswerError where its function could not be built, and as `ask` does."""
        if self._process and self._process.poll() is None:
            return
        self.close()
        command = [sys.executable, "-P", "-m", "mien.serving.worker"]  # -P: nothing from the working folder
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            self._ask(self._build, self._start_s)
        except AnswerError:
            self.close()
            raise

    def close(self) -> None:
        """Lets the process end, when it has done what it is at."""
        if process := self._process:
            self._process = None
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):  # what it never read cannot be written any more
                    assert pipe
                    pipe.close()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _ask(self, question: Any, limit_s: float) -> Any:
        process = self._process
        assert process
        assert process.stdin
        assert process.stdout
        late = threading.Event()

        def stop() -> None:
            late.set()  # first, or the end that follows could be taken for a crash
            process.kill()

        clock = threading.Timer(limit_s, stop)
        clock.start()
        try:
            pickle.dump(question, process.stdin, pickle.HIGHEST_PROTOCOL)
            process.stdin.flush()
            answer, error = pickle.load(process.stdout)
        except (OSError, EOFError, ValueError, pickle.UnpicklingError):
            process.kill()
            status = process.wait()
            if late.is_set():
                raise StuckError(f"a worker had not answered after {limit_s:g} s") from None
            raise CrashError(f"a worker ended (status {status}) before it had answered") from None
        finally:
            clock.cancel()
        if error:
            raise AnswerError(error)
        return answer


def main() -> None:
    """Answers until stdin ends. What else is printed goes to stderr, and signals are left to the service, which ends us."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    answer: Callable[[Any], Any] = _build
    while True:
        try:
            question = pickle.load(questions)
        except EOFError:
            os._exit(0)  # at once: networks that are taken down with the interpreter have been seen not to come to an end
        try:
            found, error = answer(question), None
        except Exception:
            found, error = None, traceback.format_exc()
        if answer is _build and not error:
            answer, found = found, None
        pickle.dump((found, error), answers, pickle.HIGHEST_PROTOCOL)
        answers.flush()


def _build(build: Build[Any, Any]) -> Callable[[Sequence[Any]], list[Any]]:
    return build()


if __name__ == "__main__":
    main()
