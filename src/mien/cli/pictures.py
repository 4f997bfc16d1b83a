"""Labelled pictures in class folders, as the faces that networks are scored on or calibrated with."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.cli.output import progress, say
from mien.errors import DataError, ImageError, UsageError, one_line

if TYPE_CHECKING:
    import numpy as np

    from mien.data.folder import Pictures
    from mien.evaluation.score import Part


@dataclass(frozen=True)
class Labelled:
    """The faces of a folder's pictures.

    crops: by side, uint8 [n,side,side]; names and emotions: of each; no_face and unreadable: the other pictures, name ->
    emotion; about: what a report says of the data.
    """

    crops: "dict[int, np.ndarray]"
    names: tuple[str, ...]
    emotions: tuple[str, ...]
    no_face: dict[str, str]
    unreadable: dict[str, str]
    about: dict[str, Any]

    def part(self, side_px: int, known: Collection[str]) -> "Part":
        """Those whose emotion is known, to be scored. Raises DataError where there is none."""
        import numpy as np

        from mien.emotions import EMOTIONS
        from mien.evaluation.score import pictures_part

        kept = [i for i, emotion in enumerate(self.emotions) if emotion in known]
        if not kept:
            raise DataError(f"{self.about['folder']}: no face of {', '.join(known)} was found in it; nothing can be scored.")
        missing = np.array([EMOTIONS.index(emotion) for emotion in self.no_face.values() if emotion in known], int)
        classes = np.array([EMOTIONS.index(self.emotions[i]) for i in kept])
        return pictures_part(self.crops[side_px][kept], classes, [self.names[i] for i in kept], missing)


def are_class_folders(data: Path, numbering: str, cropped: bool) -> bool:
    """Whether --data is for `read_labelled`, not FER2013. Raises UsageError for its options where it is not."""
    from mien.data.folder import is_class_folder

    if is_class_folder(data):
        return True
    if (numbering or cropped) and data.is_dir():
        raise UsageError(f"--classes and --cropped are for class folders, such as happiness/, but {data} holds none.")
    return False


def read_labelled(pictures: "Pictures", cropped: bool, sides: Sequence[int]) -> Labelled:
    """Every picture's largest face, or with `cropped` the whole picture. What is passed over is said on stderr."""
    import numpy as np

    from mien.inference.crop import crop_square
    from mien.inference.detector import Detector
    from mien.inference.faces import largest_square, whole_square
    from mien.media.images import read_picture

    say(*(f"skipped {text}" for text in pictures.skipped))
    detector = None if cropped else Detector("full_range", 1)
    found: list[tuple[str, str, list[np.ndarray]]] = []
    no_face, unreadable = {}, {}
    triples = list(zip(pictures.paths, pictures.names, pictures.emotions, strict=True))
    for path, name, emotion in progress(triples, len(triples), hidden=False):
        try:
            pixels = read_picture(path).pixels
        except ImageError as error:
            unreadable[name] = emotion
            say(str(error))
            continue
        square = largest_square(pixels, detector) if detector else whole_square(pixels)
        if square is None:
            no_face[name] = emotion
        else:
            found.append((name, emotion, [crop_square(pixels, square, side) for side in sides]))
    if not found:
        advice = "if they are faces already, add --cropped" if no_face else "none of them can be read"
        raise DataError(f"{pictures.folder}: no face was found in its {len(triples)} pictures; {advice}.")
    names, emotions, crops = zip(*found, strict=True)
    about = {
        "folder": one_line(pictures.folder.resolve().name),
        "sha256": pictures.sha256,
        "classes": pictures.counts,
        "pictures": len(triples),
        "faces": len(found),
        "cropped": cropped,
        "no_face": list(no_face),
        "unreadable": list(unreadable),
        "skipped": list(pictures.skipped),
    }
    by_side = {side: np.stack([views[i] for views in crops]) for i, side in enumerate(sides)}
    return Labelled(by_side, names, emotions, no_face, unreadable, about)


def describe(labelled: Labelled, known: Sequence[str]) -> str:
    """One line for people: how many pictures of which classes, and what became of them."""
    about = labelled.about
    classes = ", ".join(f"{emotion} {n:,}" for emotion, n in about["classes"].items())
    words = [f"{about['folder']}: {about['pictures']:,} pictures ({classes})"]
    if not about["cropped"]:
        words.append(f"a face found in {about['faces']:,}, none in {len(labelled.no_face):,}")
    if labelled.unreadable:
        words.append(f"{len(labelled.unreadable):,} could not be read")
    if absent := [emotion for emotion in known if emotion not in about["classes"]]:
        words.append(f"no pictures of {', '.join(absent)}")
    if strange := Counter(emotion for emotion in labelled.emotions if emotion not in known):
        left_out = ", ".join(f"{emotion} {n:,}" for emotion, n in strange.items())
        words.append(f"left out, since there is a network without such a class: {left_out}")
    return "; ".join(words) + "."
