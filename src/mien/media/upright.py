"""Decoded frames to upright RGB in square pixels."""

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from av.filter import Graph
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from mien.media.frames import fitted
from mien.media.images import read_picture

Filter = tuple[str, str]
DEINTERLACE = ("bwdif", "mode=send_frame:deint=interlaced")
"""One frame for each, at its own time; those that are not interlaced pass."""


class Shown(NamedTuple):
    """A decoded frame, when it is shown, and whether the decoder filled in parts of it."""

    time_s: float
    frame: VideoFrame
    damaged: bool = False


class Upright:
    """Deinterlaces, turns and converts the frames of a stream, whose first says how they lie and how large they are.

    aspect: width to height of the stream's pixels; what is out of reason, or hardly differs from 1, counts as square.
    width, height: of what it gives.
    """

    def __init__(self, first: VideoFrame, aspect: float):
        self._turns = turns(display_matrix(first))
        self._sideways = any(name == "transpose" for name, _ in self._turns)
        self._aspect = aspect if 0.1 < aspect < 10 and abs(aspect - 1) > 0.01 else 1.0
        self._filters: list[Filter] = self._turns
        self._graph: Graph | None = None
        self._graph_for: tuple[object, ...] = ()
        self._scaler = VideoReformatter()
        self.width, self.height = self._square(first.width, first.height)
        if self._sideways:
            self.width, self.height = self.height, self.width

    def turned(self, shown: Iterable[Shown]) -> Iterator[Shown]:
        """The same frames, deinterlaced from the first interlaced one on, and turned. Much cheaper than turning RGB."""
        waiting: deque[Shown] = deque()
        for item in shown:
            if item.frame.interlaced_frame and DEINTERLACE not in self._filters:
                self._filters = [DEINTERLACE, *self._turns]
            if not self._filters:
                yield item
                continue
            kind = (item.frame.width, item.frame.height, item.frame.format.name, len(self._filters))
            if kind != self._graph_for:
                yield from self._drain(waiting)
                self._graph, self._graph_for = build_graph(item.frame, self._filters), kind
            waiting.append(item)
            yield from self._filtered(item.frame, waiting)
        yield from self._drain(waiting)

    def pixels(self, frame: VideoFrame) -> np.ndarray:
        """A turned frame as uint8 RGB [height,width,3]; one of another size is fitted into it."""
        width, height = (frame.height, frame.width) if self._sideways else (frame.width, frame.height)
        width, height = self._square(width, height)
        if self._sideways:
            width, height = height, width
        alpha = has_alpha(frame.format.name)
        # the same scaler for all frames, with one thread: a sixth of the time of frame.to_ndarray(format="rgb24")
        converted = self._scaler.reformat(frame, width, height, "rgba" if alpha else "rgb24", threads=1)
        pixels = np.ascontiguousarray(converted.to_ndarray())
        return fitted(read_picture(pixels, None).pixels if alpha else pixels, self.width, self.height)

    def _square(self, width: int, height: int) -> tuple[int, int]:
        """The size in square pixels of what is stored with that size: as much larger as it takes to lose none."""
        aspect = self._aspect
        return (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))

    def _filtered(self, frame: VideoFrame | None, waiting: deque[Shown]) -> Iterator[Shown]:
        """What comes out of the graph when that frame goes in, None being the end: one for each, in their order."""
        assert self._graph
        self._graph.push(frame)
        while True:
            try:
                out = self._graph.vpull()
            except (BlockingIOError, EOFError):
                return
            yield waiting.popleft()._replace(frame=out)

    def _drain(self, waiting: deque[Shown]) -> Iterator[Shown]:
        if self._graph:
            yield from self._filtered(None, waiting)


def build_graph(like: VideoFrame, filters: Iterable[Filter]) -> Graph:
    """The filters in turn, for frames of that size and format."""
    graph = Graph()
    graph.threads = 1
    time_base = like.time_base or Fraction(1, 1000)
    nodes = [graph.add_buffer(width=like.width, height=like.height, format=like.format, time_base=time_base)]
    nodes += [graph.add(name, options) for name, options in filters]
    graph.link_nodes(*nodes, graph.add("buffersink")).configure()
    return graph


def display_matrix(frame: VideoFrame) -> tuple[int, int, int, int]:
    """a, b, c and d of x' = a x + c y, y' = b x + d y, which takes a stored pixel to its place (ISO 14496-12, 8.3.2)."""
    side_data: Any = frame.side_data
    if "DISPLAYMATRIX" not in side_data:
        return 1, 0, 0, 1
    a, b, _, c, d, *_ = np.frombuffer(side_data["DISPLAYMATRIX"], np.int32).tolist()
    return a, b, c, d


def turns(matrix: tuple[int, int, int, int]) -> list[Filter]:
    """The filters that do what a display matrix says; one that is no multiple of a right angle is rounded to it."""
    a, b, c, d = matrix
    if abs(a) + abs(d) < abs(b) + abs(c):
        return [("transpose", {(1, 1): "cclock_flip", (1, 0): "clock", (0, 1): "cclock", (0, 0): "clock_flip"}[b > 0, c > 0])]
    return [(name, "") for name, wanted in (("hflip", a < 0), ("vflip", d < 0)) if wanted]


@lru_cache(64)
def has_alpha(format_name: str) -> bool:
    """Whether pixels of that format can be transparent."""
    return any(component.is_alpha for component in VideoFormat(format_name).components)
