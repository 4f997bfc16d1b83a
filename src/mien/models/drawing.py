"""A network as a picture, stage after stage, drawn from its own graph."""

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from math import atan2, degrees
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from torch import nn

from mien.files import replaced_file
from mien.look import INK, PAPER, TEXT, UNDATED
from mien.models import count_multiply_adds, count_parameters
from mien.models.structure import Slab, Stage, list_stages, receptive_field

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = {
    "convolution": ("convolution", "#0072B2"),
    "depthwise": ("depthwise convolution", "#56B4E9"),
    "pointwise": ("1×1 convolution", "#009E73"),
    "dense": ("dense layer", "#D55E00"),
    "pooling": ("pooling", "#999999"),
    "fixed": ("fixed transform", "#F0E442"),
}
"""What the legend calls each kind of slab, and its colour: Okabe and Ito's, which the colour-blind tell apart."""
STAGE, MARGIN, GAP = 0.84, 1.0, 0.1
"""Inches: least width of a stage; left of the stages, where the table's rows are named; between stages."""
HEAD, LINE, TABLE = 0.9, 0.17, 1.02
"""Inches: title and legend; from one line of words to the next; the table below a row of stages."""
DEEP = 0.16
"""Share of its height by which a slab of a feature map is drawn deep, across and up."""
FACE = Stage("face", (Slab("face", 1, 48),), None, 0, (1, 48, 48), 0, 0)


class Place(NamedTuple):
    """Of a stage, in inches: its left and right edge, and the height of the line that joins it to its neighbours."""

    left: float
    right: float
    middle: float


def draw_architecture(name: str, model: nn.Module, dark: bool = False) -> "Figure":
    """Slabs stand for layers, as high as their feature map is wide and as thick as the root of their channels.

    Below each stage stand its output, parameters and share of the multiply-adds. dark: for a dark page, else white for print.
    """
    from matplotlib.figure import Figure

    stages = list_stages(model)
    places, width, height = arrange(stages)
    theme = "dark" if dark else "light"
    figure = Figure((width, height), facecolor=PAPER[theme])
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    pen = Pen(axes, INK[theme], PAPER[theme])
    size = f"{count_parameters(model):,} parameters, {count_multiply_adds(model) / 1e6:.1f} M multiply-adds"
    pen.write(0.12, height - 0.2, name, fontsize=13, weight="bold", ha="left")
    pen.write(0.12, height - 0.42, f"{size}, receptive field {receptive_field(model)} px", ha="left")
    pen.draw_legend({slab.kind for stage in stages for slab in stage.slabs}, height - 0.74)
    pen.draw_rows(stages, places)
    return figure


def write_figure(figure: "Figure", path: Path) -> None:
    """Writes a picture in the format that the suffix says (.svg, .png, .pdf), whole or not at all; the same bytes each time."""
    import matplotlib

    kind = path.suffix.lower().removeprefix(".")
    with matplotlib.rc_context(TEXT), replaced_file(path) as partial:  # type: ignore[arg-type]
        figure.savefig(partial, format=kind, dpi=200, metadata=UNDATED[kind])


def arrange(stages: Sequence[Stage]) -> tuple[list[Place], float, float]:
    """Where each stage stands, and the width and height of the whole; a second channel goes below, level at its end."""
    rows = [[stage for stage in stages if stage.channel == channel] for channel in {stage.channel for stage in stages}]
    columns = max(map(len, rows))
    widths = [STAGE] * columns
    for row in rows:
        for column, stage in enumerate(row, columns - len(row)):
            slabs = sum(thickness(slab) + 0.05 for slab in stage.slabs) + 0.4
            widths[column] = max(widths[column], slabs, 0.085 * len(stage.name))
    lefts = [MARGIN + STAGE + GAP]
    for width in widths:
        lefts.append(lefts[-1] + width + GAP)
    above, below = reach(stages)
    found: dict[str, Place] = {}
    for number, row in enumerate(rows):
        middle = (len(rows) - number) * (above + below) - above
        for column, stage in enumerate(row, columns - len(row)):
            found[stage.name] = Place(lefts[column], lefts[column] + widths[column], middle)
    return [found[stage.name] for stage in stages], lefts[-1] + 0.7 + 0.35 * len(rows), HEAD + len(rows) * (above + below)


