"""A video that is being written: a file that plays wherever it is cut off, and how an MP4 is made of it."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from fractions import Fraction
from heapq import merge
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet

from mien.errors import UsageError
from mien.files import replaced_file
from mien.media.cut_off import TS_PACKET
from mien.media.frames import Facts
from mien.media.sound import add_sound, into
from mien.media.video_source import LENIENT

CLOCK = Fraction(1, 90_000)
"""The unit of times in a transport stream; those of all usual rates are whole numbers of it."""
TRANSPORT = {"flush_packets": "1", "mpegts_copyts": "1", "mpegts_flags": "initial_discontinuity"}
"""How a transport stream is written: each packet at once, at its own time."""
PLAYABLE = {"movflags": "+faststart", "movie_timescale": "90000"}
"""How an MP4 is written: its index first, and a start after 0 as exact as all other times."""


def partial_path(path: Path) -> Path:
    """Where the video for `path` stands until it is finished."""
    return path.with_suffix(".partial.ts")


def written_times(path: Path) -> list[float]:
    """When the frames are shown that an interrupted VideoWriter has left, or a finished one has written, in seconds."""
    left = partial_path(path) if partial_path(path).exists() else path
    try:
        with closing(av.open(str(left))) as source:
            return [time_of(packet) for packet in _packets(source)]
    except FFmpegError:
        return []


def shorten(path: Path, keep: int) -> float:
    """Leaves the first `keep` frames in the partial file and gives the last one's time in seconds.

    Where there is none, it is made of `path`. Raises UsageError where there are fewer.
    """
    partial, end = partial_path(path), None
    times: list[float] = []
    if not partial.exists() and path.exists():
        _back(path)
    with suppress(FFmpegError), closing(av.open(str(partial))) as source:
        for packet in _packets(source):
            if len(times) == keep:
                end = packet.pos
                break
            times.append(time_of(packet))
    if len(times) < keep:
        raise UsageError(f"{path}: {len(times)} frames are left of the run before, expected {keep}; start anew.")
    os.truncate(partial, partial.stat().st_size // TS_PACKET * TS_PACKET if end is None else end)
    return times[-1]


def finish(path: Path, like: Facts, until_s: float) -> None:
    """Makes `path` of the partial file, with the source's sound up to that time: its index first, so that it plays at once."""
    with replaced_file(path) as new, ExitStack() as stack:
        out = stack.enter_context(closing(av.open(str(new), "w", format="mp4", container_options=PLAYABLE)))
        source = stack.enter_context(closing(av.open(str(partial_path(path)))))
        copy = out.add_stream_from_template(source.streams.video[0], opaque=True)
        streams = [into(copy, _packets(source, 1 / (like.rate or Fraction(25))))]
        if like.sound:
            with suppress(FFmpegError):
                sound = stack.enter_context(closing(av.open(like.sound, **LENIENT)))
                streams.append(add_sound(sound, out, like.start_s, until_s))
        for packet in merge(*streams, key=time_of):
            out.mux(packet)


def time_of(packet: Packet) -> float:
    """When it is due, in seconds."""
    return float((packet.pts or 0) * Fraction(packet.time_base))


def _back(path: Path) -> None:
    """Makes the partial file of a finished one."""
    with ExitStack() as stack:
        source = stack.enter_context(closing(av.open(str(path))))
        target = av.open(str(partial_path(path)), "w", format="mpegts", container_options=TRANSPORT)
        out = stack.enter_context(closing(target))
        for packet in into(out.add_stream_from_template(source.streams.video[0], opaque=True), _packets(source)):
            out.mux(packet)


def _packets(source: InputContainer, duration_s: Fraction | None = None) -> Iterator[Packet]:
    """Those of its pictures. duration_s: of each, where it matters: only the last one's does, which no other follows."""
    for packet in source.demux(video=0):
        if packet.size:
            packet.duration = round(duration_s / Fraction(packet.time_base)) if duration_s else packet.duration
            yield packet
