"""`mien calibrate`: a bundle and labelled faces of another domain in, a bundle that is calibrated for them out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.model import LONE, choices
from mien.cli.output import make_folder, say
from mien.cli.pictures import are_class_folders, describe, read_labelled
from mien.cli.table import print_table
from mien.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from mien.inference.weights import Bundle


def calibrate(
    model: Annotated[str, typer.Argument(help="A bundle's name or folder.")],
    data: Annotated[Path, typer.Option(help="Folder with a folder of pictures a class, or with FER2013 and fer2013new.csv.")],
    out: Annotated[Path, typer.Option(help="The new bundle's folder, which must not exist.")],
    name: Annotated[str, typer.Option(help="The new bundle's name; its folder's if not given.")] = "",
    cropped: Annotated[bool, typer.Option("--cropped", help="Each picture is one face already cropped.")] = False,
    classes: Annotated[str, typer.Option(help="What numbered folders mean: rafdb, affectnet, ckplus or fer2013.")] = "",
    without: Annotated[str, typer.Option(help="Emotions of which there need be no face; several with commas.")] = "",
) -> None:
    """Refit temperature and prediction sets on a few hundred labelled faces; the weights stay. Needs no torch."""
    from mien.emotions import EMOTIONS
    from mien.export.recalibrate import check_new, recalibrate
    from mien.inference.weights import load_bundle

    if Path(model).is_file() or Path(model).suffix in (".pt", *LONE):
        raise UsageError(f"{model}: expected a bundle; make one of a checkpoint with `mien export`.")
    absent = choices("emotion", without, EMOTIONS) if without else []
    bundle = load_bundle(model)
    make_folder(out.parent, "--out")
    check_new(out)
    faces, emotions, about, words = _read_faces(data, bundle, classes, cropped)
    say(words)
    new = recalibrate(bundle, faces, emotions, about, out, name or out.resolve().name, absent)
    if "model.onnx" in bundle.meta["files"] and "model.onnx" not in new.meta["files"]:
        say("model.onnx is left out, since the package that changes it is not installed: pip install onnx.")
    _print_scores(new)
    print(new.folder)


def _read_faces(
    data: Path, bundle: "Bundle", numbering: str, cropped: bool
) -> "tuple[np.ndarray, list[str], dict[str, Any], str]":
    """Faces, the emotion of each, what model.json says of them, and a line for people."""
    from mien.data.dataset import read_dataset
    from mien.data.folder import read_folder
    from mien.emotions import EMOTIONS
    from mien.evaluation.score import label_mode

    if are_class_folders(data, numbering, cropped):
        labelled = read_labelled(read_folder(data, numbering), cropped, [48])
        kept = [i for i, emotion in enumerate(labelled.emotions) if emotion in bundle.labels]
        emotions = [labelled.emotions[i] for i in kept]
        return labelled.crops[48][kept], emotions, labelled.about, describe(labelled, bundle.labels)
    dataset = read_dataset(data)
    split = dataset.split("valid", label_mode(bundle.labels))
    named = [EMOTIONS[column] for column in split.targets.argmax(1)]
    kept = [i for i, emotion in enumerate(named) if emotion in bundle.labels]
    about = {"folder": "FER2013, validation", "sha256": dataset.checksums}
    return split.images[kept], [named[i] for i in kept], about, f"{len(kept):,} faces of the validation split."


def _print_scores(bundle: "Bundle") -> None:
    from mien.evaluation.report import score_table

    found = bundle.meta["calibration"]
    base = found["base"]
    title = (
        f"temperature {base['temperature']:.3f} -> {bundle.meta['temperature']:.3f}, "
        f"prediction-set threshold {base['set_threshold']:.3f} -> {bundle.meta['set_threshold']:.3f}"
    )
    caption = f"after: by cross-validation in {found['folds']} parts, each face scored with what the other parts gave"
    print_table(title, score_table({"before": found["before"], "after": found["after"]}, per_class=False), caption, stderr=True)
