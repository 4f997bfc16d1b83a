"""When each frame of a stream is shown, and which of its frames never came out of the decoder."""

import heapq
from fractions import Fraction

from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mien.media.frames import Lost

WITHOUT_TIMES = {"avi"}
"""Containers that state when packets are decoded, but not when their frames are shown."""
HIDING = {"vp8"}
"""Codecs of which some packets hold a picture that is never shown."""
DAMAGED = "its data are damaged"


class Clock:
    """Keeps account of the packets that went into a decoder until their frames come out, in the order of their times.

    What is passed over was lost, where each packet is known to hold a frame; otherwise only what the decoder refused. Where
    the container states no times, the frames get those of the packets in their order. lost: gets what was lost.
    """

    def __init__(self, container: InputContainer, stream: VideoStream, live: bool, lost: list[Lost]):
        rate = stream.average_rate or stream.guessed_rate or stream.base_rate
        self.rate = Fraction(rate) if rate else None
        self.end_s = 0.0
        self.start: Fraction | None = None if live else start_of(container, stream)
        self._interval_s = float(1 / self.rate) if self.rate else 0.04
        self._numbered = stream.start_time is None and not live  # a bare stream: packet n stands for frame n
        self._unit = 1 / (self.rate or Fraction(25)) if self._numbered else Fraction(stream.time_base or 1)
        reordered = stream.codec_context.has_b_frames and container.format.name in WITHOUT_TIMES
        self._by_order = self._numbered or reordered
        self._exact = not self._by_order and stream.codec_context.name not in HIDING
        self._due: list[int] = []
        self._sent, self._last_s = 0, -self._interval_s
        self._lost = lost

    def sent(self, packet: Packet) -> int | None:
        """Takes note of a packet; gives its time in the stream's units, if its frame will be shown and it has one."""
        self._sent += 1
        time = self._sent - 1 if self._numbered else packet.dts if self._by_order else packet.pts
        if time is not None and not packet.is_discard:
            heapq.heappush(self._due, time)
        return time

    def refused(self, time: int | None) -> None:
        """The decoder could do nothing with the packet of that time."""
        if not self._exact and time in self._due:
            self._due.remove(time)
            heapq.heapify(self._due)
            self._lost.append(Lost(self._seconds(time), DAMAGED))

    def shown(self, frame: VideoFrame) -> float:
        """Takes note of the next frame; gives its time in seconds, which is always later than the one before."""
        self._exact = self._exact and not frame.interlaced_frame  # each of its fields may be a packet
        time = frame.pts
        if self._by_order:
            time = heapq.heappop(self._due) if self._due else None
        elif time is not None:
            while self._due and self._due[0] <= time:
                self._pass(heapq.heappop(self._due), time)
        time_s = self._last_s + self._interval_s if time is None else self._seconds(time)
        self._last_s = time_s if time_s > self._last_s else self._last_s + self._interval_s
        self.end_s = self._last_s + self._interval_s
        return self._last_s

    def finish(self) -> None:
        """There are no more frames."""
        while self._due:
            self._pass(heapq.heappop(self._due), None)

    def _pass(self, due: int, time: int | None) -> None:
        if self._exact and due != time:
            self._lost.append(Lost(self._seconds(due), DAMAGED))

    def _seconds(self, time: int) -> float:
        if self.start is None:
            self.start = time * self._unit
        return float(time * self._unit - self.start)


def start_of(container: InputContainer, stream: VideoStream) -> Fraction:
    """The time of a file that is its 0, in seconds: where its first stream starts, sound or pictures."""
    video = (stream.start_time or 0) * Fraction(stream.time_base or 1)
    whole = Fraction(container.start_time or 0, 1_000_000)
    if abs(video - whole) < Fraction(2, 1_000_000):  # the whole's is rounded to microseconds
        return video
    return min(video, max(whole, Fraction(0)))
