"""`mien evaluate`: any network against FER2013 and FER+, or against pictures in class folders, as numbers."""

import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.model import Model, choices, open_model
from mien.cli.output import make_folder, say
from mien.cli.pictures import Labelled, are_class_folders, describe, read_labelled
from mien.cli.table import print_table
from mien.errors import UsageError, lacking, unknown
from mien.files import replaced_file

if TYPE_CHECKING:
    from mien.data.dataset import Dataset
    from mien.evaluation.score import Part, Predictions

FORMATS = ("table", "json")
SPLIT, PROTOCOL = "valid,test", "published,leak-free"


def evaluate(
    model: Annotated[str, typer.Argument(help="A bundle's name or folder, a checkpoint (.pt), or a .tflite or .onnx.")],
    data: Annotated[Path, typer.Option(help="Folder with FER2013 and fer2013new.csv, or with a folder of pictures a class.")],
    split: Annotated[str, typer.Option(help=f"Of train, valid, test; {SPLIT} if not given.")] = "",
    protocol: Annotated[str, typer.Option(help="Of published, leak-free (test alone has it); both if not given.")] = "",
    engine: Annotated[str, typer.Option(help="Of litert, litert-int8, onnx; torch for a checkpoint.")] = "",
    flip: Annotated[bool, typer.Option("--flip", help="Average with the mirrored face's answer.")] = False,
    cropped: Annotated[bool, typer.Option("--cropped", help="Each picture is one face already cropped.")] = False,
    classes: Annotated[str, typer.Option(help="What numbered folders mean: rafdb, affectnet, ckplus or fer2013.")] = "",
    against: Annotated[str, typer.Option(help="Compare with this model, or with an earlier --out's .npz.")] = "",
    out: Annotated[Path | None, typer.Option(help="Folder for predictions (.npz) and metrics.json.")] = None,
    format_: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads, 0 for all cores.")] = 0,
) -> None:
    """Score a network on labelled faces, with 95% intervals, alone or against another on the same faces."""
    from mien.data.dataset import read_dataset
    from mien.machine import count_cores

    if format_ not in FORMATS:
        raise unknown("format", format_, FORMATS)
    asked = _parse_splits(split, protocol)
    threads = threads or count_cores()
    opened = open_model(model, engine, threads)
    other = Other(against, threads) if against else None
    if out:
        make_folder(out, "--out")
    faces: Faces
    if not are_class_folders(data, classes, cropped):
        faces = DatasetFaces(read_dataset(data), *asked)
    elif split or protocol:
        raise UsageError(f"--split and --protocol: {data} holds class folders, which have neither; leave them out.")
    else:
        faces = _read_folder(data, classes, cropped, [opened, *([other.model] if other and other.model else [])])
    if out and not find_spec("matplotlib"):
        say(str(lacking("without pictures, which need matplotlib", "lab")))
    report = {**opened.about, "flip": flip, "data": faces.about, "scores": {name: {} for name in opened.engines}}
    if other:
        report["against"] = {**other.about, "comparison": {name: {} for name in opened.engines}}
    _score(report, opened, faces, flip, other, out)
    text = json.dumps(report, indent=1)
    if out:
        with replaced_file(out / "metrics.json") as partial:
            partial.write_text(text + "\n", encoding="utf-8")
    print(text) if format_ == "json" else _print_tables(report, faces.words)
    raise typer.Exit(1 if faces.failures else 0)


def _parse_splits(split: str, protocol: str) -> tuple[list[str], list[str]]:
    """--split and --protocol, or what is usual. Raises UsageError for one that there is not."""
    from mien.data.dataset import SPLITS
    from mien.evaluation.score import PROTOCOLS

    splits, protocols = choices("split", split or SPLIT, SPLITS), choices("protocol", protocol or PROTOCOL, PROTOCOLS)
    if "published" not in protocols and splits != ["test"]:
        raise UsageError("--protocol leak-free: only the test split has such a part; add --split test.")
    return splits, protocols


class Other:
    """What --against names: a model that is scored too, or the predictions of an earlier run."""

    def __init__(self, against: str, threads: int):
        from mien.evaluation.score import read_predictions

        self.model = None if against.endswith(".npz") else open_model(against, "", threads)
        if self.model:
            ((engine, self._predictor),) = self.model.engines.items()
            self.name, self.labels = f"{self.model.about['model']} {engine}", tuple(self.model.about["labels"])
            self.about: dict[str, Any] = {"name": self.name, "sha256": self.model.about["sha256"]}
        else:
            self.name = Path(against).stem
            self._stored, self.labels = read_predictions(Path(against))
            self.about = {"name": self.name}

    def answer(self, part: "Part", flip: bool) -> "Predictions":
        """Its predictions for the part, scored anew, or as they were stored, whatever faces those are of."""
        from mien.evaluation.score import score_part

        if not self.model:
            if self._stored.flip != flip:
                raise UsageError(
                    f"--against {self.name}: was scored {'with' if self._stored.flip else 'without'} --flip; do so."
                )
            return self._stored
        return score_part(self._predictor, part, flip)


