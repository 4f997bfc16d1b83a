"""Pixels to results: find the faces, crop them, classify them in one batch."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
from PIL import Image

from mien.emotions import EMOTIONS
from mien.errors import BundleError, ImageError, UsageError, unknown
from mien.inference.crop import SIDE_PX, Square, face_square
from mien.inference.detector import Detector, read_detector
from mien.inference.engines import Engine, build_engine
from mien.inference.located import Located, Seen, as_crop, locate, locate_given, see_whole
from mien.inference.weights import FILES, load_bundle
from mien.media.images import WORKING_SIDE_PX, Source, name_source, read_picture
from mien.results import Box, Explanation, Face, Result

if TYPE_CHECKING:
    from mien.inference.stream import Stream

T = TypeVar("T")
Boxes = Sequence[Box | Sequence[float]]


class Recognizer:
    """The shipped network and detector, or those you name. Loads them when first needed; safe to share between threads.

    model: a bundle's name or folder. detector: full_range, or short_range for selfies. threads: of each network, which are
    too small to gain from more than one. engine: litert, litert-int8 or onnx. threshold: least detector score, 0 to 1.
    min_face_px: look for faces down to this size, and leave out smaller ones; 0 looks at the whole picture once, which
    shows faces from about a twelfth of its longer side, and less than that takes longer (Detector.detect). max_faces: only
    so many a picture, best score first. Raises UsageError for an unknown name or an option out of its range.
    """

    def __init__(
        self,
        model: str | Path = "mien",
        detector: str = "full_range",
        threads: int = 1,
        *,
        engine: str = "litert",
        threshold: float = 0.5,
        min_face_px: int = 0,
        max_faces: int | None = None,
    ):
        if engine not in FILES:
            raise unknown("engine", engine, FILES)
        _check_options(threads, threshold, min_face_px, max_faces)
        self.bundle = load_bundle(model)
        self.threshold, self.min_face_px, self.max_faces = threshold, min_face_px, max_faces
        self.model = {"name": self.bundle.name, "sha256": self.bundle.sha256(engine)}
        read_detector(detector)  # raises for an unknown name
        self._detector_name, self._threads = detector, threads
        self._engine = Lazy[Engine](lambda: build_engine(self.bundle, engine, threads))
        self._detector = Lazy(lambda: Detector(detector, threads))
        self._spare: list[Detector] = []

    def predict(self, picture: Source, boxes: Boxes | None = None) -> Result:
        """The faces of one picture: a path, bytes, PIL image, or uint8 array [h,w] or RGB [h,w,3].

        boxes: the caller's own faces, x, y, width and height in pixels of the upright picture; then nothing is detected,
        and each is cropped as the square around its centre with its longer side. Raises ImageError if it cannot be read.
        """
        if boxes is None:
            return self._classify([self._look(picture)])[0]
        shown = read_picture(picture, None)
        located = tuple(locate_given(shown, box) for box in boxes)
        return self._classify([Seen(name_source(picture), shown.width, shown.height, located)])[0]

    def predict_batch(self, pictures: Iterable[Source], whole_image: bool = False) -> list[Result]:
        """One result a picture, in order; all faces pass the network together. A picture that cannot be read has `error`.

        whole_image: each picture is one face already cropped; nothing is detected. Raises UsageError for a single picture.
        """
        if _is_one(pictures):
            raise UsageError("predict_batch expects several pictures, such as a list of paths; use predict for one.")
        return self._classify([self._try(picture, whole_image) for picture in pictures])

    def classify(self, crops: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
        """Faces already cropped -> calibrated probabilities float32 [n,8] over EMOTIONS, rows sum to 1.

        crops: uint8 [n,h,w], or a sequence of PIL images or uint8 arrays [h,w] or RGB [h,w,3] of any sizes. A network
        without contempt gives it 0. Raises ImageError for anything else, BundleError where the network answers with no number.
        """
        if _is_one(crops):
            kind = f"array {list(crops.shape)}" if isinstance(crops, np.ndarray) else type(crops).__name__
            raise ImageError(f"{kind}: expected faces, an array [n,h,w] or a list of arrays or PIL images; one face is [face].")
        faces = [as_crop(np.asarray(crop)) for crop in crops]
        probs = self._engine.get().probs(np.array(faces, np.uint8).reshape(-1, SIDE_PX, SIDE_PX))
        if not np.isfinite(probs).all():
            raise BundleError(f"{self.bundle.folder}: its network answers with what is no number; fetch or export it again.")
        full = np.zeros((len(probs), len(EMOTIONS)), np.float32)
        full[:, [EMOTIONS.index(label) for label in self.bundle.labels]] = probs
        return full

    def explain(self, picture: Source, face: Face | int = 0) -> Explanation:
        """What in a face speaks for each emotion, in about the time of 300 faces (explain.explain_crop).

        face: of what `predict` or `predict_batch` gave for the picture, or its number there, from 0. Raises UsageError for a
        number that the picture does not have, ImageError for a face whose box lies outside it or a picture that cannot be read.
        """
        from mien.inference.explain import explain_crop

        return explain_crop(self._crop_of(picture, face), self.classify)

    def _crop_of(self, picture: Source, face: Face | int) -> np.ndarray:
        """The crop that the face was classified from: as it is found again, else as its box says."""
        seen = self._look(picture)
        if isinstance(face, int):
            if not 0 <= face < len(seen.located):
                raise UsageError(f"face {face}: {seen.source} has {len(seen.located)}, numbered from 0.")
            return seen.located[face].crop
        found = [one.crop for one in seen.located if (one.box, one.score) == (face.box, face.score)]
        if found:
            return found[0]
        if face.box == Box(0, 0, seen.width, seen.height):
            return see_whole(picture).located[0].crop
        return locate_given(read_picture(picture, None), face.box).crop

    def _try(self, picture: Source, whole_image: bool) -> Seen:
        try:
            return see_whole(picture) if whole_image else self._look(picture)
        except ImageError as error:
            name = name_source(picture)
            return Seen(name, error=str(error).removeprefix(f"{name}: "))

    def stream(
        self,
        source: str | PathLike[str] | int,
        fps: float | Fraction | None = None,
        *,
        smooth: bool = True,
        detect_every: int | None = None,
        after: Sequence[Result] = (),
    ) -> "Stream":
        """The results of a video, frame by frame, in constant memory: a file, an address, a camera, or a folder of pictures.

        Each face keeps its number (`track`); a frame's faces stand in the order of these. fps: only the frames nearest to
        each moment k / fps. smooth: also give each track's probabilities over time, for files from both sides. detect_every:
        search each so-many-th frame for faces; None: as often as they move, at least every 0.2 s. In between they are
        followed. after: the results of an interrupted run, which this one goes on behind (the last few seconds are enough,
        and before them one with the highest track, so that no number comes twice).
        Needs the extra `video`. Raises VideoError for what cannot be read, at the end of what could; UsageError for an
        option out of its range.
        """
        from mien.inference.stream import Pipeline, Stream

        return Stream(Pipeline(self, source, fps, smooth=smooth, detect_every=detect_every, after=after))

    def search(self, pixels: np.ndarray) -> list[tuple[Square, float]]:
        """The faces in a frame, uint8 RGB [h,w,3], best score first.

        Calls at the same time have a detector each. They are kept for later ones: to load one takes as long as to search
        two frames, and holds up all other threads.
        """
        try:
            detector = self._spare.pop()
        except IndexError:
            detector = Detector(self._detector_name, self._threads)
        try:
            return list(islice(self._find(detector, pixels), self.max_faces))
        finally:
            self._spare.append(detector)

    def _look(self, source: Source) -> Seen:
        picture = read_picture(source, None if self.min_face_px else WORKING_SIDE_PX)
        found = (locate(picture, square, score) for square, score in self._find(self._detector.get(), picture.pixels))
        located = tuple(islice((face for face in found if face), self.max_faces))
        return Seen(name_source(source), picture.width, picture.height, located)

    def _find(self, detector: Detector, pixels: np.ndarray) -> Iterator[tuple[Square, float]]:
        for detection in detector.detect(pixels, self.threshold, self.min_face_px):
            square = face_square(detection)
            if square.side >= max(self.min_face_px, 1):
                yield square, detection.score

    def _classify(self, seen: Sequence[Seen]) -> list[Result]:
        rows = iter(self.classify([face.crop for s in seen for face in s.located]))
        return [
            Result(s.source, s.width, s.height, tuple(self.face(f, next(rows)) for f in s.located), self.model, error=s.error)
            for s in seen
        ]

    def face(
        self, located: Located, row: np.ndarray, track: int | None = None, smoothed: Sequence[float] | None = None
    ) -> Face:
        """A located face with its probabilities [8], and those over time where there are any, which name its emotion."""
        shown = row.tolist() if smoothed is None else smoothed
        confidence = max(shown)
        return Face(
            box=located.box,
            score=located.score,
            probs=dict(zip(EMOTIONS, row.tolist(), strict=True)),
            emotion=EMOTIONS[shown.index(confidence)],
            confidence=confidence,
            ambiguous=confidence < self.bundle.meta["set_threshold"],
            track=track,
            smoothed=None if smoothed is None else dict(zip(EMOTIONS, smoothed, strict=True)),
        )


def _is_one(given: object) -> bool:
    """Whether that is one picture, where several are expected."""
    if isinstance(given, np.ndarray):
        return given.ndim < 3 or (given.ndim == 3 and given.shape[2] in (3, 4))
    return isinstance(given, str | bytes | bytearray | memoryview | PathLike | Image.Image)


def _check_options(threads: int, threshold: float, min_face_px: int, max_faces: int | None) -> None:
    ranges = {
        f"threads = {threads}, expected at least 1": threads >= 1,
        f"threshold = {threshold}, expected 0 to 1": 0 <= threshold <= 1,
        f"min_face_px = {min_face_px}, expected 0 or more": min_face_px >= 0,
        f"max_faces = {max_faces}, expected None or at least 1": max_faces is None or max_faces >= 1,
    }
    for problem, holds in ranges.items():
        if not holds:
            raise UsageError(f"{problem}.")


class Lazy(Generic[T]):
    """A value that is built at the first `get()`, once, whichever thread asks first."""

    def __init__(self, build: Callable[[], T]):
        self._build, self._lock = build, threading.Lock()
        self._value: T | None = None

    def get(self) -> T:
        if self._value is None:
            with self._lock:
                if self._value is None:
                    self._value = self._build()
        return self._value
