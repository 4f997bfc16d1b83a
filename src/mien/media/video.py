"""Moving pictures of any kind to upright RGB frames, each with its own time, read ahead in a thread."""

import queue
import threading
import weakref
from collections.abc import Generator, Iterator
from contextlib import suppress
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any, Self, cast

from mien.errors import VideoError, lacking
from mien.media.frame_folder import read_frames
from mien.media.frames import Facts, Frame, Lost, check_rate

AHEAD = 4
"""Frames that are decoded before they are asked for."""
PATIENCE_S = 10.0
"""A camera or an address that delivers nothing for so long has failed."""


class Video:
    """The frames of a source, once, in the order in which they are shown; close it, or use it in `with`.

    facts: size, rate and so on. lost: the frames that could not be had so far. Iterating raises VideoError after the last
    frame that could be read where the source ends too early, so that whatever was done is done. Closing frees the thread and
    the file at any moment.

    read: gives the facts, then frames. patience_s: the longest that it may take for one; None waits for ever.
    """

    def __init__(
        self, name: str, read: Generator[Facts | Frame, None, None], lost: list[Lost], patience_s: float | None = None
    ):
        self.name, self.lost = name, lost
        self._patience_s = patience_s
        self._ahead = ReadAhead(read, AHEAD)
        self.facts = cast(Facts, self._next())

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        return cast(Frame, self._next())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stops the reading; there are no frames after it."""
        self._ahead.close()

    def _next(self) -> Facts | Frame:
        try:
            return self._ahead.next(self._patience_s)
        except queue.Empty:
            self.close()
            raise VideoError(
                f"{self.name}: has delivered no frame for {self._patience_s:g} s; check that it is connected and running."
            ) from None


class ReadAhead:
    """The items of a generator, which runs in a thread of its own, at most `depth` (2 or more) ahead of who asks for them."""

    def __init__(self, items: Generator[Any, None, None], depth: int):
        self._queue: Items = queue.Queue(depth)
        self._end: BaseException | None = None
        stop = threading.Event()
        self._thread = threading.Thread(target=_run, args=(items, self._queue, stop), name="mien-ahead", daemon=True)
        self._thread.start()
        self.close = weakref.finalize(self, _stop, self._thread, self._queue, stop)
        """Ends the thread and with it the generator, at any moment; also called when nobody refers to this any more."""

    def next(self, patience_s: float | None = None) -> Any:
        """The next item, or raises what the generator raised, StopIteration at its end; queue.Empty if it takes longer."""
        if self._end is None and self.close.alive:
            item, self._end = self._queue.get(timeout=patience_s)
            if self._end is None:
                return item
            self._thread.join()
        raise self._end or StopIteration


def _run(items: Generator[Any, None, None], ready: "Items", stop: threading.Event) -> None:
    end: BaseException = StopIteration()
    try:
        for item in items:
            ready.put((item, None))
            if stop.is_set():
                break
    except BaseException as error:  # raised again where the items are asked for
        end = error
    finally:
        items.close()
        ready.put((None, end))


def _stop(thread: threading.Thread, ready: "Items", stop: threading.Event) -> None:
    """What waits is dropped, so that the thread has room to end. One that is stuck in a read ends with that, or the process."""
    stop.set()
    with suppress(queue.Empty):
        while True:
            ready.get_nowait()
    thread.join(2)


Items = queue.Queue[tuple[Any, BaseException | None]]


def open_video(source: str | PathLike[str] | int, fps: float | Fraction | None = None, rate: float | Fraction = 25) -> Video:
    """Opens a file in any container that FFmpeg reads, an address that it opens, a camera, or a folder of pictures.

    A camera is a number, 0 for the first, or its device, such as /dev/video0. The pictures of a folder are sorted by name,
    with numbers by their value, and follow each other by 1 / rate.

    Every frame is upright (turned as the file says), in square pixels, deinterlaced and 8 bit RGB; transparency is laid on
    white. It has its own presentation time, counted from the file's start as a player shows it: where all of the file's
    streams begin later than 0, that much is taken off (Facts.start_s). Times always increase: a frame that has none, or one
    not after its predecessor's, follows that by 1 / rate. A frame of another size than the first is fitted into it.

    fps: only the frame nearest to each moment k / fps, with the index and time that it has among all. Raises VideoError for
    what cannot be opened or holds no frame, and UsageError where PyAV is missing or fps or rate is not above 0.
    """
    lost: list[Lost] = []
    check_rate("rate", rate)
    if fps is not None:
        check_rate("fps", fps)
    if isinstance(source, str | PathLike) and Path(source).is_dir():
        return Video(str(source), read_frames(Path(source), Fraction(rate), fps, lost), lost)
    try:
        from mien.media.decoding import decode
        from mien.media.video_source import find_address
    except ModuleNotFoundError:
        raise lacking("reading a video needs PyAV", "video") from None
    address = find_address(source)
    return Video(address.name, decode(address, fps, lost), lost, PATIENCE_S if address.waits else None)
