"""What a video consists of, whatever it was read from."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from PIL import Image

from mien.errors import UsageError


@dataclass(frozen=True)
class Frame:
    """One frame of a video.

    index: its number in the source, from 0. time_s: when it is shown, in seconds from the source's start. pixels: uint8
    [h,w,3] RGB, upright. damaged: parts of its data could not be read, and the
    decoder filled them in.
    """

    index: int
    time_s: float
    pixels: np.ndarray
    damaged: bool = False


class Lost(NamedTuple):
    """A frame that is in the source and cannot be had: when it would be shown, and why it is not."""

    time_s: float
    why: str


@dataclass(frozen=True)
class Facts:
    """What is known of a video before its frames are read.

    width, height: of the upright frames, in pixels. rate: frames a second, their mean where it varies. duration_s and
    count, the number of frames to come, are estimates for progress; None where nobody knows. live: it cannot be read twice.
    sound: what FFmpeg opens to get the sound again, if there is any; start_s: the source's own time of time_s 0.
    """

    name: str
    width: int
    height: int
    rate: Fraction | None = None
    duration_s: float | None = None
    count: int | None = None
    live: bool = False
    sound: str | None = None
    start_s: float = 0.0


def check_rate(name: str, value: float | Fraction) -> None:
    """Raises UsageError for what is no number of frames a second."""
    if not (math.isfinite(value) and value > 0):
        raise UsageError(f"{name} = {value}: expected frames a second, above 0.")


class Sampler:
    """Picks the frame nearest to each moment k / fps, or every frame where fps is None.

    rate: of the source; it says how much of the time around it a frame stands for.
    """

    def __init__(self, fps: float | Fraction | None, rate: Fraction | None):
        self._fps = float(fps) if fps else None
        self._reach = min(0.5, self._fps / float(rate) / 2) + 1e-6 if self._fps and rate else 1e-6
        self._moment = -1

    def wants(self, time_s: float) -> bool:
        """Whether the next frame, which is shown at `time_s`, is one of those picked."""
        if self._fps is None:
            return True
        moment = math.floor(time_s * self._fps + self._reach)
        wanted = moment > self._moment
        self._moment = max(moment, self._moment)
        return wanted

    def count(self, duration_s: float | None, count: int | None) -> int | None:
        """How many are picked of about `count` frames in `duration_s`."""
        if self._fps is None or duration_s is None:
            return count
        picked = max(1, round(duration_s * self._fps))
        return picked if count is None else min(picked, count)


def fitted(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """The picture itself if it has that size, or else as large as it fits in the middle of one in black."""
    if pixels.shape[:2] == (height, width):
        return pixels
    part = min(width / pixels.shape[1], height / pixels.shape[0])
    columns, rows = (max(1, round(length * part)) for length in pixels.shape[1::-1])
    canvas = Image.new("RGB", (width, height))
    small = Image.fromarray(pixels).resize((columns, rows), Image.Resampling.BILINEAR)
    canvas.paste(small, ((width - columns) // 2, (height - rows) // 2))
    return np.asarray(canvas)
