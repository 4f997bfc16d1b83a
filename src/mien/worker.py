"""A function that answers in a process of its own, so that what kills that process, or holds it up, takes no other along."""

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from mien.errors import MienError

Q = TypeVar("Q")
A = TypeVar("A")

START_S = 60.0
"""Longest that a worker may take to be ready."""
COMMAND = (sys.executable, "-P", "-m", "mien.worker")
"""-P: nothing from the working folder is imported."""
END_S = 5.0
"""Time that a worker has to end when it is let go."""


class WorkerError(Exception):
    """There is no answer; the message says why."""


class CrashError(WorkerError):
    """The process ended before it had answered. how: its signal's name, or its exit code."""

    def __init__(self, how: str, message: str = ""):
        super().__init__(message or f"the process ended ({how})")
        self.how = how


class StuckError(CrashError):
    """It took too long, to start or to answer, and was ended."""

    def __init__(self, limit_s: float):
        super().__init__("SIGKILL", f"the process took longer than {limit_s:g} s")
        self.limit_s = limit_s


class AnswerError(WorkerError):
    """The function failed: its error's type and message, with the process's traceback as a note."""


class Worker(Generic[Q, A]):
    """Calls a function in a process of its own, which is started again after it has ended.

    build: gives the function of one question; pickled, so a function of a module, or a partial of one. start_s: the longest
    that this may take. quiet: what the process prints is dropped; else it comes on stderr. For one thread at a time, but for
    `kill`.
    """

    def __init__(self, build: Callable[[], Callable[[Q], A]], start_s: float = START_S, quiet: bool = False):
        self._build, self._start_s, self._quiet = build, start_s, quiet
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False

    def ask(self, question: Q, limit_s: float) -> A:
        """The answer. Raises MienError where the function does, AnswerError for its other errors, CrashError, StuckError."""
        self.start()
        return self._ask(question, limit_s)

    def start(self) -> None:
        """Returns when the process is ready. Raises as `ask` does, of building the function."""
        if self._process and self._process.poll() is None:
            return
        self.close()
        errors = subprocess.DEVNULL if self._quiet else None
        self._process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
        if self._killed:  # perhaps before the process was there
            self._process.kill()
        try:
            self._ask(self._build, self._start_s)
        except (MienError, AnswerError):
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

    def kill(self) -> None:
        """Ends the process, whatever it does; each that would be started again ends at once too. From any thread."""
        self._killed = True
        if process := self._process:
            process.kill()
            self.close()

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
            answer, error, trace = pickle.load(process.stdout)
        except (OSError, EOFError, ValueError, pickle.UnpicklingError):
            process.kill()
            code = process.wait()
            if late.is_set():
                raise StuckError(limit_s) from None
            raise CrashError(signal.Signals(-code).name if -code in list(signal.Signals) else f"exit code {code}") from None
        finally:
            clock.cancel()
        if error:
            raised = AnswerError(error) if isinstance(error, str) else error
            raised.add_note(trace)
            raise raised
        return answer


def main() -> None:
    """Answers until stdin ends. What else is printed goes to stderr, and signals are left to who asks, who ends us."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    answer: Callable[[Any], Any] | None = None
    while True:
        try:
            question = pickle.load(questions)
        except EOFError:
            os._exit(0)  # at once: networks that are taken down with the interpreter have been seen not to come to an end
        found: Any = None
        error: MienError | str | None = None
        try:
            found = answer(question) if answer else question()
        except MienError as known:
            error = known
        except Exception as unknown:
            error = f"{type(unknown).__name__}: {unknown}"  # its own class may be one that cannot be pickled
        trace = traceback.format_exc() if error else ""
        if answer is None and not error:
            answer, found = found, None
        pickle.dump((found, error, trace), answers, pickle.HIGHEST_PROTOCOL)
        answers.flush()


if __name__ == "__main__":
    main()
