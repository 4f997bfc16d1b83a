"""A video to results: decoding, detection, cropping and classification side by side, smoothed over time."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike
from typing import Self

import numpy as np

from mien.errors import VideoError
from mien.inference.follow import Follower, Found
from mien.inference.located import Located, locate
from mien.inference.recognizer import Recognizer
from mien.inference.smoothing import GAP_S, LOOK_S, Rows, Smoother, smooth_frames
from mien.inference.tracker import MEMORY_S
from mien.media.frames import Facts, Frame, Lost
from mien.media.images import Picture
from mien.media.video import open_video
from mien.results import Result

SEARCHERS = 2
"""Frames that are searched at the same time, each by a detector of its own."""
TOGETHER = 16
"""Faces that pass the network together, of one frame or several."""
PATIENCE = 64
"""Frames that wait at most until so many faces have come together."""
REMEMBERED_S = max(MEMORY_S, GAP_S, 2 * LOOK_S) + 1.0
"""Results of an earlier run that are older than this change nothing but the number of the next new face."""

Search = Future[list[Found]]


@dataclass(frozen=True)
class Moment:
    """A frame whose faces are located, by track. pixels: only where they were asked for."""

    index: int
    time_s: float
    faces: tuple[tuple[int, Located], ...]
    pixels: np.ndarray | None


class Stream:
    """The results of a video's frames, in order; close it, use it in `with`, or drop it, at any moment.

    Iterating raises VideoError after the last result where the source ends too early.
    """

    def __init__(self, pipeline: "Pipeline"):
        self._pipeline, self._results = pipeline, pipeline.run()

    @property
    def facts(self) -> Facts:
        """What is known of the video."""
        return self._pipeline.facts

    @property
    def lost(self) -> list[Lost]:
        """The frames that could not be had so far."""
        return self._pipeline.lost

    @property
    def damaged(self) -> int:
        """How many frames the decoder had to patch so far."""
        return self._pipeline.damaged

    @property
    def pixels(self) -> np.ndarray | None:
        """The latest result's frame, uint8 RGB [h,w,3], of a live source; None else."""
        return self._pipeline.pixels

    def __iter__(self) -> Iterator[Result]:
        return self

    def __next__(self) -> Result:
        return next(self._results)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stops and frees the decoder and the threads; there are no results after it."""
        self._results.close()
        self._pipeline.close()


class Pipeline:
    """What a stream consists of. It knows nothing of its generators, so that all end when the stream is dropped."""

    def __init__(
        self,
        recognizer: Recognizer,
        source: str | PathLike[str] | int,
        fps: float | Fraction | None = None,
        *,
        smooth: bool = True,
        detect_every: int | None = None,
        after: Sequence[Result] = (),
    ):
        self._recognizer, self._follower = recognizer, Follower(detect_every)
        self._smooth, self._after = smooth, after
        self._error: VideoError | None = None
        self._video = open_video(source, fps)
        self.facts, self.lost, self.damaged = self._video.facts, self._video.lost, 0
        self.pixels: np.ndarray | None = None

    def close(self) -> None:
        """Stops the decoder."""
        self._video.close()

    def run(self) -> Generator[Result, None, None]:
        with self._video, ThreadPoolExecutor(SEARCHERS, "mien-search") as workers:
            yield from self._smoothed(self._classified(self._located(workers), workers))
        if self._error:
            raise self._error

    def _frames(self) -> Iterator[Frame]:
        """Those to be looked at; an error in their midst is raised when all is done that came before it."""
        last = max((result.frame for result in self._after), default=-1)
        try:
            for frame in self._video:
                self.damaged += frame.damaged
                if frame.index > last:
                    yield frame
        except VideoError as error:
            self._error = error

    def _located(self, workers: ThreadPoolExecutor) -> Iterator[Moment]:
        self._recall()

        def look(frame: Frame) -> Search:
            return workers.submit(self._recognizer.search, frame.pixels)

        if self.facts.live:
            for frame in self._frames():
                wanted = self._follower.wants(frame.time_s)
                yield from self._settle([frame], look(frame).result() if wanted else None)
            return
        segment: list[Frame] = []
        under_way: deque[tuple[list[Frame], Search]] = deque()
        for frame in self._frames():
            segment.append(frame)
            if self._follower.wants(frame.time_s):
                under_way.append((segment, look(frame)))
                segment = []
            if len(under_way) > SEARCHERS:
                yield from self._searched(*under_way.popleft(), look)
        if segment:
            under_way.append((segment, look(segment[-1])))
        for frames, search in under_way:
            yield from self._searched(frames, search, look)

    def _searched(self, frames: list[Frame], search: Search, look: Callable[[Frame], Search]) -> Iterator[Moment]:
        """Frames of which the last is searched; the others too, where what that gives is a surprise."""
        found = search.result()
        if len(frames) > 1 and self._follower.surprised(frames[-1].time_s, found):
            for frame, between in [(frame, look(frame)) for frame in frames[:-1]]:
                yield from self._settle([frame], between.result())
            frames = frames[-1:]
        yield from self._settle(frames, found)

    def _settle(self, frames: list[Frame], found: list[Found] | None) -> Iterator[Moment]:
        times_s = [frame.time_s for frame in frames]
        sightings = self._follower.settle(times_s, found) if found is not None else [self._follower.expect(times_s[-1])]
        for frame, seen in zip(frames, sightings, strict=True):
            picture = Picture(frame.pixels, self.facts.width, self.facts.height)
            located = ((face.number, locate(picture, face.square, face.score)) for face in seen)
            faces = tuple((number, face) for number, face in located if face)
            yield Moment(frame.index, frame.time_s, faces, frame.pixels if self.facts.live else None)

    def _classified(self, moments: Iterator[Moment], workers: ThreadPoolExecutor) -> Iterator[tuple[Moment, list[np.ndarray]]]:
        """Each moment with its faces' probabilities [8]; faces of several frames pass the network together."""
        together, patience = (1, 0) if self.facts.live else (TOGETHER, PATIENCE)
        waiting: deque[Moment] = deque()
        crops: list[np.ndarray] = []
        under_way: deque[Future[np.ndarray]] = deque()
        rows: deque[np.ndarray] = deque()

        def ready(at_least: int, unfinished: int) -> Iterator[tuple[Moment, list[np.ndarray]]]:
            while len(crops) >= at_least and crops:
                under_way.append(workers.submit(self._recognizer.classify, crops[:together]))
                del crops[:together]
            while len(under_way) > unfinished:
                rows.extend(under_way.popleft().result())
            while waiting and len(waiting[0].faces) <= len(rows):
                moment = waiting.popleft()
                yield moment, [rows.popleft() for _ in moment.faces]

        for moment in moments:
            waiting.append(moment)
            crops += [face.crop for _, face in moment.faces]
            yield from ready(together, 1) if len(waiting) <= patience else ready(1, 0)
        yield from ready(1, 0)

    def _smoothed(self, classified: Iterator[tuple[Moment, list[np.ndarray]]]) -> Iterator[Result]:
        waiting: deque[tuple[Moment, list[np.ndarray]]] = deque()

        def rows() -> Iterator[tuple[float, Rows]]:
            for moment, probs in classified:
                waiting.append((moment, probs))
                yield moment.time_s, {n: row.tolist() for (n, _), row in zip(moment.faces, probs, strict=True)}

        for smoothed in self._smoother()(rows()):
            moment, probs = waiting.popleft()
            faces = tuple(
                self._recognizer.face(face, row, number, smoothed.get(number))
                for (number, face), row in zip(moment.faces, probs, strict=True)
            )
            self.pixels = moment.pixels
            size = self.facts.width, self.facts.height
            yield Result(self.facts.name, *size, faces, self._recognizer.model, moment.index, moment.time_s)

    def _smoother(self) -> Callable[[Iterable[tuple[float, Rows]]], Iterator[dict[int, list[float]]]]:
        if not self._smooth:
            return lambda frames: ({} for _ in frames)
        before = [(r.time_s, {f.track: list(f.probs.values()) for f in r.faces if f.track is not None}) for r in self._after]
        if not self.facts.live:
            return lambda frames: smooth_frames(frames, before)
        smoother = Smoother()
        return lambda frames: ({n: smoother.update(n, time_s, row) for n, row in rows.items()} for time_s, rows in frames)

    def _recall(self) -> None:
        for result in self._after:
            self._follower.recall(result.time_s, {face.track: tuple(face.box) for face in result.faces if face.track})
