"""The other end of a Guard: a recogniser that answers on stdout what it is asked on stdin, until that ends.

Both are pickles: first the recogniser's options, then for each request a list of paths and bytes and whether they are crops.
"""

import os
import pickle
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from mien.errors import MienError
from mien.inference.recognizer import Recognizer

MEMORY_BYTES = 4 << 30
"""Beyond this a picture fails, not the machine; the largest that is let in takes about 1 GB."""


def main() -> None:
    """Answers ("ready", None), then ("results", [...]) for each request, or ("failed", why) for one that could not be done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: who asked decides
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what native code prints must not come between
    limit_memory()
    requests = sys.stdin.buffer
    try:
        recognizer = Recognizer(**pickle.load(requests))
        recognizer.predict(np.zeros((48, 48, 3), np.uint8))  # loads both networks
    except MienError as error:
        return put(answers, "failed", error)
    put(answers, "ready", None)
    with suppress(EOFError):
        while True:
            pictures, whole_image = pickle.load(requests)
            answer(recognizer, pictures, whole_image, answers)


def answer(recognizer: Recognizer, pictures: list[Path | bytes], whole_image: bool, answers: BinaryIO) -> None:
    try:
        results = recognizer.predict_batch(pictures, whole_image)
    except Exception as error:  # whatever a picture made the code stumble over, it is that picture's
        put(answers, "failed", f"{type(error).__name__}: {error}")
    else:
        put(answers, "results", results)


def put(answers: BinaryIO, kind: str, value: Any) -> None:
    pickle.dump((kind, value), answers, pickle.HIGHEST_PROTOCOL)
    answers.flush()


def limit_memory() -> None:
    """A bound for this process, and should the machine run out all the same, this is what it ends first. POSIX and Linux."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("900")


if __name__ == "__main__":
    main()