def reach(stages: Sequence[Stage]) -> tuple[float, float]:
    """Inches that a row needs above the line that joins its stages, and below it, with the table."""
    slabs = [slab for stage in (FACE, *stages) for slab in stage.slabs]
    above = max(tallness(slab) / 2 + depth(slab) for slab in slabs)
    return above + (0.3 if any(stage.shortcut is not None for stage in stages) else 0.1), max(map(tallness, slabs)) / 2 + TABLE


def thickness(slab: Slab) -> float:
    """How thick a slab is drawn, in inches: the root of its channels."""
    return 0.03 + 0.008 * slab.channels**0.5 if slab.side else 0.07


def tallness(slab: Slab) -> float:
    """Of a dense layer as the root of its units."""
    return max(0.02 * slab.side, 0.06) if slab.side else 0.05 + 0.027 * slab.channels**0.5


def depth(slab: Slab) -> float:
    return DEEP * tallness(slab) if slab.side else 0.02


class Pen:
    """Draws on axes whose unit is an inch."""

    def __init__(self, axes: "Axes", ink: str, paper: str):
        self.axes, self.ink, self.paper = axes, ink, paper

    def write(self, x: float, y: float, text: str, **more: Any) -> None:
        """`text` about (x, y), or from x on with ha="left"."""
        self.axes.text(x, y, text, **{"fontsize": 9, "color": self.ink, "va": "center", "ha": "center", **more})

    def join(self, points: Sequence[tuple[float, float]], tip: bool = True) -> None:
        """A line through the points, with a tip at its end."""
        self.axes.plot(*zip(*points, strict=True), color=self.ink, linewidth=1, solid_joinstyle="round", zorder=1)
        (x0, y0), (x, y) = points[-2:]
        if tip:
            turn = degrees(atan2(y - y0, x - x0)) - 90
            self.axes.plot(x, y, color=self.ink, marker=(3, 0, turn), markersize=5, markeredgewidth=0, zorder=1)

    def draw_legend(self, kinds: Collection[str], height: float) -> None:
        """The kinds that occur, in a line from the left."""
        x = 0.12
        for kind in (kind for kind in KINDS if kind in kinds):
            self.draw_slab(Slab(kind, 1, 5), x, height, 0.1, 1)
            self.write(x + 0.2, height, KINDS[kind][0], ha="left")
            x += 0.45 + 0.075 * len(KINDS[kind][0])

    def draw_slab(self, slab: Slab, left: float, middle: float, width: float, order: float) -> None:
        """A box seen a little from the right and above."""
        from matplotlib.colors import to_rgb
        from matplotlib.patches import Polygon

        colour = to_rgb(KINDS[slab.kind][1] if slab.kind in KINDS else self.paper)
        low, high, right, deep = middle - tallness(slab) / 2, middle + tallness(slab) / 2, left + width, depth(slab)
        lighter, darker = [c + 0.35 * (1 - c) for c in colour], [0.7 * c for c in colour]
        for shade, corners in (
            (colour, [(left, low), (right, low), (right, high), (left, high)]),
            (lighter, [(left, high), (right, high), (right + deep, high + deep), (left + deep, high + deep)]),
            (darker, [(right, low), (right + deep, low + deep), (right + deep, high + deep), (right, high)]),
        ):
            self.axes.add_patch(Polygon(corners, facecolor=shade, edgecolor=self.ink, linewidth=0.5, zorder=order))

    def draw_rows(self, stages: Sequence[Stage], places: Sequence[Place]) -> None:
        """The face, the stages with what joins them, and the scores."""
        middles = sorted({place.middle for place in places}, reverse=True)
        centre, corner, end = sum(middles) / len(middles), MARGIN + STAGE, max(place.right for place in places)
        for middle in middles:
            row = [place for place in places if place.middle == middle]
            self.join([(corner - STAGE / 2, centre), (corner, centre), (corner, middle), (row[0].left, middle)])
            for before, after in pairwise(row):
                self.join([(before.right, middle), (after.left, middle)])
            self.join([(end, middle), (end + 0.08, middle), (end + 0.08, centre), (end + 0.25, centre)])
        self.draw_stage(FACE, Place(MARGIN, corner, centre))
        below = reach(stages)[1] - TABLE + 0.2
        self.write_column(("face", "×".join(map(str, FACE.shape))), MARGIN + STAGE / 2, centre - below)
        for middle in middles:
            for line, word in enumerate(("output", "parameters", "multiply-adds"), 1):
                self.write(0.12, middle - below - line * LINE, word, ha="left")
        total = sum(stage.multiply_adds for stage in stages)
        for stage, place in zip(stages, places, strict=True):
            self.draw_stage(stage, place)
            self.write_stage(stage, place, place.middle - below, stage.multiply_adds / total)
        words = (
            ["mean"] * (len(stages[-1].shape) == 3) + ["weighted sum"] * (len(middles) == 2) + [f"{stages[-1].shape[0]} scores"]
        )
        self.write(end + 0.34, centre, ",\n".join(words), ha="left")

    def draw_stage(self, stage: Stage, place: Place) -> None:
        """Its slabs in the middle of its place, and the line through them or around them."""
        deepest = max(map(depth, stage.slabs))
        x = (place.left + place.right - sum(thickness(slab) + 0.05 for slab in stage.slabs) + 0.05 - deepest) / 2
        if stage is not FACE:
            self.join([(place.left, place.middle), (place.right, place.middle)], tip=False)
        for order, slab in enumerate(stage.slabs, 2):
            self.draw_slab(slab, x, place.middle, thickness(slab), order)
            x += thickness(slab) + 0.05
        if stage.shortcut is not None:
            self.draw_shortcut(stage.shortcut, place, place.middle + max(map(tallness, stage.slabs)) / 2 + deepest + 0.1)

    def draw_shortcut(self, kinds: str, place: Place, top: float) -> None:
        """From the line before the stage, over its slabs, to where the two are added."""
        from matplotlib.patches import Circle

        left, right, middle = place
        self.join([(left + 0.03, middle), (left + 0.03, top), (right - 0.05, top), (right - 0.05, middle + 0.1)])
        self.axes.add_patch(
            Circle((right - 0.05, middle), 0.06, facecolor=self.paper, edgecolor=self.ink, linewidth=1, zorder=9)
        )
        self.write(right - 0.05, middle - 0.005, "+", zorder=10)
        self.write((left + right) / 2, top + 0.07, kinds.replace("pointwise", "1×1"), fontsize=8)

    def write_column(self, cells: Iterable[str], centre: float, top: float) -> None:
        """Lines of the table, the first in bold."""
        for line, cell in enumerate(cells):
            self.write(centre, top - line * LINE, cell, weight="normal" if line else "bold")

    def write_stage(self, stage: Stage, place: Place, top: float, share: float) -> None:
        """Its column of the table, the share of the multiply-adds also as a bar."""
        shape = "×".join(map(str, stage.shape))
        self.write_column((stage.name, shape, f"{stage.parameters:,}", f"{share:.0%}"), (place.left + place.right) / 2, top)
        left, width, height = (place.left + place.right - 0.7) / 2, 0.7, top - 3.7 * LINE
        self.axes.plot([left, left + width], [height] * 2, color=self.ink, alpha=0.15, linewidth=3, solid_capstyle="butt")
        self.axes.plot([left, left + width * share], [height] * 2, color=self.ink, linewidth=3, solid_capstyle="butt")
