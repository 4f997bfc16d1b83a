"""What the driver of each peer does with a job: `python with_NAME.py JOB.json` says one line of JSON, its last on stdout.

A job is {"task": "first" | "times" | "clip" | "classify", "photo": FILE, "faces": FILE, "clip": FILE, "model": FILE or null,
"seconds": S}. Pictures are raw bytes: a photo of 480x640x3 in RGB, faces of 48x48 grey levels each.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

FACES = 64
ONCE_S, LEAST, MOST = 3.0, 3, 200
"""A time is the median of as many calls as fit into so many seconds, between these."""


class Peer(Protocol):
    """A loaded peer. A method that it cannot offer raises NotImplementedError with the reason."""

    def classify(self, faces: np.ndarray) -> list[str]:
        """Top emotion of each face already cropped, uint8 [n,48,48], in the peer's own words."""

    def photo(self, pixels: np.ndarray) -> list[str]:
        """Top emotion of each face that it finds, uint8 RGB [480,640,3]."""

    def clip(self, path: str) -> Iterator[int]:
        """Faces in each frame of a video file."""


def drive(load: Callable[[dict[str, Any]], Peer]) -> None:
    """Does the job that the command line names. What the peer prints goes to stderr."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        found = TASKS[job["task"]](load(job), job)
    except BaseException as error:  # a package may end the process where it finds no weights
        found = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(found | {"peak_mb": peak_mb()}), file=answers, flush=True)


def first(peer: Peer, job: dict[str, Any]) -> dict[str, Any]:
    """The first answer of a fresh process: to the photo, or to a face where the peer has no detector."""
    try:
        return {"emotions": peer.photo(read_photo(job)), "of": "photo"}
    except NotImplementedError:
        return {"emotions": peer.classify(read_faces(job)[:1]), "of": "face"}


def times(peer: Peer, job: dict[str, Any]) -> dict[str, Any]:
    """Milliseconds of one face already cropped, of 64, and of a photo."""
    faces, photo = read_faces(job)[:FACES], read_photo(job)
    calls: dict[str, Callable[[], Any]] = {
        "one": lambda: peer.classify(faces[:1]),
        "many": lambda: peer.classify(faces),
        "photo": lambda: peer.photo(photo),
    }
    return {name: time_calls(call) for name, call in calls.items()}


def time_calls(call: Callable[[], Any]) -> dict[str, Any]:
    """Median in milliseconds; the first call is dropped."""
    try:
        call()
    except NotImplementedError as error:
        return {"lacks": str(error)}
    taken: list[float] = []
    while len(taken) < LEAST or (sum(taken) < ONCE_S and len(taken) < MOST):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return {"ms": statistics.median(taken) * 1e3, "calls": len(taken)}


def clip(peer: Peer, job: dict[str, Any]) -> dict[str, Any]:
    """As many frames of a clip, from its beginning, as fit into the job's seconds."""
    start, frames, faces = time.perf_counter(), 0, 0
    try:
        for seen in peer.clip(job["clip"]):
            frames, faces = frames + 1, faces + seen
            if time.perf_counter() - start > job["seconds"]:
                break
    except NotImplementedError as error:
        return {"lacks": str(error)}
    return {"frames": frames, "faces": faces, "s": time.perf_counter() - start}


def classify(peer: Peer, job: dict[str, Any]) -> dict[str, Any]:
    """All faces, in parts as a user with thousands would give them."""
    faces = read_faces(job)
    return {"emotions": [name for i in range(0, len(faces), FACES) for name in peer.classify(faces[i : i + FACES])]}


TASKS = {"first": first, "times": times, "clip": clip, "classify": classify}


def read_photo(job: dict[str, Any]) -> np.ndarray:
    return np.fromfile(job["photo"], np.uint8).reshape(480, 640, 3)


def read_faces(job: dict[str, Any]) -> np.ndarray:
    return np.fromfile(job["faces"], np.uint8).reshape(-1, 48, 48)


def peak_mb() -> float:
    """Of this program alone: getrusage's is that of who started it, if that had more."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return round(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e3, 1)
