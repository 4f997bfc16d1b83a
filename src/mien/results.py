"""What mien answers: frozen data, the same schema behind every door (docs/contract.md)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mien.emotions import EMOTIONS
from mien.errors import UsageError

SCHEMA = 1


@dataclass(frozen=True)
class Box:
    """A rectangle in whole pixels of the upright picture: left edge, top edge, width, height."""

    x: int
    y: int
    width: int
    height: int

    def __iter__(self) -> Iterator[int]:
        """x, y, width, height = box."""
        return iter((self.x, self.y, self.width, self.height))


@dataclass(frozen=True)
class Face:
    """One face of one picture.

    score: the detector's, 0 to 1 (1.0 for a box that the caller gave). probs: calibrated, by emotion, sum 1.
    ambiguous: the calibrated prediction set at 90% holds more than one emotion. smoothed: probs over time, where a stream
    smooths; emotion, confidence and ambiguous then follow it.
    """

    box: Box
    score: float
    probs: Mapping[str, float]
    emotion: str
    confidence: float
    ambiguous: bool
    track: int | None = None
    smoothed: Mapping[str, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The face as docs/contract.md lays it down, ready for JSON."""
        return {
            "box": {"x": self.box.x, "y": self.box.y, "width": self.box.width, "height": self.box.height},
            "score": self.score,
            "track": self.track,
            "emotion": self.emotion,
            "confidence": self.confidence,
            "ambiguous": self.ambiguous,
            "probs": dict(self.probs),
            "smoothed": dict(self.smoothed) if self.smoothed is not None else None,
        }


@dataclass(frozen=True)
class Result:
    """One picture or frame: its faces, best score first, or the error that kept it from being read.

    width and height: of the upright picture, in pixels (0 where it could not be read). model: name and sha256.
    """

    source: str
    width: int
    height: int
    faces: tuple[Face, ...] = ()
    model: Mapping[str, str] = field(default_factory=dict)
    frame: int = 0
    time_s: float = 0.0
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The result as docs/contract.md lays it down, ready for JSON."""
        return {
            "schema": SCHEMA,
            "source": self.source,
            "frame": self.frame,
            "time_s": self.time_s,
            "width": self.width,
            "height": self.height,
            "model": dict(self.model),
            "faces": [face.to_dict() for face in self.faces],
            "error": self.error,
        }


def label(face: Face) -> str:
    """`happiness 93%`, or `anger 41% / sadness 38%` where the face is ambiguous."""
    probs = face.smoothed or face.probs
    shown = sorted(probs, key=lambda name: -probs[name])[: 2 if face.ambiguous else 1]
    return " / ".join(f"{name} {probs[name]:.0%}" for name in shown)


CSV_COLUMNS = ("source", "frame", "time_s", "face", "track", "x", "y", "width", "height", "score",
               "emotion", "confidence", "ambiguous", *EMOTIONS, "error")  # fmt: skip


def to_rows(result: Result) -> list[dict[str, Any]]:
    """One row of CSV_COLUMNS a face; one with empty face columns where there is none, so that nothing vanishes."""
    base = {"source": result.source, "frame": result.frame, "time_s": result.time_s, "error": result.error or ""}
    blank = dict.fromkeys(CSV_COLUMNS, "")
    if not result.faces:
        return [blank | base]
    return [blank | base | _face_row(i, face) for i, face in enumerate(result.faces)]


def _face_row(number: int, face: Face) -> dict[str, Any]:
    track = "" if face.track is None else face.track
    box = {"x": face.box.x, "y": face.box.y, "width": face.box.width, "height": face.box.height}
    named = {"emotion": face.emotion, "confidence": face.confidence, "ambiguous": str(face.ambiguous).lower()}
    return {"face": number, "track": track, **box, "score": face.score, **named, **face.probs}


def to_frame(results: Iterable[Result]) -> Any:
    """All results as a pandas DataFrame, a row a face. Raises UsageError where pandas is not installed."""
    try:
        import pandas
    except ModuleNotFoundError:
        raise UsageError("to_frame needs pandas: pip install pandas.") from None

    return pandas.DataFrame([row for result in results for row in to_rows(result)], columns=list(CSV_COLUMNS))