@dataclass(frozen=True)
class DatasetFaces:
    """Those of FER2013 and FER+."""

    dataset: "Dataset"
    splits: list[str]
    protocols: list[str]
    words, failures = "", 0

    @property
    def about(self) -> dict[str, Any]:
        return self.dataset.checksums

    def parts(self, model: Model, labels: list[str]) -> "list[Part]":
        """The same faces for each network, by its labels."""
        from mien.evaluation.score import split_part

        return [split_part(self.dataset, name, labels, self.protocols) for name in self.splits]


@dataclass(frozen=True)
class FolderFaces:
    """Those of class folders. known: the emotions that all networks name."""

    labelled: Labelled
    known: tuple[str, ...]

    @property
    def about(self) -> dict[str, Any]:
        return self.labelled.about

    @property
    def words(self) -> str:
        return describe(self.labelled, self.known)

    @property
    def failures(self) -> int:
        """Pictures that could not be read."""
        return len(self.labelled.unreadable)

    def parts(self, model: Model, labels: list[str]) -> "list[Part]":
        """The same faces for each network, at its own size."""
        return [self.labelled.part(model.side_px, self.known)]


Faces = DatasetFaces | FolderFaces
"""What there is to score. about: for the report; words: for people; parts: what each network is given."""


def _read_folder(data: Path, numbering: str, cropped: bool, models: list[Model]) -> FolderFaces:
    from mien.data.folder import read_folder

    known = tuple(name for name in models[0].names if all(name in model.names for model in models))
    sides = sorted({model.side_px for model in models})
    return FolderFaces(read_labelled(read_folder(data, numbering), cropped, sides), known)


def _score(report: dict[str, Any], model: Model, faces: Faces, flip: bool, other: Other | None, out: Path | None) -> None:
    """Fills in `scores` and, beside another network, its `comparison`; writes the predictions."""
    from mien.evaluation.score import compare_part, score_part, summarise_part, write_predictions

    labels = report["labels"]
    parts = faces.parts(model, labels)
    others = [other.answer(part, flip) for part in faces.parts(other.model or model, labels)] if other else []
    for name, predictor in model.engines.items():
        for i, part in enumerate(parts):
            found = score_part(predictor, part, flip)
            report["scores"][name][part.name] = summarise_part(part, found, labels, model.set_threshold, intervals=True)
            if out:
                stem = f"{name}-{part.name}{'-flip' if flip else ''}"
                write_predictions(out / f"{stem}.npz", found, labels)
                _draw(out, stem, found, labels, "raw" if name == "torch" else "calibrated")
            if other:
                compared = compare_part(part, found, labels, others[i], other.labels)
                report["against"]["comparison"][name][part.name] = compared


def _draw(out: Path, stem: str, found: "Predictions", labels: list[str], kind: str) -> None:
    """Confusion matrix, recall and precision by class, and reliability diagram as pictures, where matplotlib is there."""
    from mien.evaluation.figures import draw_classes, draw_confusion, draw_reliability, write_svg

    if not find_spec("matplotlib"):
        return
    probs, classes = found.probs, found.classes
    came_true = (probs.argmax(1) == classes).astype(float)
    write_svg(lambda theme: draw_confusion(theme, probs, classes, labels), out, f"{stem}-confusion")
    write_svg(lambda theme: draw_classes(theme, probs, classes, labels), out, f"{stem}-classes")
    panels = {f"{len(probs):,} faces": {kind: (probs, came_true)}}
    write_svg(lambda theme: draw_reliability(theme, panels), out, f"{stem}-reliability")


def _print_tables(report: dict[str, Any], words: str) -> None:
    from mien.evaluation.report import comparison_table, flatten, score_table

    if words:
        print(words)
    passes = "mean of face and mirror image" if report["flip"] else "single pass"
    for name, scores in report["scores"].items():
        print_table(f"{report['model']} on {name}, {passes}\n{report['calibration']}", score_table(flatten(scores)))
    against = report.get("against", {})
    for name, splits in against.get("comparison", {}).items():
        for title, found in flatten(splits).items():
            table = comparison_table(found, f"{report['model']} {name}", against["name"])
            print_table(f"paired on the {found['n']:,} faces of {title}", table, _mcnemar(found))


def _mcnemar(found: dict[str, Any]) -> str:
    right = f"Rightly named by the first alone: {found['only_right']:,}; by the second alone: {found['only_other_right']:,}"
    return f"{right}. McNemar's exact p = {found['mcnemar_p']:.3g}. Intervals: {found['resamples']:,} resamples of faces."
