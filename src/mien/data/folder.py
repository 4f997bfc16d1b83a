"""Pictures in one folder a class, under any of the names that RAF-DB, AffectNet, CK+, KDEF and JAFFE give their classes."""

import hashlib
import os
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from PIL import Image

from mien.data.fer2013 import find_fer2013
from mien.emotions import EMOTIONS, FER2013_EMOTIONS
from mien.errors import DataError, UsageError, unknown
from mien.files import sha256

WORDS = {
    "neutral": ("neutral", "ne"),
    "happiness": ("happiness", "happy", "joy", "ha"),
    "surprise": ("surprise", "surprised", "su"),
    "sadness": ("sadness", "sad", "sa"),
    "anger": ("anger", "angry", "an"),
    "disgust": ("disgust", "disgusted", "di"),
    "fear": ("fear", "fearful", "afraid", "scared", "fe", "af"),
    "contempt": ("contempt", "contemptuous", "co"),
}
"""Emotion -> the names that a folder of it may have, in any case; the short ones are KDEF's and JAFFE's codes."""
EMOTION_OF = {word: emotion for emotion, words in WORDS.items() for word in words}

NUMBERINGS = {
    "rafdb": ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"),
    "affectnet": ("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt"),
    "ckplus": ("neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise"),
    "fer2013": FER2013_EMOTIONS,
}
"""Data set -> its classes in the order of their numbers: from 1 for RAF-DB (Li et al. 2017), from 0 for the others."""
REFUSED = {"EPS", "IPTC"}
"""Formats that Pillow reads and media.images does not."""


@dataclass(frozen=True)
class Pictures:
    """paths: sorted by class folder and name; emotions: of each path; skipped: what was passed over, and why."""

    folder: Path
    paths: tuple[Path, ...]
    emotions: tuple[str, ...]
    skipped: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Each path below the folder, parts joined by /."""
        return tuple(path.relative_to(self.folder).as_posix() for path in self.paths)

    @cached_property
    def digests(self) -> dict[str, str]:
        """Name -> SHA-256 of each picture that can be read; all are read for it, once."""
        digests = {}
        for path, name in zip(self.paths, self.names, strict=True):
            with suppress(OSError):
                digests[name] = sha256(path)
        return digests

    @property
    def sha256(self) -> str:
        """Of the names and contents of all pictures that can be read."""
        lines = (f"{digest} {name}\n" for name, digest in self.digests.items())
        return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()

    @property
    def counts(self) -> dict[str, int]:
        """Pictures of each emotion that there is, in the order of EMOTIONS."""
        found = Counter(self.emotions)
        return {emotion: found[emotion] for emotion in EMOTIONS if found[emotion]}


def is_class_folder(folder: Path) -> bool:
    """Whether a folder is for `read_folder`: without FER2013, but with folders that hold pictures or folders of classes.

    So is one that cannot be looked into, or whose classes are not known: that is said there.
    """
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.X_OK):
        return folder.is_dir()
    try:
        find_fer2013(folder)
    except DataError:
        inside = (path for path in folder.glob("*/*") if not path.parent.name.startswith("."))
        return any(path.name.lower() in EMOTION_OF if path.is_dir() else _is_picture(path) for path in inside)
    return False


def read_folder(folder: Path, numbering: str = "") -> Pictures:
    """The pictures below the class folders of `folder`, at any depth; hidden ones and other files are left out.

    numbering: one of NUMBERINGS, where the folders are numbers. Raises DataError where the folder cannot be read, names a
    class that is not known, or holds no picture, and UsageError for numbers without a numbering, or the other way round.
    """
    if numbering and numbering not in NUMBERINGS:
        raise unknown("numbering", numbering, NUMBERINGS)
    entries = _list(folder)
    found = {path: _pictures(path) for path in entries if path.is_dir() and not path.name.startswith(".")}
    names = _emotions_of([path.name for path, pictures in found.items() if pictures], folder, numbering)
    skipped = [f"{path.name}: holds no picture" for path, pictures in found.items() if not pictures]
    skipped += [f"{path.name}: is hidden" for path in entries if path.is_dir() and path.name.startswith(".")]
    if loose := sum(map(_is_picture, entries)):
        skipped.append(f"{loose} picture{'s' * (loose > 1)} outside the class folders")
    pairs = [(picture, names[path.name]) for path, pictures in found.items() for picture in pictures]
    if not pairs:
        raise DataError(f"{folder}: holds no picture in a class folder; expected folders such as happiness/ with pictures.")
    return Pictures(folder, tuple(path for path, _ in pairs), tuple(emotion for _, emotion in pairs), tuple(skipped))


def _emotions_of(names: list[str], folder: Path, numbering: str) -> dict[str, str]:
    """Folder's name -> its emotion."""
    numeric = [name for name in names if name.isdecimal()]
    if numeric and len(numeric) == len(names):
        return {name: _numbered(int(name), folder, numbering) for name in names}
    if numbering:
        words = next((name for name in names if not name.isdecimal()), "none")
        raise UsageError(
            f"--classes {numbering}: is for folders that are all numbers, but {folder} holds {words}; leave it out."
        )
    if strange := [name for name in names if name.lower() not in EMOTION_OF]:
        raise DataError(
            f"{folder}: folder {strange[0]!r} names no emotion that mien knows. Known, in any case: {', '.join(EMOTION_OF)}. "
            f"Rename it or move it away; where it holds the class folders itself, give {folder / strange[0]}."
        )
    return {name: EMOTION_OF[name.lower()] for name in names}


def _numbered(number: int, folder: Path, numbering: str) -> str:
    if not numbering:
        raise UsageError(
            f"{folder}: its folders are numbers, which data sets count differently; add --classes {', '.join(NUMBERINGS)} "
            "(one of them), or rename the folders to the emotions."
        )
    classes, first = NUMBERINGS[numbering], int(numbering == "rafdb")
    if not first <= number < first + len(classes):
        raise DataError(
            f"{folder}: folder {number} is no class of {numbering}, which counts from {first} to {first + len(classes) - 1}."
        )
    return classes[number - first]


def _list(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise _unreadable(folder, error) from error


def _unreadable(folder: Path, error: OSError) -> DataError:
    return DataError(f"{folder}: cannot be read ({error.strerror}); expected a folder with one folder of pictures a class.")


def _pictures(folder: Path) -> list[Path]:
    """All below a class folder, sorted. Raises DataError for a part of it that cannot be listed."""

    def refuse(error: OSError) -> None:
        raise _unreadable(Path(error.filename), error) from error

    found = []
    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [path for name in names if _is_picture(path := Path(parent, name))]
    return sorted(found)


def _is_picture(path: Path) -> bool:
    """By its suffix, any that is read, unless it is hidden; a link that leads nowhere is one that cannot be read."""
    Image.init()
    shown = Image.EXTENSION.get(path.suffix.lower()) in Image.OPEN.keys() - REFUSED and not path.name.startswith(".")
    return shown and (path.is_file() or not path.exists())
