"""FER2013 with FER+ votes: one folder in, the split and label mode that a network trains or is scored on out."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.data.cache import cached
from mien.data.fer2013 import Faces, find_fer2013, read_fer2013
from mien.data.ferplus import FILE, Votes, check_join, read_ferplus
from mien.data.targets import CLASSES, TARGETS
from mien.emotions import EMOTIONS, FER2013_TO_EMOTIONS
from mien.errors import DataError, unknown
from mien.files import sha256

SPLITS = ("train", "valid", "test")  # FER2013's Training, PublicTest, PrivateTest
LABELS = (*TARGETS, "fer2013")


@dataclass(frozen=True)
class Split:
    """images: uint8 [n,48,48]; targets: float32 [n,c], distributions over EMOTIONS[:c]; rows: int [n], rows of the CSV."""

    images: np.ndarray
    targets: np.ndarray
    rows: np.ndarray


@dataclass(frozen=True)
class Dataset:
    """All rows of FER2013 and FER+ in file order, and the SHA-256 of each file by name."""

    faces: Faces
    votes: Votes
    checksums: dict[str, str]

    def emotions(self, labels: str) -> tuple[str, ...]:
        """The emotion of each column of a split's targets."""
        return EMOTIONS[:-1] if labels == "fer2013" else EMOTIONS

    def split(self, name: str, labels: str = "distribution") -> Split:
        """The rows of one of SPLITS that the label mode (one of LABELS) keeps.

        `fer2013` gives FER2013's own labels, seven classes; the others FER+'s votes, eight. Valid and test are scored
        with `majority` or `fer2013`. Raises UsageError for an unknown name.
        """
        if name not in SPLITS:
            raise unknown("split", name, SPLITS)
        if labels not in LABELS:
            raise unknown("label mode", labels, LABELS)
        in_split = self.faces.usage == SPLITS.index(name)
        if labels == "fer2013":
            targets = np.eye(CLASSES - 1, dtype=np.float32)[np.array(FER2013_TO_EMOTIONS)[self.faces.labels]]
            kept = np.ones(len(targets), bool)
        else:
            targets, kept = TARGETS[labels](self.votes.counts)
            kept &= self.votes.named
        rows = np.flatnonzero(in_split & kept)
        return Split(self.faces.images[rows], targets[rows], rows)


def read_dataset(folder: Path | str) -> Dataset:
    """FER2013 and FER+ from one folder, checked against each other. The second call reads the user's cache instead.

    Raises DataError where a file is missing, cut off, malformed or does not fit the other.
    """
    faces_path = find_fer2013(Path(folder))
    votes_path = Path(folder) / FILE
    if not votes_path.is_file():
        raise DataError(
            f"{folder}: holds no {FILE}; it comes from github.com/microsoft/FERPlus and goes beside {faces_path.name}."
        )
    paths = [faces_path, votes_path]
    if faces_path.suffix == ".png":
        paths.append(faces_path.with_name("fer2013-labels.csv"))
    try:
        checksums = {path.name: sha256(path) for path in paths}
    except OSError as error:
        raise DataError(f"{error.filename}: cannot be read ({error.strerror}); it belongs to the data set.") from error

    def read() -> dict[str, np.ndarray]:
        faces, votes = read_fer2013(faces_path), read_ferplus(votes_path)
        check_join(faces, votes, votes_path)
        return {"images": faces.images, "labels": faces.labels, "usage": faces.usage,
                "counts": votes.counts, "named": votes.named}  # fmt: skip

    stored = cached(hashlib.sha256("".join(checksums.values()).encode()).hexdigest(), read)
    faces = Faces(stored["images"], stored["labels"], stored["usage"])
    return Dataset(faces, Votes(stored["counts"], stored["usage"], stored["named"]), checksums)
