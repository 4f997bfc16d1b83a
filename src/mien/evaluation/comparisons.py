"""Pictures of many networks at once: accuracy against size or time, and training curves. See figures for what they share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.evaluation.figures import Theme, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

LINES = ("-", (0, (5, 1.5)), (0, (4, 1.5, 1, 1.5)), (0, (2, 1)))
POINTS = 60
"""At most, of a curve."""
TEXT_PT = 8


@dataclass(frozen=True)
class Mark:
    """One network in a scatter. kind: one of KINDS; low, high: of the 95% interval of its accuracy, where it has one."""

    name: str
    kind: str
    x: float
    accuracy: float
    low: float | None = None
    high: float | None = None


KINDS = {
    "mien's recipes": "*",
    "published recipes, run again": "s",
    "equal budget": "o",
    "published figures": "D",
    "peers": "^",
}
"""Marker of each; the last two, which mien has not trained, are hollow."""
MIEN, AGAIN, EQUAL, PUBLISHED, PEER = KINDS


def draw_scatter(theme: Theme, marks: Sequence[Mark], xlabel: str, human: float | None = None) -> "Figure":
    """Accuracy against a quantity on a logarithmic axis. human: a line at the accuracy of one held-out rater."""
    from matplotlib.ticker import LogLocator, NullLocator

    figure, axes = new_figure(7.2, 4.8)
    for kind, marker in KINDS.items():
        of_kind = [mark for mark in marks if mark.kind == kind]
        colour = {MIEN: theme.second, EQUAL: theme.first}.get(kind, theme.ink)
        for mark in of_kind:
            if mark.low is not None:
                axes.plot([mark.x, mark.x], [mark.low, mark.high], color=colour, linewidth=1)
        if of_kind:
            face = theme.paper if kind in (PUBLISHED, PEER) else colour
            axes.plot([mark.x for mark in of_kind], [mark.accuracy for mark in of_kind], marker, label=kind, color=colour,
                      markerfacecolor=face, markersize=10 if marker == "*" else 6)  # fmt: skip
    axes.set(xscale="log", xlabel=xlabel, ylabel="accuracy, published test faces of FER+")
    axes.margins(x=0.16, y=0.06)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}" if x < 1e3 else f"{x / 1e3:g} k" if x < 1e6 else f"{x / 1e6:g} M")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(linewidth=0.6)
    figure.legend(loc="outside upper center", ncols=3)
    said = []
    if human is not None:
        axes.axhline(human, color=theme.ink, linewidth=0.8, linestyle=(0, (1, 3)))
        said.append(axes.annotate("one held-out rater", (0.995, human), (0, 3), xycoords=("axes fraction", "data"), ha="right",
                                  textcoords="offset points", size=TEXT_PT))  # fmt: skip
    figure.draw_without_rendering()  # lays it out, so that the names' places are known
    _name_marks(axes, theme, marks, said)
    return figure


def _name_marks(axes: "Axes", theme: Theme, marks: Sequence[Mark], said: Sequence["Text"]) -> None:
    """Each name beside its mark, at the nearest place where it covers no other name, mark, interval or what is said already."""
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox

    renderer = axes.figure.canvas.get_renderer()  # type: ignore[attr-defined]
    taken = [text.get_window_extent() for text in said]
    for mark in marks:
        low, middle, high = axes.transData.transform(
            [(mark.x, y or mark.accuracy) for y in (mark.low, mark.accuracy, mark.high)]
        )
        taken += [Bbox([low - 2, high + 2]), Bbox([middle - 5, middle + 5])]
    for mark in sorted(marks, key=lambda mark: (mark.x, mark.accuracy, mark.name)):
        for lines, side in product(sorted(range(-12, 13), key=abs), (1, -1)):
            text = axes.annotate(
                mark.name, (mark.x, mark.accuracy), (side * (8 + 2 * abs(lines)), lines * TEXT_PT * 0.7), size=TEXT_PT,
                textcoords="offset points", ha="left" if side > 0 else "right", va="center", in_layout=False,
                arrowprops={"arrowstyle": "-", "color": theme.ink, "linewidth": 0.4, "relpos": (0.5 - side / 2, 0.5),
                            "shrinkA": 0, "shrinkB": 4} if lines else None,
            )  # fmt: skip
            text.update_positions(renderer)
            box = Text.get_window_extent(text)  # without its line
            if axes.bbox.containsx(box.x0) and axes.bbox.containsx(box.x1) and not any(map(box.overlaps, taken)):
                break
            text.remove()
        taken.append(box)


def apart(positions: Sequence[float], gap: float) -> np.ndarray:
    """The ascending positions moved as little as possible (least squares) so that neighbours are `gap` apart."""
    from scipy.optimize import isotonic_regression

    steps = gap * np.arange(len(positions))
    return isotonic_regression(np.asarray(positions) - steps).x + steps


def draw_curves(
    theme: Theme, histories: Sequence[tuple[str, Sequence[Sequence[Mapping[str, float]]]]], with_training: bool
) -> "Figure":
    """Loss and validation accuracy by epoch: titles, each with the history of each of its runs, drawn alike.

    with_training: the training loss too, dotted.
    """
    figure, (left, right) = new_figure(7.4, 3.8, 1, 2)
    ends = []
    for number, (title, runs) in enumerate(histories):
        look = _look(theme, number)
        for history in runs:
            kept = np.unique(np.linspace(0, len(history) - 1, POINTS).round().astype(int))
            column = {key: [history[k][key] for k in kept] for key in ("epoch", "loss", "valid_loss", "valid_accuracy")}
            left.plot(column["epoch"], column["valid_loss"], **look)
            if with_training:
                left.plot(column["epoch"], column["loss"], **{**look, "linestyle": ":"})
            right.plot(column["epoch"], column["valid_accuracy"], **look)
        ends.append((title, runs[0][-1]["epoch"], runs[0][-1]["valid_accuracy"], look["color"]))
    left.set(xlabel="epoch", title="loss (nats)" + (": validation, and training dotted" if with_training else " on validation"))
    right.set(xlabel="epoch", title="accuracy on validation")
    left.set_ylim(top=min(left.get_ylim()[1], left.get_ylim()[0] + 1.2))  # the first epochs would press the rest together
    right.set_ylim(bottom=max(right.get_ylim()[0], right.get_ylim()[1] - 0.4))
    for axes in (left, right):
        axes.grid(linewidth=0.6)
    _name_ends(right, ends)
    return figure


def _look(theme: Theme, number: int) -> dict[str, Any]:
    """Of a curve: colours in turn, and another kind of line each time, so that it can be told apart without colour."""
    return {"color": theme.many[number % len(theme.many)], "linestyle": LINES[number % len(LINES)], "linewidth": 1.3}


def _name_ends(axes: "Axes", ends: Sequence[tuple[str, float, float, str]]) -> None:
    """Names the curves at the right of the axes, in the order of their last values. ends: title, epoch, value, colour."""
    low, high = axes.get_ylim()
    ends = sorted(ends, key=lambda end: end[2])
    for (title, epoch, value, colour), y in zip(ends, apart([end[2] for end in ends], (high - low) * 0.05), strict=True):
        axes.annotate(title, (epoch, value), (1.04, y), textcoords=axes.get_yaxis_transform(), size=TEXT_PT, va="center",
                      arrowprops={"arrowstyle": "-", "linewidth": 0.8, "color": colour, "linestyle": ":", "relpos": (0, 0.5),
                                  "shrinkA": 1, "shrinkB": 0}, annotation_clip=False)  # fmt: skip
