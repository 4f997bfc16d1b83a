"""The faces that --data names for training and export: FER2013 with FER+, or one's own in class folders."""

from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli.output import say
from mien.cli.pictures import are_class_folders, describe, read_labelled

if TYPE_CHECKING:
    from mien.data.dataset import Dataset
    from mien.data.own import OwnFaces


def open_faces(data: Path, numbering: str, cropped: bool, labels: str = "majority") -> "Dataset | OwnFaces":
    """What can be known to be wrong is said before faces are looked for. labels: the label mode that will be asked for."""
    from mien.data.dataset import read_dataset
    from mien.data.folder import read_folder
    from mien.data.own import check_counts, check_mode, deal_out

    if not are_class_folders(data, numbering, cropped):
        return read_dataset(data)
    check_mode(labels)
    pictures = read_folder(data, numbering)
    check_counts(data, pictures.counts)
    labelled = read_labelled(pictures, cropped, [48])
    say(describe(labelled, tuple(pictures.counts)))
    own = deal_out(pictures, dict(zip(labelled.names, labelled.crops[48], strict=True)), cropped, numbering)
    parts = own.about["parts"].items()
    words = ", ".join(f"{sum(counts.values()):,} to {part}" for part, counts in parts)
    none = [f"none of {emotion} to {part}" for part, counts in parts for emotion, n in counts.items() if not n]
    say(f"faces dealt out by their pictures' content: {'; '.join([words, *none])}.")
    return own
