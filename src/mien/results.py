"""What mien answers: frozen data, the same schema behind every door (docs/contract.md)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Self

from mien.emotions import EMOTIONS

if TYPE_CHECKING:
    import numpy as np

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

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What `to_dict` gave. Raises LookupError, TypeError or ValueError for what it did not."""
        return cls(**{**data, "box": Box(**data["box"])})


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

    def _repr_html_(self) -> str:
        """As Jupyter shows it: a table with a bar for each probability, in the notebook's own colours."""
        head = f"{as_unicode(self.source)}, {self.width} × {self.height} px"
        if self.error is not None:
            return f"<p>{escape(head)}: {escape(as_unicode(self.error))}</p>"
        rows = "".join(_html_row(i, face) for i, face in enumerate(self.faces)) or "<tr><td>no face</td></tr>"
        names = "".join(f"<th>{name}</th>" for name in ("face", "box", "expression", *EMOTIONS)) if self.faces else ""
        return f"<table><caption>{escape(head)}</caption><tr>{names}</tr>{rows}</table>"

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What `to_dict` gave. Raises LookupError, TypeError or ValueError for what it did not."""
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']}, expected {SCHEMA}")
        fields = {name: value for name, value in data.items() if name != "schema"}
        return cls(**{**fields, "faces": tuple(Face.from_dict(face) for face in data["faces"])})


@dataclass(frozen=True, eq=False)
class Explanation:
    """What in a face speaks for each emotion (mien.media.explanation draws it).

    crop: the face as the network saw it, uint8 [48,48]. probs: of it, by emotion. maps: by emotion, float32 [48,48], how far
    its log-odds fall, in nats, where a part of the crop is covered; below 0 where they rise.
    """

    crop: "np.ndarray"
    probs: Mapping[str, float]
    maps: "Mapping[str, np.ndarray]"


def label(face: Face) -> str:
    """`happiness 93%`, or `anger 41% / sadness 38%` where the face is ambiguous."""
    probs = face.smoothed or face.probs
    shown = sorted(probs, key=lambda name: -probs[name])[: 2 if face.ambiguous else 1]
    return " / ".join(f"{name} {percent(probs[name])}" for name in shown)


def percent(p: float, digits: int = 0) -> str:
    """A probability for people: `93%`; what rounds to 100% is `>99%`, and what rounds to 0 but is not 0 is `<1%`."""
    step, text = 10 ** -(digits + 2), f"{p:.{digits}%}"
    if text == f"{1:.{digits}%}":
        return f">{1 - step:.{digits}%}"
    return f"<{step:.{digits}%}" if p > 0 and text == f"{0:.{digits}%}" else text


def as_unicode(text: str) -> str:
    """A file's name may be none: what is left of it as lone surrogates is shown as \\udcXX."""
    return text.encode("utf-8", "backslashreplace").decode()


def _html_row(number: int, face: Face) -> str:
    """A face's number, box, label, and each emotion with a bar as long as it is probable."""
    x, y, width, height = face.box
    probs = face.smoothed or face.probs
    bar = '<td title="{}"><div style="background:currentColor;opacity:.6;height:.7em;width:{:.1f}em"></div></td>'
    bars = "".join(bar.format(escape(percent(p, 1)), 4 * p) for p in (probs[name] for name in EMOTIONS))
    named = f"#{face.track}" if face.track is not None else number
    return f"<tr><td>{named}</td><td>{width} × {height} at {x}, {y}</td><td>{escape(label(face))}</td>{bars}</tr>"
