"""Arrays kept in the user's cache folder, keyed by the checksums of the files they were read from."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from mien.files import replaced_file

FORMAT = 1


def cache_folder() -> Path:
    """$MIEN_CACHE, else `mien` in $XDG_CACHE_HOME, else ~/.cache/mien. Raises RuntimeError for a user who has no home."""
    if folder := os.environ.get("MIEN_CACHE"):
        return Path(folder)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path("~/.cache").expanduser()) / "mien"


def cached(key: str, build: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """What `build()` returned the first time for this key. A folder that cannot be written, or none, only costs the time."""
    try:
        path = cache_folder() / f"{key[:32]}-{FORMAT}.npz"
    except RuntimeError:
        return build()
    try:
        with np.load(path) as stored:
            return dict(stored)
    except Exception:  # none yet, or damaged: numpy and zipfile raise a dozen kinds for that
        arrays = build()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replaced_file(path) as partial, partial.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
    return arrays
