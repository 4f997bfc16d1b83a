"""Pictures of what a network does, as matplotlib figures for print and screen, light and dark; no face is shown in any.

They take arrays, `probs` and `classes` as in metrics, and a Theme; `write_svg` writes both themes, the same bytes each time.
matplotlib is loaded by what draws. Colours of one figure differ in lightness, so that they hold without colour and in print.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.errors import lacking
from mien.evaluation.intervals import LEVEL
from mien.evaluation.metrics import ECE_BINS, bin_of, calibration_gap, confusion
from mien.files import replaced_file
from mien.look import FAINT, INK, PAPER, TEXT, UNDATED

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from matplotlib.figure import Figure

FEWEST = 10
"""Faces in a bin of the reliability diagram for it to be drawn."""


@dataclass(frozen=True)
class Theme:
    """Colours. first, second: of two series; many: of curves; shades: of a matrix, from none to all.

    turn: the share from which `paper` reads better on the shades than `ink`.
    """

    name: str
    paper: str
    ink: str
    faint: str
    first: str
    second: str
    shades: tuple[str, str]
    turn: float
    many: tuple[str, ...]


LIGHT = Theme("light", PAPER["light"], INK["light"], FAINT["light"], "#17508f", "#e5932b", ("#ffffff", "#0b3a70"), 0.62,
              ("#17508f", "#e5932b", "#b0306a", "#4aa3a0", "#1f2328", "#8c8c8c"))  # fmt: skip
DARK = Theme("dark", PAPER["dark"], INK["dark"], FAINT["dark"], "#a5d0ff", "#cf7a1c", ("#0d1117", "#b6dcff"), 0.5,
             ("#a5d0ff", "#cf7a1c", "#e588b5", "#3f9e9a", "#f3e9c6", "#8c8c8c"))  # fmt: skip
THEMES = (LIGHT, DARK)
Draw = Callable[[Theme], "Figure"]


def settings(theme: Theme) -> dict[str, Any]:
    """matplotlib's rcParams."""
    return {
        **TEXT,
        **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor", "legend.facecolor"), theme.paper),
        **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), theme.ink),
        **dict.fromkeys(("axes.edgecolor", "grid.color", "legend.edgecolor"), theme.faint),
        **dict.fromkeys(("axes.spines.top", "axes.spines.right", "legend.frameon"), False),
        "font.size": 9,
        "axes.titlesize": 9.5,
        "axes.axisbelow": True,
        "legend.fontsize": 8.5,
    }


def load_settings(theme: Theme) -> "AbstractContextManager[None]":
    """matplotlib with these settings and none of the user's, for a `with` block. Raises UsageError where it is missing."""
    try:
        from matplotlib import style
    except ModuleNotFoundError:
        raise lacking("figures need matplotlib", "lab") from None
    return style.context(settings(theme), after_reset=True)


def write_svg(draw: Draw, folder: Path, name: str) -> None:
    """Writes NAME-light.svg and NAME-dark.svg, each whole or not at all."""
    for theme in THEMES:
        with load_settings(theme), replaced_file(folder / f"{name}-{theme.name}.svg") as partial:
            draw(theme).savefig(partial, format="svg", metadata=UNDATED["svg"])


