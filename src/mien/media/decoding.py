"""Decoding with FFmpeg (PyAV): each frame at its own time, an account of those lost, an error where the end is missing."""

from collections.abc import Generator, Iterator
from contextlib import closing
from fractions import Fraction
from itertools import chain

from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mien.errors import VideoError
from mien.media.clock import Clock
from mien.media.cut_off import is_cut_off
from mien.media.frames import Facts, Frame, Lost, Sampler
from mien.media.upright import Shown, Upright
from mien.media.video_source import Address, find_stream, open_container


def decode(address: Address, fps: float | Fraction | None, lost: list[Lost]) -> Generator[Facts | Frame, None, None]:
    """The facts, then the frames. Raises VideoError for what cannot be opened or holds no frame, and at a missing end."""
    with closing(open_container(address)) as container:
        stream = find_stream(container, address.name)
        decoder = Decoder(container, stream, Clock(container, stream, address.live, lost))
        shown = iter(decoder)
        for first in shown:
            upright = Upright(first.frame, float(stream.sample_aspect_ratio or 1))
            facts = find_facts(address, container, decoder, upright, fps)
            sampler = Sampler(fps, facts.rate)
            yield facts
            for index, item in enumerate(upright.turned(chain([first], shown))):
                if sampler.wants(item.time_s):
                    yield Frame(index, item.time_s, upright.pixels(item.frame), item.damaged)
        if problem := _problem(address, decoder, lost):
            raise VideoError(f"{address.name}: {problem}.")


class Decoder:
    """The frames of a stream; data that cannot be decoded are passed over, which the clock takes note of.

    failure: what ended it, if that was not the end of the source. broken: its last packet was. shown: how many frames it gave.
    """

    def __init__(self, container: InputContainer, stream: VideoStream, clock: Clock):
        # Slices only: with frame threads, PyAV loses the last frames of a file whose end is damaged.
        stream.thread_type = "SLICE"
        self._container, self._stream, self.clock = container, stream, clock
        self.failure: FFmpegError | None = None
        self.broken = False
        self.shown = 0
        self._flagged: set[int | None] = set()

    def __iter__(self) -> Iterator[Shown]:
        for packet in self._packets():
            self.broken = packet.is_corrupt
            if packet.is_corrupt:
                self._flagged.add(packet.pts)
            time = self.clock.sent(packet)
            frames = self._decode(packet)
            if frames is None:
                self.clock.refused(time)
            yield from self._timed(frames or [])
        yield from self._timed(self._decode(None) or [])
        self.clock.finish()

    def _packets(self) -> Iterator[Packet]:
        try:
            for packet in self._container.demux(self._stream):
                if packet.size:  # an empty one in the midst would end the decoding
                    yield packet
        except FFmpegError as error:
            self.failure = error

    def _decode(self, packet: Packet | None) -> list[VideoFrame] | None:
        """The frames that come out when that goes in, None being the end; None if it cannot be decoded."""
        try:
            return self._stream.decode(packet)
        except FFmpegError:
            return None

    def _timed(self, frames: list[VideoFrame]) -> Iterator[Shown]:
        for frame in frames:
            self.shown += 1
            yield Shown(self.clock.shown(frame), frame, frame.is_corrupt or frame.pts in self._flagged)


def find_facts(
    address: Address, container: InputContainer, decoder: Decoder, upright: Upright, fps: float | Fraction | None
) -> Facts:
    """What the container and the first frame say."""
    stream, rate = find_stream(container, address.name), decoder.clock.rate
    duration_s = count = None
    if not address.live:
        if stream.duration and stream.time_base:
            duration_s = float(stream.duration * stream.time_base)
        elif container.duration:
            duration_s = container.duration / 1e6
        count = stream.frames or (round(duration_s * rate) if duration_s and rate else None)
    return Facts(
        name=address.name,
        width=upright.width,
        height=upright.height,
        rate=rate,
        duration_s=duration_s,
        count=Sampler(fps, rate).count(duration_s, count),
        live=address.live,
        sound=address.url if container.streams.audio and not address.live else None,
        start_s=float(decoder.clock.start or 0),
    )


def _problem(address: Address, decoder: Decoder, lost: list[Lost]) -> str | None:
    """What was wrong at the end, if anything."""
    after = f"after {decoder.clock.end_s:.2f} s" if decoder.shown else "before its first frame"
    if decoder.failure:
        reason = decoder.failure.strerror
        return f"nothing could be read {after} ({reason}); check that it is whole, connected and running"
    if decoder.broken or (address.path and is_cut_off(address.path)):
        return f"is cut off {after}; fetch or copy it again"
    if decoder.shown:
        return None
    return f"none of its {len(lost)} frames can be decoded: {lost[0].why}" if lost else "holds no frames"
