"""A recogniser in a process of its own: a picture that ends that process costs itself alone."""

import contextlib
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from mien.errors import MienError
from mien.results import Result

TIME_LIMIT_S = 60.0
"""Longest that a group of pictures, or one alone, may take: the largest that is let in takes some seconds."""
COMMAND = (sys.executable, "-P", "-m", "mien.batch.child")
"""-P: a numpy.py beside the pictures is not imported."""


class Lost(Exception):  # noqa: N818 - it is caught here, and never an error of the run
    """The process ended, failed or was too slow, and why."""


class Guard:
    """Answers as `Recognizer(**options).predict_batch` does. For one thread at a time; `close` may come from any.

    A group that ends the process is asked again picture by picture, so only one that ends it alone too gets an error.
    """

    def __init__(self, options: Mapping[str, Any], time_limit_s: float = TIME_LIMIT_S):
        self._options, self._time_limit_s = dict(options), time_limit_s
        self._process: subprocess.Popen | None = None
        self._closed = False

    def recognize(self, pictures: Sequence[Path | bytes], whole_image: bool = False) -> list[Result]:
        """One result a picture, in order. Raises MienError where the recogniser itself cannot be started."""
        if not pictures:
            return []
        try:
            return self._ask(pictures, whole_image)
        except Lost:
            return [self._alone(picture, whole_image) for picture in pictures]

    def close(self) -> None:
        """Ends the process, whatever it does."""
        self._closed = True
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _alone(self, picture: Path | bytes, whole_image: bool) -> Result:
        try:
            return self._ask([picture], whole_image)[0]
        except Lost as why:
            name = "<bytes>" if isinstance(picture, bytes) else str(picture)
            return Result(name, 0, 0, error=f"{why}; leave it out, or save it again.")

    def _ask(self, pictures: Sequence[Path | bytes], whole_image: bool) -> list[Result]:
        process = self._running()
        kind, value = self._exchange(process, (list(pictures), whole_image), "ended the process that read it")
        if kind == "failed":
            raise Lost(f"could not be analysed ({value})")
        return value

    def _running(self) -> subprocess.Popen:
        """The process, started where there is none."""
        if self._closed:
            raise MienError("interrupted.")
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            if self._closed:  # meanwhile: `close` may have looked before it was there
                self._end()
                raise MienError("interrupted.")
            try:
                kind, value = self._exchange(self._process, self._options, "ended")
            except Lost as why:
                raise MienError(f"the recogniser's process cannot be started: it {why}.") from None
            if kind == "failed":
                raise value
        return self._process

    def _exchange(self, process: subprocess.Popen, request: Any, ended: str) -> tuple[str, Any]:
        """ended: what Lost says where the process ends instead of answering."""
        assert process.stdin
        assert process.stdout
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        slow = threading.Timer(self._time_limit_s, stop)
        slow.start()
        try:
            pickle.dump(request, process.stdin, pickle.HIGHEST_PROTOCOL)
            process.stdin.flush()
            return pickle.load(process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            self._end()
            raise Lost(self._reason(process.wait(), late.is_set(), ended)) from None
        finally:
            slow.cancel()

    def _reason(self, code: int, late: bool, ended: str) -> str:
        if late:
            return f"took longer than {self._time_limit_s:.0f} s"
        name = signal.Signals(-code).name if -code in list(signal.Signals) else f"exit code {code}"
        return f"{ended} ({name})"

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()