def new_figure(width_in: float, height_in: float, rows: int = 1, columns: int = 1, **more: Any) -> tuple["Figure", Any]:
    """A figure and its axes: one, or an array of them."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasAgg(figure)  # which can measure text
    figure.get_layout_engine().set(wspace=0.05)  # type: ignore[union-attr,call-arg]
    return figure, figure.subplots(rows, columns, **more)


def draw_confusion(theme: Theme, probs: np.ndarray, classes: np.ndarray, labels: Sequence[str]) -> "Figure":
    """Rows are true classes. In each cell the percentage of its row, by which it is shaded, and the count."""
    from matplotlib.colors import LinearSegmentedColormap

    counts = confusion(probs, classes)
    rates = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    figure, axes = new_figure(6.4, 5.6)
    axes.pcolormesh(rates, cmap=LinearSegmentedColormap.from_list("", theme.shades), vmin=0, vmax=1,
                    edgecolors=theme.faint, linewidth=0.5, clip_on=False)  # fmt: skip
    for (row, column), rate in np.ndenumerate(rates):
        if not rate:
            continue
        ink = theme.ink if rate < theme.turn else theme.paper
        axes.text(column + 0.5, row + 0.42, f"{100 * rate:.0f}%", ha="center", va="center", color=ink)
        axes.text(column + 0.5, row + 0.74, f"{counts[row, column]:,}", ha="center", va="center", color=ink, size=7)
    middle = np.arange(len(labels)) + 0.5
    axes.set(
        xticks=middle,
        yticks=middle,
        xlabel="named by the network (empty: never)",
        ylabel="true class (faces)",
        aspect="equal",
    )
    axes.set_xticklabels(labels, rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticklabels([f"{label} ({n:,})" for label, n in zip(labels, counts.sum(1), strict=True)])
    axes.tick_params(length=0)
    axes.invert_yaxis()
    return figure


def draw_classes(theme: Theme, probs: np.ndarray, classes: np.ndarray, labels: Sequence[str]) -> "Figure":
    """Recall and precision of each class as bars, with 95% Wilson intervals."""
    counts = confusion(probs, classes)
    figure, axes = new_figure(6.4, 4.2)
    sides = (("recall: of its faces, found", theme.first, counts.sum(1)),
             ("precision: of the faces so named, right", theme.second, counts.sum(0)))  # fmt: skip
    for side, (title, colour, totals) in enumerate(sides):
        at = np.arange(len(labels)) + (side - 0.5) * 0.38
        shares = counts.diagonal() / np.maximum(totals, 1)
        axes.barh(at, shares, 0.36, color=colour, label=title)
        for y, right, total in zip(at, counts.diagonal(), totals, strict=True):
            if total:
                for ink, width in ((theme.paper, 3), (theme.ink, 1.2)):
                    axes.plot(wilson(int(right), int(total)), [y, y], color=ink, linewidth=width, solid_capstyle="butt")
    axes.set(yticks=range(len(labels)), xlim=(0, 1), xlabel="share, with 95% interval")
    axes.set_yticklabels([f"{label}\n{n:,} faces" for label, n in zip(labels, counts.sum(1), strict=True)])
    axes.invert_yaxis()
    axes.grid(axis="x", linewidth=0.6)
    axes.tick_params(length=0)
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def wilson(right: int, total: int) -> tuple[float, float]:
    """The 95% interval of a share."""
    from scipy.stats import binomtest

    low, high = binomtest(right, total).proportion_ci(LEVEL, "wilson")
    return float(low), float(high)


def draw_reliability(theme: Theme, panels: Mapping[str, Mapping[str, tuple[np.ndarray, np.ndarray]]]) -> "Figure":
    """Confidence against what came true, and below how often each confidence is given.

    panels: title -> `raw` and `calibrated` -> probs [n,c] and what came true of the top class, 0 to 1, [n].
    """
    figure, axes = new_figure(6.8, 4.3, 2, len(panels), sharex=True, sharey="row", height_ratios=(4, 1), squeeze=False)
    styles = {"raw": (theme.second, "s", "--"), "calibrated": (theme.first, "o", "-")}
    for (above, below), (title, kinds) in zip(axes.T, panels.items(), strict=True):
        above.plot([0, 1], [0, 1], color=theme.faint, linewidth=1)
        for kind, (probs, came_true) in kinds.items():
            colour, marker, line = styles[kind]
            confidence = probs.max(1).astype(float)
            bins = bin_of(confidence)
            faces = np.bincount(bins, minlength=ECE_BINS)
            drawn = faces >= FEWEST
            x, y = (np.bincount(bins, value, ECE_BINS)[drawn] / faces[drawn] for value in (confidence, came_true))
            ece = calibration_gap(confidence, came_true)
            above.plot(x, y, color=colour, marker=marker, markersize=4.5, linestyle=line, label=f"{kind}: ECE {ece:.3f}")
            below.stairs(faces / len(probs), np.linspace(0, 1, ECE_BINS + 1), color=colour, linestyle=line)
        above.set(title=title, xlim=(0, 1), ylim=(0, 1))
        above.legend(loc="upper left")
        above.grid(linewidth=0.6)
        below.set(xlabel="confidence")
    axes[0, 0].set_ylabel("came true: right, or\nshare of raters who agree")
    axes[1, 0].set_ylabel("share of\nfaces")
    return figure
