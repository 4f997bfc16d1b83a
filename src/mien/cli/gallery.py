"""Pictures drawn from results, into a folder."""

import itertools
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli.inputs import Input, real_paths
from mien.cli.output import make_folder
from mien.errors import MienError, one_line

if TYPE_CHECKING:
    from PIL.Image import Image

    from mien.inference.recognizer import Recognizer
    from mien.results import Result


def draw_marks(blur_faces: bool, source: Path | bytes, result: "Result") -> "Image":
    """The picture with its faces marked, or hidden."""
    from mien.media.draw import draw

    return draw(source, result, blur_faces)


def draw_reasons(recognizer: "Recognizer", source: Path | bytes, result: "Result") -> "Image | None":
    """What in each face speaks for its emotions; None where there is no face."""
    from mien.media.explanation import draw_explanations

    return draw_explanations([recognizer.explain(source, face) for face in result.faces]) if result.faces else None


class Gallery:
    """A folder of drawn pictures, named after their originals and in the same folders below it; a number tells namesakes apart.

    inputs: never overwritten, nor is anything else in a folder that one of them stands in. draw: gives the picture for one and
    its result, or None. option: which asked for it.
    """

    def __init__(
        self,
        folder: Path,
        inputs: Iterable[Input],
        draw: "Callable[[Path | bytes, Result], Image | None]",
        option: str = "--annotate",
        suffix: str = ".jpg",
    ):
        make_folder(folder, option)
        self.folder, self._draw, self._option, self._suffix = folder, draw, option, suffix
        self.written: list[Path] = []
        self._taken = real_paths(inputs)
        self._originals = {os.path.dirname(path) for path in self._taken}

    def add(self, item: Input, result: "Result") -> str | None:
        """Draws the result and writes it; gives what went wrong, if anything."""
        assert item.source is not None
        stem = "stdin" if isinstance(item.source, bytes) else item.source.stem
        names = (f"{stem}{number}{self._suffix}" for number in itertools.chain([""], itertools.count(-2, -1)))
        path = next(path for name in names if self._is_free(path := self.folder / item.below / name))
        try:
            if not (drawn := self._draw(item.source, result)):
                return None
            path.parent.mkdir(parents=True, exist_ok=True)
            drawn.save(path, quality=92)
        except (OSError, MienError) as error:
            return f"{self._option} {path}: cannot be written ({getattr(error, 'strerror', None) or error})."
        self._taken.add(os.path.realpath(path))
        self.written.append(path)
        return None

    def _is_free(self, path: Path) -> bool:
        real = os.path.realpath(path)
        return real not in self._taken and not (os.path.dirname(real) in self._originals and os.path.lexists(real))

    def summary(self) -> str:
        """Where the pictures are."""
        done = {"--annotate": "annotated", "--explain": "explained"}[self._option]
        if len(self.written) <= 3:
            return "\n".join(f"{done}: {one_line(str(path))}" for path in self.written)
        return f"{done}: {len(self.written)} pictures in {self.folder}"
