"""A folder of pictures as a video."""

import re
from collections.abc import Generator
from fractions import Fraction
from pathlib import Path

from PIL import Image

from mien.errors import ImageError, VideoError
from mien.media.frames import Facts, Frame, Lost, Sampler, fitted
from mien.media.images import read_picture


def read_frames(
    folder: Path, rate: Fraction, fps: float | Fraction | None, lost: list[Lost]
) -> Generator[Facts | Frame, None, None]:
    """The facts, then a frame a picture, by 1 / rate; one that cannot be read keeps its number and is added to `lost`.

    The first that can be read gives the size. Raises VideoError where there is none.
    """
    paths, sampler, size = list_pictures(folder), Sampler(fps, rate), None
    for index, path in enumerate(paths):
        time_s = float(index / rate)
        if not sampler.wants(time_s):
            continue
        try:
            pixels = read_picture(path, None).pixels
        except ImageError as error:
            lost.append(Lost(time_s, str(error)))
            continue
        if size is None:
            size = pixels.shape[1], pixels.shape[0]
            duration_s = float(len(paths) / rate)
            yield Facts(str(folder), *size, rate, duration_s, sampler.count(duration_s, len(paths)))
        yield Frame(index, time_s, fitted(pixels, *size))
    if size is None:
        raise VideoError(f"{folder}: none of its pictures can be read: {lost[0].why}")


def list_pictures(folder: Path) -> list[Path]:
    """The pictures in a folder, by name, with the numbers in it by their value. Raises VideoError where there is none."""
    Image.init()
    try:
        found = [path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file()]
    except OSError as error:
        raise VideoError(f"{folder}: cannot be read ({error.strerror}); expected a video, or a folder of pictures.") from error
    kinds = {suffix: kind for suffix, kind in Image.EXTENSION.items() if kind in Image.OPEN and kind != "MPEG"}
    pictures = [path for path in found if path.suffix.lower() in kinds]
    if not pictures:
        raise VideoError(f"{folder}: holds no pictures; expected a video, or a folder with a picture a frame.")
    return sorted(pictures, key=lambda path: _parts(path.stem))


def _parts(name: str) -> list[str | int]:
    """Text and numbers in turns; digits of other scripts are text."""
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"([0-9]+)", name))]
