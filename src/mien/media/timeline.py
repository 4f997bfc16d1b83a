"""What a clip's faces show over time, gathered frame by frame in constant memory, for a picture of all of it."""

import math
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from mien.emotions import EMOTIONS
from mien.errors import UsageError, lacking
from mien.media.sinks import written
from mien.results import Box, Face, Result

BINS = 800
"""A clip is divided into so many stretches of time at most, and half as many at least if it is longer than 12.5 s."""
FIRST_S = 1 / 64
"""Length of a stretch before any two are joined: a frame or none. Powers of 2, so that joining them is exact."""
THUMBNAILS = 32
"""Kept of each track: the best face of each of so many parts of BINS."""
THUMBNAIL_PX = 72
ENDED_S = 10.0
"""A track not seen for longer does not come back (the tracker's memory is shorter)."""
SHOWN = 8
"""Tracks that are shown: those seen longest."""
KEPT = 32
"""Tracks from which on those that have ended, and are not among the SHOWN, are forgotten."""


class Thumbnail(NamedTuple):
    """pixels: uint8 [THUMBNAIL_PX, THUMBNAIL_PX, 3]; score: the detector's."""

    time_s: float
    score: float
    emotion: str
    pixels: np.ndarray


@dataclass
class Track:
    """Sums over the frames of each stretch of time: a face was seen, was ambiguous, its probabilities in EMOTIONS' order."""

    number: int
    last_s: float = 0.0
    seen: np.ndarray = field(default_factory=lambda: np.zeros(BINS, int))
    ambiguous: np.ndarray = field(default_factory=lambda: np.zeros(BINS, int))
    probs: np.ndarray = field(default_factory=lambda: np.zeros((BINS, len(EMOTIONS))))
    thumbnails: dict[int, Thumbnail] = field(default_factory=dict)

    def add(self, time_s: float, place: int, face: Face, pixels: np.ndarray | None) -> None:
        """place: number of the stretch."""
        probs = face.smoothed or face.probs
        self.last_s = time_s
        self.seen[place] += 1
        self.ambiguous[place] += face.ambiguous
        self.probs[place] += [probs[name] for name in EMOTIONS]
        part = place * THUMBNAILS // BINS
        better = part not in self.thumbnails or face.score > self.thumbnails[part].score
        if pixels is not None and better and min(face.box.width, face.box.height) > 0:
            self.thumbnails[part] = Thumbnail(time_s, face.score, face.emotion, cut_out(pixels, face.box))

    def join(self) -> None:
        """Each two stretches become one, twice as long."""
        self.seen, self.ambiguous, self.probs = _join(self.seen), _join(self.ambiguous), _join(self.probs)
        before, self.thumbnails = self.thumbnails, {}
        for part, thumbnail in before.items():
            other = self.thumbnails.get(part // 2)
            if other is None or thumbnail.score > other.score:
                self.thumbnails[part // 2] = thumbnail


class Timeline:
    """Takes a clip's results, one by one, and draws them as one picture. Memory does not grow with the clip's length.

    name: of the clip, in the title; the first result's source unless given.
    """

    def __init__(self, name: str | None = None):
        self.name = name
        self.stretch_s = FIRST_S
        self.frames, self.faces = np.zeros(BINS, int), np.zeros(BINS, int)
        self.first_s, self.last_s = math.inf, 0.0
        self.forgotten = 0
        self._tracks: dict[int, Track] = {}

    def add(self, result: Result, pixels: np.ndarray | None = None) -> None:
        """The next frame's result, in the order of time; one with an error is left out.

        pixels: the frame, uint8 [h,w,3], if there are to be thumbnails of its faces; it is not kept. Raises UsageError for
        a face without a track's number, or a time below 0.
        """
        if self.name is None:
            self.name = result.source
        if result.error:
            return
        if not 0 <= result.time_s < math.inf:
            raise UsageError(f"frame at {result.time_s} s: expected seconds from the clip's start.")
        while result.time_s >= BINS * self.stretch_s:
            self._join()
        place = int(result.time_s / self.stretch_s)
        self.first_s, self.last_s = min(self.first_s, result.time_s), max(self.last_s, result.time_s)
        self.frames[place] += 1
        self.faces[place] += len(result.faces)
        for face in result.faces:
            self._track(face).add(result.time_s, place, face, pixels)

    def tracks(self) -> list[Track]:
        """Those that are kept, the one seen longest first, among them the SHOWN longest of all."""
        return sorted(self._tracks.values(), key=lambda track: (-track.seen.sum(), track.number))

    @property
    def count(self) -> int:
        """Tracks there were."""
        return len(self._tracks) + self.forgotten

    @property
    def duration_s(self) -> float:
        """To the end of the last frame, which is shown as long as the others are on average."""
        count = int(self.frames.sum())
        return self.last_s + ((self.last_s - self.first_s) / (count - 1) if count > 1 else FIRST_S)

    def write(self, path: Path) -> None:
        """Writes the picture as the name's ending says, whole or not at all; the same bytes for the same results.

        Raises UsageError as check_timeline does, VideoError where the file cannot be written.
        """
        check_timeline(path)
        from mien.media.timeline_figure import save_timeline

        with written(path) as new:
            save_timeline(self, new, path.suffix.lower().removeprefix("."))

    def _track(self, face: Face) -> Track:
        if face.track is None:
            raise UsageError("a face without a track's number: expected the results of a stream, which numbers its faces.")
        if face.track not in self._tracks:
            self._forget()
            self._tracks[face.track] = Track(face.track)
        return self._tracks[face.track]

    def _forget(self) -> None:
        if len(self._tracks) >= KEPT:
            ended = [track for track in self.tracks() if self.last_s - track.last_s > ENDED_S]
            for track in ended[SHOWN:]:
                del self._tracks[track.number]
            self.forgotten += len(ended[SHOWN:])

    def _join(self) -> None:
        self.stretch_s *= 2
        self.frames, self.faces = _join(self.frames), _join(self.faces)
        for track in self._tracks.values():
            track.join()


def check_timeline(path: Path) -> None:
    """Raises UsageError for a name that does not end in .png or .svg, a folder that is not there, or without matplotlib."""
    if path.suffix.lower() not in (".png", ".svg"):
        raise UsageError(f"{path}: expected a name that ends in .png or .svg.")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}; make it, or choose another place.")
    if not find_spec("matplotlib"):
        raise lacking("a timeline needs matplotlib", "video")


def cut_out(pixels: np.ndarray, box: Box) -> np.ndarray:
    """The box as uint8 [THUMBNAIL_PX, THUMBNAIL_PX, 3]; of a longish one the middle square."""
    side = min(box.width, box.height)
    left, top = box.x + (box.width - side) // 2, box.y + (box.height - side) // 2
    face = Image.fromarray(np.ascontiguousarray(pixels[max(0, top) : top + side, max(0, left) : left + side]))
    return np.asarray(face.resize((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.BILINEAR))


def _join(sums: np.ndarray) -> np.ndarray:
    joined = np.zeros_like(sums)
    joined[: BINS // 2] = sums[::2] + sums[1::2]
    return joined
