"""Which pictures the report holds, from groups of runs and the networks' times."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import DataError
from mien.evaluation.calibration import softmax
from mien.evaluation.comparisons import AGAIN, EQUAL, MIEN, PEER, PUBLISHED, Mark, draw_curves, draw_scatter
from mien.evaluation.disputed import agreement, disputed_rows, vote_shares
from mien.evaluation.figures import Draw, draw_classes, draw_confusion, draw_reliability, wilson
from mien.evaluation.groups import Group
from mien.evaluation.published import read_published
from mien.evaluation.runs import Run
from mien.evaluation.tables import SHIPPED, epochs_cell, is_equal, is_mien

FER_PLUS_FACES = 3153
TIMES = "bench_networks.json"
"""What benchmarks/networks.py writes beside the runs."""


@dataclass(frozen=True)
class Picture:
    """name: of its two files; alt: what it shows, in words; draw: makes it in a theme."""

    name: str
    alt: str
    draw: Draw


def shown_group(groups: Sequence[Group]) -> Group | None:
    """Whose median run is shown in full: the shipped one's, or else another of mien's own, or else the first on test."""
    tested = [group for group in groups if group.is_tested]
    return min(tested, key=lambda group: (group.name != SHIPPED, not is_mien(group), group.is_short), default=None)


def run_pictures(run: Run) -> list[Picture]:
    """Confusion matrix, reliability diagram and bars by class of a run on the published test faces, calibrated."""
    name, content, test = run.name, run.content, run.answers["test"]
    rows, labels = test.classes >= 0, content["labels"]
    raw, probs = (softmax(test.logits[rows], divisor) for divisor in (1.0, content["temperature"]))
    classes = test.classes[rows]
    summary = content["scores"]["calibrated"]["test"]["published"]
    right = probs.argmax(1) == classes
    panels = {f"{len(classes):,} faces with a majority": {"raw": (raw, right), "calibrated": (probs, right)}}
    if "contempt" in labels and (rows := disputed_rows(test)).any():
        shares = vote_shares(test.votes[rows], len(labels))
        kinds = {"raw": softmax(test.logits[rows]), "calibrated": softmax(test.logits[rows], content["temperature"])}
        panels[f"{len(shares):,} disputed faces"] = {kind: (found, agreement(found, shares)) for kind, found in kinds.items()}
    words = {
        "confusion": f"Confusion matrix of {name} on {len(classes):,} test faces: counts, and shares of each true class",
        "classes": f"Recall and precision of each emotion by {name}; balanced accuracy {summary['balanced_accuracy']:.3f}",
        "reliability": f"Reliability diagram of {name}, raw and calibrated; calibrated ECE {summary['ece']:.3f}",
    }
    draws: dict[str, Draw] = {
        "confusion": partial(draw_confusion, probs=probs, classes=classes, labels=labels),
        "classes": partial(draw_classes, probs=probs, classes=classes, labels=labels),
        "reliability": partial(draw_reliability, panels=panels),
    }
    return [Picture(f"{kind}-{name}", words[kind], draw) for kind, draw in draws.items()]


def curves_picture(name: str, groups: Iterable[Group], with_training: bool = False) -> Picture:
    histories = [(_title(group), [run["history"] for run, _ in group.runs]) for group in groups]
    words = f"Loss and validation accuracy by epoch: {', '.join(title for title, _ in histories)}"
    return Picture(f"curves-{name}", words, partial(draw_curves, histories=histories, with_training=with_training))


def scatters(groups: Sequence[Group], times: Mapping[str, float]) -> list[Picture]:
    """Accuracy against parameters and, where there are times, against the time of one face."""
    human = next((group.values("human_accuracy")[0] for group in groups if group.is_tested and group.has_votes), None)
    by_size = _marks(groups, lambda group: group.parameters, lambda paper: paper.parameters, lambda peer: peer.parameters)
    by_time = _marks(groups, lambda group: times.get(group.recipe["model"]), lambda paper: times.get(paper.network),
                     lambda peer: peer.time)  # fmt: skip
    pictures = [Picture("accuracy-parameters", f"Accuracy against parameters: {', '.join(mark.name for mark in by_size)}",
                        partial(draw_scatter, marks=by_size, xlabel="parameters", human=human))]  # fmt: skip
    if times:
        xlabel = "time of one face, against the seed's compact network"
        pictures.append(Picture("accuracy-time", f"Accuracy against time: {', '.join(mark.name for mark in by_time)}",
                                partial(draw_scatter, marks=by_time, xlabel=xlabel, human=human)))  # fmt: skip
    return pictures


def read_times(folder: Path) -> dict[str, float]:
    """Each network's median time for one face against compact's; none where it was not measured."""
    path = folder / TIMES
    try:
        times = json.loads(path.read_text(encoding="utf-8"))["times_ms"]["one face"]
        return {name: time["median"] / times["compact"]["median"] for name, time in times.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError) as error:
        words = "is cut short or holds no time of `compact`"
        raise DataError(
            f"{path}: {words} ({type(error).__name__}); run benchmarks/networks.py again, `compact` last."
        ) from error


def _title(group: Group) -> str:
    name = group.name if is_mien(group) else group.recipe["model"]
    if group.name.startswith("mien"):  # the first networks that were shipped
        name = f"{group.recipe['model']} ({group.name})"
    if group.name == SHIPPED:
        name = f"{name}, shipped"
    return f"{name}, {epochs_cell(group).strip('*')} epochs" if group.is_short else name


def _marks(groups: Iterable[Group], *x_of: Callable[[Any], float | None]) -> list[Mark]:
    """The networks that are trained on distributions, and what others state; x_of: of a group, a paper and a peer."""
    published = read_published()
    recipes = {paper.recipe for paper in published.papers}
    marks: list[Mark] = []
    for group in groups:
        plain = group.recipe["labels"] == "distribution" and group.recipe["balance"] == "none"
        if group.is_tested and plain and (x := x_of[0](group)):
            kind = EQUAL if is_equal(group) else AGAIN if group.name in recipes else MIEN
            accuracy, interval = float(np.mean(group.values("accuracy"))), group.intervals["published"]["accuracy"]
            marks.append(Mark(_title(group), kind, x, accuracy, *interval))
    for paper in published.papers:
        if paper.labels == "distribution" and paper.accuracy and (x := x_of[1](paper)):
            marks.append(Mark(paper.network, PUBLISHED, x, paper.accuracy, *_wilson(paper.accuracy, paper.faces)))
    for peer in published.peers:
        if x := x_of[2](peer):
            marks.append(Mark(peer.name, PEER, x, peer.accuracy, *_wilson(peer.accuracy, FER_PLUS_FACES)))
    return marks


def _wilson(accuracy: float, faces: int | None) -> tuple[float, float] | tuple[None, None]:
    return wilson(round(accuracy * faces), faces) if faces else (None, None)
