"""Frames to an MP4 that plays in a browser, at their own times and with the source's sound; a kill loses no finished frame."""

import math
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import av
import numpy as np
from av.container import OutputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter
from av.video.stream import VideoStream

from mien.errors import UsageError, VideoError, lacking
from mien.media.frames import Facts
from mien.media.unfinished import CLOCK, TRANSPORT, finish, partial_path, shorten

ENCODER = {"preset": "veryfast", "tune": "zerolatency", "crf": "20"}
"""zerolatency: each frame leaves the encoder before the next one enters, so that it is written when `write` returns."""
COLOURS: dict[str, Any] = {"dst_colorspace": Colorspace.ITU709, "dst_color_range": ColorRange.MPEG}
KEY_FRAME_S = 2.0
"""Players can jump to places so far apart."""


class VideoWriter:
    """Writes frames as H.264 to an .mp4.

    Each frame is in `partial_path(path)` when `write` returns. Closing makes `path` of them, in one step that replaces what
    was there, with the sound of the source: all of it, or up to the last frame where a `with` block ends early.

    like: the facts of the source. keep: go on after so many frames that an interrupted run has left (written_times). Raises
    UsageError where path cannot be written, or fewer frames are left.
    """

    def __init__(self, path: Path, like: Facts, keep: int = 0):
        _check(path, like)
        self.path, self.frames = path, keep
        self._like, self._interval_s = like, float(1 / (like.rate or 25))
        self._end_s = shorten(path, keep) + self._interval_s if keep else 0.0
        try:
            self._file = partial_path(path).open("ab" if keep else "wb", buffering=0)
        except OSError as error:
            raise UsageError(f"{path}: cannot be written ({error.strerror}); choose another place.") from error
        self._out = av.open(self._file, "w", format="mpegts", container_options=TRANSPORT)
        self._stream = add_video(self._out, like)
        self._scaler = VideoReformatter()
        self._closed = False

    def write(self, time_s: float, pixels: np.ndarray) -> None:
        """The next frame: uint8 RGB [h,w,3] of the source's size, later than the one before.

        Raises UsageError for another size, VideoError where the disk is full or fails.
        """
        if pixels.shape != (self._like.height, self._like.width, 3):
            raise UsageError(
                f"frame {list(pixels.shape)}: expected [{self._like.height}, {self._like.width}, 3], as the first."
            )
        rgb = VideoFrame.from_ndarray(_even(pixels), format="rgb24")
        frame = self._scaler.reformat(rgb, format="yuv420p", threads=1, **COLOURS)
        frame.pts, frame.time_base = round(time_s / CLOCK), CLOCK
        self._mux(frame)
        self.frames += 1
        self._end_s = time_s + self._interval_s

    def close(self, whole: bool = True) -> None:
        """Makes the file of the frames there are; none at all make none. whole: with all of the source's sound."""
        if self._closed:
            return
        self._mux(None)
        self._release()
        try:
            if self.frames:
                finish(self.path, self._like, math.inf if whole else self._end_s)
        except (FFmpegError, OSError) as error:
            raise _unwritable(self.path, error) from error
        partial_path(self.path).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self.close(whole=error is None)

    def _mux(self, frame: VideoFrame | None) -> None:
        try:
            self._out.mux(self._stream.encode(frame))
        except (FFmpegError, OSError) as error:
            self._release()
            raise _unwritable(self.path, error) from error

    def _release(self) -> None:
        self._closed = True
        with suppress(FFmpegError, OSError):
            self._out.close()
        self._file.close()


def _check(path: Path, like: Facts) -> None:
    if path.suffix.lower() != ".mp4":
        raise UsageError(f"{path}: expected a name that ends in .mp4.")
    if os.path.realpath(path) == os.path.realpath(like.name):
        raise UsageError(f"{path}: is the video itself; choose another name.")
    if "libx264" not in av.codecs_available:
        raise lacking("writing a video needs a PyAV with libx264, as its wheels have", "video")


def _unwritable(path: Path, error: Exception) -> VideoError:
    reason = getattr(error, "strerror", None) or error
    return VideoError(f"{path}: cannot be written any more ({reason}); make room. What was written is in {partial_path(path)}.")


def _even(pixels: np.ndarray) -> np.ndarray:
    """With an even number of rows and columns, as 4:2:0 needs; the last is repeated."""
    height, width = pixels.shape[:2]
    odd = ((0, height % 2), (0, width % 2), (0, 0))
    return np.ascontiguousarray(np.pad(pixels, odd, "edge") if height % 2 or width % 2 else pixels)


def add_video(out: OutputContainer, like: Facts) -> VideoStream:
    """A stream for frames like those of the source, to be encoded as H.264."""
    stream = out.add_stream("libx264", rate=like.rate or 25, options=ENCODER)
    stream.width, stream.height = like.width + like.width % 2, like.height + like.height % 2
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = CLOCK
    context.gop_size = max(1, round((like.rate or 25) * KEY_FRAME_S))
    context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
    context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    return stream
