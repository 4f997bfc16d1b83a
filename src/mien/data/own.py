"""One's own faces in class folders, dealt into train, valid and test: what a network learns from and is scored on."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.data.dataset import LABELS, SPLITS, Split
from mien.data.folder import Pictures
from mien.errors import DataError, UsageError, one_line, unknown

ENDS = (0.7, 0.85)
"""Where the shares of train and valid end; test has the rest."""
FEWEST_FACES = 20
"""Fewest faces of an emotion: 14 to learn from and 3 each to validate and to test on, as they fall."""
MODES = tuple(mode for mode in LABELS if mode != "fer2013")


@dataclass(frozen=True)
class OwnFaces:
    """The faces, by their pictures' content; beside data.dataset.Dataset, with the same way to its splits.

    images: uint8 [n,48,48]; classes: int [n], index in labels; parts: int [n], index in SPLITS; labels: the emotions that
    there are, in the order of EMOTIONS; checksums: of pictures and labels; about: what a run says of them.
    """

    images: np.ndarray
    classes: np.ndarray
    parts: np.ndarray
    labels: tuple[str, ...]
    checksums: dict[str, str]
    about: dict[str, Any]

    def emotions(self, labels: str) -> tuple[str, ...]:
        """The emotion of each column of a split's targets."""
        check_mode(labels)
        return self.labels

    def split(self, name: str, labels: str = "majority") -> Split:
        """One of SPLITS. A face has one label, so that is what each label mode gives; FER2013's own labels are an error."""
        if name not in SPLITS:
            raise unknown("split", name, SPLITS)
        check_mode(labels)
        rows = np.flatnonzero(self.parts == SPLITS.index(name))
        return Split(self.images[rows], np.eye(len(self.labels), dtype=np.float32)[self.classes[rows]], rows)


def check_mode(labels: str) -> None:
    """Raises UsageError for a label mode that faces in class folders do not have."""
    if labels not in LABELS:
        raise unknown("label mode", labels, LABELS)
    if labels not in MODES:
        raise UsageError(
            f"labels = {labels!r}: are FER2013's own, which faces in class folders do not have; use one of "
            f"{', '.join(MODES)}, which all mean the folder's label here."
        )


def check_counts(folder: Path, counts: Mapping[str, int]) -> None:
    """counts: emotion -> faces. Raises DataError for fewer than two emotions, or fewer than FEWEST_FACES faces of one."""
    if len(counts) < 2:
        raise DataError(f"{folder}: holds {', '.join(counts)} alone; expected folders of at least two emotions.")
    if few := [f"{emotion} {n}" for emotion, n in counts.items() if n < FEWEST_FACES]:
        raise DataError(
            f"{folder}: too few faces of {', '.join(few)}; expected at least {FEWEST_FACES} of each emotion: add pictures, or "
            "move its folder away."
        )


def part_of(digest: str) -> int:
    """Index in SPLITS, by the SHA-256 (hex) of a picture.

    So a picture keeps its part whatever is added, removed or renamed, and copies of it, in whatever folder, share it.
    """
    return int(np.searchsorted(ENDS, int(digest[:16], 16) / 16**16, side="right"))


def deal_out(pictures: Pictures, faces: Mapping[str, np.ndarray], cropped: bool, numbering: str = "") -> OwnFaces:
    """faces: picture's name -> uint8 [48,48]; pictures without one are left out. cropped, numbering: how they were read.

    Raises DataError as `check_counts` does, and where there is nothing to learn an emotion from or no face to score.
    """
    digests = pictures.digests
    emotion_of = dict(zip(pictures.names, pictures.emotions, strict=True))
    names = sorted(faces.keys() & digests.keys(), key=lambda name: (digests[name], name))
    found = Counter(emotion_of[name] for name in names)
    check_counts(pictures.folder, {emotion: found[emotion] for emotion in pictures.counts})
    labels = tuple(pictures.counts)
    classes = np.array([labels.index(emotion_of[name]) for name in names])
    parts = np.array([part_of(digests[name]) for name in names])
    about = {
        "folder": one_line(pictures.folder.resolve().name),
        "pictures": len(pictures.names),
        "faces": len(names),
        "cropped": cropped,
        "numbering": numbering,
        "parts": _count(pictures.folder, classes, parts, labels),
    }
    return OwnFaces(np.stack([faces[name] for name in names]), classes, parts, labels,
                    {"class folders": _checksum(digests, emotion_of, cropped)}, about)  # fmt: skip


def _count(folder: Path, classes: np.ndarray, parts: np.ndarray, labels: tuple[str, ...]) -> dict[str, dict[str, int]]:
    """Faces by part and emotion. Raises DataError for an emotion that cannot be learned and a part that is empty."""
    counts = np.zeros((len(SPLITS), len(labels)), int)
    np.add.at(counts, (parts, classes), 1)
    lacking = [f"{label} falls to train" for label, n in zip(labels, counts[0], strict=True) if not n]
    lacking += [f"any emotion falls to {part}" for part, n in zip(SPLITS, counts.sum(1), strict=True) if not n]
    if lacking:
        raise DataError(f"{folder}: no face of {lacking[0]}, since each picture's content decides where it goes; add pictures.")
    return {part: dict(zip(labels, row.tolist(), strict=True)) for part, row in zip(SPLITS, counts, strict=True)}


def _checksum(digests: Mapping[str, str], emotion_of: Mapping[str, str], cropped: bool) -> str:
    """Of all pictures' contents and emotions, whatever their names and order, and of how faces were taken from them."""
    lines = sorted(f"{digest} {emotion_of[name]}\n" for name, digest in digests.items())
    return hashlib.sha256("".join([*lines, f"cropped {cropped}\n"]).encode()).hexdigest()
