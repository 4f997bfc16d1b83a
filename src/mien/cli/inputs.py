"""The pictures that a user names: files, folders, globs, stdin."""

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path

SUFFIXES = {".avif", ".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".jp2", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}

VIDEOS = {".3gp", ".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"}


@dataclass(frozen=True)
class Input:
    """A picture to read, by the name that its result gets, or what is wrong with what the user named.

    below: in which folder it stands of the one that the user named.
    """

    name: str
    source: Path | bytes | None = None
    error: str | None = None
    below: Path = Path()


def find_inputs(sources: Sequence[str]) -> list[Input]:
    """Each source in turn: `-` is stdin, a folder all pictures below it, a glob what it matches; a name is taken as it is."""
    from mien.batch.places import is_url

    found: list[Input] = []
    for name in sources:
        if name == "-":
            found.append(Input("-", sys.stdin.buffer.read() if sys.stdin else b""))
        elif os.path.isdir(name):
            found += _in_folder(name)
        elif is_url(name):
            found.append(Input(name, error="addresses are not fetched; download it first."))
        elif has_magic(name) and not os.path.lexists(name):
            matches = sorted(glob(name, recursive=True))
            for match in matches:
                found += _in_folder(match) if os.path.isdir(match) else [Input(match, Path(match))]
            found += [] if matches else [Input(name, error="matches no file; check the pattern.")]
        else:
            found.append(Input(name, Path(name)))
    return found


def advise(name: str, error: str | None) -> str | None:
    """What was wrong with the picture of that name; where it is a video by its name, which verb reads it."""
    from mien.media.images import UNKNOWN

    if error and error.startswith(UNKNOWN) and os.path.splitext(name)[1].lower() in VIDEOS:
        return "is not a picture but, by its name, a video; `mien video` reads it."
    return error


def _in_folder(folder: str) -> list[Input]:
    """The pictures below a folder, by path, but for what is hidden or no file, such as a pipe.

    A part of it that cannot be listed is an input with an error; so is a link that leads nowhere.
    """
    barred: list[OSError] = []
    paths: list[Path] = []
    for parent, folders, names in os.walk(folder, onerror=barred.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths += [Path(parent, name) for name in names if not name.startswith(".")]
    pictures = sorted(path for path in paths if path.suffix.lower() in SUFFIXES)
    readable = [path for path in pictures if os.path.isfile(path) or not os.path.exists(path)]
    found = [Input(str(path), path, below=path.parent.relative_to(folder)) for path in readable]
    found += [Input(str(error.filename), error=f"cannot be listed ({error.strerror}); change its mode.") for error in barred]
    return found or [Input(folder, error=f"holds no pictures; looked for {' '.join(sorted(SUFFIXES))}.")]


def real_paths(inputs: Iterable[Input]) -> set[str]:
    """Where the inputs that are files really stand."""
    return {os.path.realpath(item.source) for item in inputs if isinstance(item.source, Path)}
