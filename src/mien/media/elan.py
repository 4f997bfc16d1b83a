"""A video's emotions as tiers for ELAN, the annotation program (EAF 3.0: https://www.mpi.nl/tools/elan/EAFv3.0.xsd)."""

import mimetypes
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from mien.errors import UsageError, one_line
from mien.media.durations import Durations
from mien.media.sinks import written
from mien.results import Result

BREAK_S = 0.5
"""A face out of sight for longer ends its annotation; for less, the annotation goes on, if the emotion does."""
ROOT = {
    "AUTHOR": "mien",
    "FORMAT": "3.0",
    "VERSION": "3.0",
    "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation": "http://www.mpi.nl/tools/elan/EAFv3.0.xsd",
}


@dataclass
class Segment:
    """A time during which a track shows one emotion."""

    track: int
    emotion: str
    start_s: float
    end_s: float


class Segments(Durations):
    """The segments of a video's results: the longest runs of one emotion, from its first frame to its last one's end."""

    def __init__(self) -> None:
        super().__init__()
        self._done: list[Segment] = []
        self._open: dict[int, Segment] = {}

    def all(self) -> list[Segment]:
        """By track, then time; to be called when all results were added."""
        self._finish()
        return sorted([*self._done, *self._open.values()], key=lambda segment: (segment.track, segment.start_s))

    def _shown(self, result: Result, duration_s: float) -> None:
        for face in result.faces:
            if face.track is None:
                continue
            last = self._open.get(face.track)
            if last and last.emotion == face.emotion and result.time_s - last.end_s <= BREAK_S + 1e-6:
                last.end_s = result.time_s + duration_s
                continue
            self._done += [last] if last else []
            self._open[face.track] = Segment(face.track, face.emotion, result.time_s, result.time_s + duration_s)


def check_elan(path: Path) -> None:
    """Raises UsageError where ELAN would not know the file by its name."""
    if path.suffix.lower() != ".eaf":
        raise UsageError(f"{path}: expected a name that ends in .eaf.")


def write_elan(path: Path, segments: Segments, media: Path | None) -> None:
    """Writes an .eaf, whole or not at all: a tier `face N` a track, whose annotations are its segments, to 1 ms.

    media: the clip, which ELAN opens with it; None for a camera or an address. Raises UsageError for another ending, VideoError
    where it cannot be written.
    """
    check_elan(path)
    root = _document(segments.all(), _media(path, media) if media else None)
    ElementTree.indent(root)
    with written(path) as new:
        ElementTree.ElementTree(root).write(new, encoding="UTF-8", xml_declaration=True)


def _document(segments: list[Segment], media: dict[str, str] | None) -> Element:
    """Each annotation has two time slots of its own, so that moving its border in ELAN moves no other's."""
    timed = [(segment, (round(segment.start_s * 1000), round(segment.end_s * 1000))) for segment in segments]
    timed = [(segment, (start, end)) for segment, (start, end) in timed if start < end]
    root = Element("ANNOTATION_DOCUMENT", {**ROOT, "DATE": datetime.now().astimezone().isoformat(timespec="seconds")})
    header = SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    if media:
        SubElement(header, "MEDIA_DESCRIPTOR", media)
    SubElement(header, "PROPERTY", {"NAME": "lastUsedAnnotationId"}).text = str(len(timed))
    slots = _time_slots(SubElement(root, "TIME_ORDER"), [times for _, times in timed])
    tiers: dict[int, Element] = {}
    for number, ((segment, _), (start, end)) in enumerate(zip(timed, slots, strict=True), 1):
        if segment.track not in tiers:
            tier = {"TIER_ID": f"face {segment.track}", "LINGUISTIC_TYPE_REF": "emotion"}
            tiers[segment.track] = SubElement(root, "TIER", tier)
        annotation = {"ANNOTATION_ID": f"a{number}", "TIME_SLOT_REF1": start, "TIME_SLOT_REF2": end}
        place = SubElement(SubElement(tiers[segment.track], "ANNOTATION"), "ALIGNABLE_ANNOTATION", annotation)
        SubElement(place, "ANNOTATION_VALUE").text = segment.emotion
    kind = {"LINGUISTIC_TYPE_ID": "emotion", "TIME_ALIGNABLE": "true", "GRAPHIC_REFERENCES": "false"}
    SubElement(root, "LINGUISTIC_TYPE", kind)
    return root


def _time_slots(order: Element, times_ms: Iterable[tuple[int, int]]) -> list[tuple[str, str]]:
    """Adds the slots, sorted by time, and gives the names of those of each start and end."""
    flat_ms = [time for pair in times_ms for time in pair]
    names = [""] * len(flat_ms)
    for number, i in enumerate(sorted(range(len(flat_ms)), key=flat_ms.__getitem__), 1):
        names[i] = f"ts{number}"
        SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": names[i], "TIME_VALUE": str(flat_ms[i])})
    return list(zip(names[::2], names[1::2], strict=True))


def _media(path: Path, media: Path) -> dict[str, str]:
    """Where the clip is, for ELAN, which takes the names in its addresses as they are, without percent signs."""
    found = {
        "MEDIA_URL": "file:///" + one_line(media.resolve().as_posix().lstrip("/")),
        "MIME_TYPE": mimetypes.guess_type(media.name)[0] or "unknown",
    }
    try:
        relative = Path(os.path.relpath(media.resolve(), path.resolve().parent)).as_posix()
    except ValueError:  # on another drive
        return found
    return {**found, "RELATIVE_MEDIA_URL": one_line(relative if relative.startswith("../") else f"./{relative}")}
