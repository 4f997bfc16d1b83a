"""Faces of the data set beside what a network and the raters say of them. Such pictures are not published."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mien.data.dataset import SPLITS, Dataset
from mien.errors import DataError
from mien.evaluation.calibration import softmax
from mien.evaluation.disputed import vote_shares
from mien.evaluation.figures import LIGHT, load_settings, new_figure
from mien.evaluation.runs import Run
from mien.files import replaced_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COUNT = 8
"""Faces in a picture."""
SEED = 0


def write_faces(run: Run, dataset: Dataset, folder: Path) -> list[Path]:
    """samples-NAME.png and mistakes-NAME.png, of the published test faces.

    And a .gitignore, so that none is committed; one that is there is the user's, and stays.
    """
    name, content, test = run.name, run.content, run.answers["test"]
    rows = np.flatnonzero(dataset.faces.usage == SPLITS.index("test"))
    if not np.array_equal(test.votes, dataset.votes.counts[rows] * dataset.votes.named[rows, None]):
        raise DataError(f"{name}: answers other test faces than this data holds; give the data that it was trained on.")
    images = dataset.faces.images[rows]
    probs = softmax(test.logits, content["temperature"])
    named = test.votes[:, : probs.shape[1]].sum(1) > 0
    rated = np.flatnonzero((test.classes >= 0) & named)
    with suppress(FileExistsError), (folder / ".gitignore").open("x") as file:
        file.write("*\n")
    paths = []
    for kind, chosen in (("samples", choose_samples(rated)), ("mistakes", most_confident_mistakes(probs, test.classes, rated))):
        path = folder / f"{kind}-{name}.png"
        shares = vote_shares(test.votes[chosen], probs.shape[1])
        with load_settings(LIGHT), replaced_file(path) as partial:
            draw_faces(images[chosen], probs[chosen], shares, content["labels"]).savefig(partial, format="png", dpi=150)
        paths.append(path)
    return paths


def choose_samples(rows: np.ndarray, count: int = COUNT) -> np.ndarray:
    """Some of the rows, ascending, drawn by SEED."""
    return np.sort(np.random.default_rng(SEED).choice(rows, min(count, len(rows)), replace=False))


def most_confident_mistakes(probs: np.ndarray, classes: np.ndarray, rows: np.ndarray, count: int = COUNT) -> np.ndarray:
    """Those of the rows that are named wrongly with the highest confidence, the highest first."""
    wrong = rows[probs[rows].argmax(1) != classes[rows]]
    return wrong[np.argsort(-probs[wrong].max(1), kind="stable")][:count]


def draw_faces(images: np.ndarray, probs: np.ndarray, shares: np.ndarray, labels: Sequence[str]) -> "Figure":
    """Each face, and beside it bars: what the network says, and how the raters' votes are spread. images: uint8 [n,48,48]."""
    columns = 2
    rows = max(-(-len(images) // columns), 1)
    figure, grid = new_figure(7.2, 1.75 * rows + 0.3, rows, 2 * columns, squeeze=False, width_ratios=(1, 1.4) * columns)
    for axes in grid.flat:
        axes.set_axis_off()
    at = np.arange(len(labels))
    for image, said, voted, (left, right) in zip(images, probs, shares, grid.reshape(-1, 2), strict=False):
        left.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        left.set_title(f"{labels[said.argmax()]} {said.max():.0%}", size=8.5)
        right.set_axis_on()
        network = right.barh(at - 0.2, said, 0.38, color=LIGHT.first)
        raters = right.barh(at + 0.2, voted, 0.38, color=LIGHT.second)
        right.set(xlim=(0, 1), yticks=at, xticks=(0, 0.5, 1))
        right.set_yticklabels(labels, size=7)
        right.invert_yaxis()
        right.tick_params(axis="x", labelsize=7)
        right.tick_params(length=0)
    if len(images):
        figure.legend([network, raters], ["network", "raters' votes"], loc="outside upper center", ncols=2)
    return figure
