"""What mien is made to do with each kind of hostile file (benchmarks/fuzz.py): only a MienError may come out."""

import json
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
from benchmarks.hostile import make_bundle, make_clip, make_picture, make_tables

from mien import Recognizer
from mien.data.dataset import read_dataset
from mien.data.fer2013 import find_fer2013, read_fer2013
from mien.data.ferplus import FILE, check_join, read_ferplus
from mien.errors import MienError
from mien.inference.weights import load_bundle
from mien.media.video import open_video

STREAMED = 10
"""Of so many clips one is also searched for faces."""


@cache
def recognizer() -> Recognizer:
    return Recognizer()


def try_picture(seed: int, number: int, folder: Path) -> None:
    """The record has faces or an error, and is JSON either way."""
    _, content = make_picture(seed, number)
    (result,) = recognizer().predict_batch([content])
    json.dumps(result.to_dict(), allow_nan=False)
    if result.error:
        raise MienError(result.error)
    assert result.width > 0
    assert result.height > 0


def try_bundle(seed: int, number: int, folder: Path) -> None:
    engine = make_bundle(seed, number, folder)
    bundle = load_bundle(folder)
    probs = Recognizer(folder, engine=engine).classify(np.arange(3 * 48 * 48, dtype=np.uint8).reshape(3, 48, 48))
    assert probs.shape == (3, 8)
    assert np.isfinite(probs).all(), "not finite"
    assert bundle.labels


def try_tables(seed: int, number: int, folder: Path) -> None:
    make_tables(seed, number, folder)
    os.environ["MIEN_CACHE"] = str(folder / "cache")
    faces, votes = read_fer2013(find_fer2013(folder), None), read_ferplus(folder / FILE)
    check_join(faces, votes, folder / FILE)
    with suppress(MienError):  # four rows are too few for it
        read_dataset(folder)


def try_clip(seed: int, number: int, folder: Path) -> None:
    path = make_clip(seed, number, folder)
    if number % STREAMED == 0:
        with recognizer().stream(path) as stream:
            for result in stream:
                json.dumps(result.to_dict(), allow_nan=False)
        return
    with open_video(path) as video:
        for frame in video:
            assert frame.pixels.shape == (video.facts.height, video.facts.width, 3)


def try_itself(seed: int, number: int, folder: Path) -> None:
    """No file: what the runner must notice, planted (tests/faults/test_fuzz.py)."""
    if number == 1:
        os.kill(os.getpid(), signal.SIGSEGV)
    if number == 2:
        raise ValueError("planted")
    if number == 3:
        while True:
            pass
    if number == 4:
        bytearray(8 << 30)
    if number == 5:
        raise MienError("planted")


TRY: dict[str, Callable[[int, int, Path], None]] = {
    "pictures": try_picture, "bundles": try_bundle, "csvs": try_tables, "clips": try_clip, "itself": try_itself
}  # fmt: skip
