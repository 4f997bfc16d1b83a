"""Small tables in the shape of FER2013 and FER+, written as they are published."""

from collections.abc import Sequence

from mien.data.fer2013 import USAGES, Faces
from mien.data.ferplus import VOTE_COLUMNS
from mien.emotions import FER2013_TO_EMOTIONS


def csv_text(faces: Faces, header: Sequence[str] = ("emotion", "pixels", "Usage"), end: str = "\n") -> str:
    """The table as Kaggle writes it, with the columns in the header's order and its blanks."""
    lines = [",".join(header)]
    for image, label, usage in zip(faces.images, faces.labels, faces.usage, strict=True):
        cells = {"emotion": label, "pixels": " ".join(map(str, image.ravel())), "Usage": USAGES[usage]}
        lines.append(",".join(str(cells[name.strip()]) for name in header))
    return end.join(lines) + end


def votes_text(faces: Faces) -> str:
    """FER+ votes that agree with each face's own label, ten to none."""
    lines = [",".join(("Usage", "Image name", *VOTE_COLUMNS))]
    for row, (label, usage) in enumerate(zip(faces.labels, faces.usage, strict=True)):
        votes = [10 * (column == FER2013_TO_EMOTIONS[label]) for column in range(len(VOTE_COLUMNS))]
        lines.append(",".join(map(str, (USAGES[usage], f"fer{row:07}.png", *votes))))
    return "\n".join(lines) + "\n"
