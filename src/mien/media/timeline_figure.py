"""A Timeline as a picture for screen and print: what each face showed when, with its thumbnails. Looks as all do."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import mien.look as look
from mien.emotions import EMOTIONS
from mien.errors import one_line
from mien.media.draw import COLOURS
from mien.media.timeline import SHOWN, Thumbnail, Timeline, Track

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAPER, INK, FAINT, PALE = look.PAPER["light"], look.INK["light"], look.FAINT["light"], "#6e7781"
SETTINGS: dict[str, Any] = {
    **look.TEXT,
    "font.size": 9,
    "text.parse_math": False,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": False,
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
    "image.composite_image": False,
}
"""matplotlib's rcParams."""
DPI = 200
WIDTH, LEFT, RIGHT = 9.0, 1.15, 0.2
"""Inches, as all below: of the whole, and beside the rows."""
HEAD, FOOT = 0.76, 0.75
"""Title and legend; time axis and note."""
AREA, FACES, STRIP, THUMB, GAP = 0.95, 0.3, 0.58, 0.46, 0.16
"""Heights: of a track's probabilities, of the number of faces, of the thumbnails' strip and one of them; between rows."""
DOUBT = (-0.17, -0.05)
"""From where to where the mark of ambiguous time reaches, below the probabilities, which go from 0 to 1."""
NOTE = "Stacked: mean probability. White: not in view. Black: share of ambiguous time."
STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)


@dataclass(frozen=True)
class Curve:
    """Corners of what is drawn over time: x in seconds; a column of y for each of its values, 0 where there is nothing."""

    x: np.ndarray
    y: np.ndarray


def save_timeline(timeline: Timeline, path: Path, kind: str) -> None:
    """Writes the picture as `png` or `svg`."""
    from matplotlib import style

    with style.context(SETTINGS, after_reset=True), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # letters of a name that the font lacks
        draw_timeline(timeline).savefig(path, format=kind, dpi=DPI, metadata=look.UNDATED[kind])


def draw_timeline(timeline: Timeline) -> "Figure":
    """A row for each of the SHOWN tracks that were seen longest, and one with the number of faces if there are several."""
    from matplotlib.figure import Figure

    tracks = timeline.tracks()[:SHOWN]
    strips = [STRIP if track.thumbnails else 0.0 for track in tracks]
    heights = [AREA + strip for strip in strips] + ([FACES] if timeline.count > 1 or not tracks else [])
    total = HEAD + sum(heights) + GAP * (len(heights) - 1) + FOOT
    figure = Figure((WIDTH, total), facecolor=PAPER)
    top, rows = total - HEAD, []
    for track, strip in zip(tracks, strips, strict=True):
        rows.append(_add_axes(figure, top - strip - AREA, AREA, timeline))
        _draw_track(rows[-1], timeline, track)
        if strip:
            _draw_strip(figure, top - strip, timeline, track)
        top -= AREA + strip + GAP
    if len(heights) > len(tracks):
        rows.append(_add_axes(figure, top - FACES, FACES, timeline))
        _draw_faces(rows[-1], timeline)
    _draw_time(rows, timeline.duration_s)
    _write_head(figure, timeline, total)
    _write_note(figure, timeline, total)
    return figure


def _add_axes(figure: "Figure", bottom: float, height: float, timeline: Timeline) -> "Axes":
    total = figure.get_size_inches()[1]
    place = (LEFT / WIDTH, bottom / total, (WIDTH - LEFT - RIGHT) / WIDTH, height / total)
    return figure.add_axes(place, xlim=(0, timeline.duration_s))


def find_curve(timeline: Timeline, sums: np.ndarray, there: np.ndarray, steps: bool = False) -> Curve:
    """Means over the frames of each stretch of time in which `there` is not 0, straight lines from one's middle to the next.

    sums: [BINS, n], over the frames; there: [BINS]. A stretch reaches to the next one that has frames. Where the face is
    away in some of a stretch's frames, the means are that much lower. steps: each stretch is level.
    """
    used = np.flatnonzero(timeline.frames)
    edges = np.append(used * timeline.stretch_s, timeline.duration_s)
    means, present = sums[used] / timeline.frames[used, None], there[used] > 0
    zero = np.zeros(sums.shape[1])
    x: list[float] = []
    y: list[np.ndarray] = []
    for i in np.flatnonzero(present):
        if i == 0 or not present[i - 1]:
            x += [edges[i]] * 2
            y += [zero, means[i]]
        x += [edges[i], edges[i + 1]] if steps else [(edges[i] + edges[i + 1]) / 2]
        y += [means[i]] * (1 + steps)
        if i + 1 == len(used) or not present[i + 1]:
            x += [edges[i + 1]] * 2
            y += [means[i], zero]
    return Curve(np.array(x), np.array(y).reshape(len(x), sums.shape[1]))


def time_in_view(timeline: Timeline, track: Track) -> float:
    """Seconds: each stretch of time counts by the share of its frames that show the face."""
    used = np.flatnonzero(timeline.frames)
    lengths = np.diff(np.append(used * timeline.stretch_s, timeline.duration_s))
    return float(lengths @ (track.seen[used] / timeline.frames[used]))


def _draw_track(axes: "Axes", timeline: Timeline, track: Track) -> None:
    curve = find_curve(timeline, track.probs, track.seen)
    levels = np.column_stack([np.zeros(len(curve.x)), curve.y.cumsum(1)])
    for i, name in enumerate(EMOTIONS):
        axes.fill_between(curve.x, levels[:, i], levels[:, i + 1], color=COLOURS[name], linewidth=0)
    (low, high), doubt = DOUBT, find_curve(timeline, track.ambiguous[:, None], track.ambiguous, steps=True)
    axes.fill_between(doubt.x, low, low + (high - low) * doubt.y[:, 0], color=INK, linewidth=0)
    axes.set(ylim=(low, 1.0), yticks=[0, 0.5, 1])
    axes.set_yticklabels(["0", "½", "1"], fontsize=7.5)
    axes.tick_params(axis="y", length=2, pad=2)
    _write_left(axes, 0.62, f"#{track.number}", 12, weight="bold")
    _write_left(axes, 0.40, _spell(time_in_view(timeline, track)), 7.5, color=PALE)
    _write_left(axes, 0.25, "in view", 7.5, color=PALE)


def _write_left(axes: "Axes", y: float, text: str, size: float, **more: Any) -> None:
    """y: share of the axes' height."""
    x = (0.15 - LEFT) / (WIDTH - LEFT - RIGHT)
    axes.text(x, y, text, transform=axes.transAxes, fontsize=size, va="center", **more)


def _draw_strip(figure: "Figure", bottom: float, timeline: Timeline, track: Track) -> None:
    """Thumbnails over their times, framed in their emotion's colour, as many as there is room for."""
    from matplotlib.patches import Rectangle

    axes, width = _add_axes(figure, bottom, STRIP, timeline), WIDTH - LEFT - RIGHT
    axes.set(xlim=(0, width), ylim=(0, STRIP))
    axes.set_axis_off()
    for thumbnail, x in place_thumbnails(list(track.thumbnails.values()), timeline.duration_s, width):
        low, colour, at = STRIP - THUMB - 0.02, COLOURS[thumbnail.emotion], thumbnail.time_s / timeline.duration_s * width
        axes.imshow(thumbnail.pixels, extent=(x, x + THUMB, low, low + THUMB), aspect="auto", interpolation="bilinear")
        axes.add_patch(Rectangle((x, low), THUMB, THUMB, fill=False, edgecolor=colour, linewidth=1.5, clip_on=False))
        axes.plot([at, at], [0, low], color=colour, linewidth=1.2, solid_capstyle="butt")
    axes.set(xlim=(0, width), ylim=(0, STRIP))


def place_thumbnails(thumbnails: Sequence[Thumbnail], duration_s: float, width: float) -> list[tuple[Thumbnail, float]]:
    """Those that have room beside each other, in order of time, and the left edge of each in inches.

    Each stands over its time, in the middle or pushed aside by up to half its width.
    """
    placed: list[tuple[Thumbnail, float]] = []
    for thumbnail in sorted(thumbnails, key=lambda one: one.time_s):
        at = thumbnail.time_s / duration_s * width
        free = placed[-1][1] + THUMB + 0.05 if placed else 0.0
        x = max(free, min(at - THUMB / 2, width - THUMB))
        if x <= min(at, width - THUMB):
            placed.append((thumbnail, x))
    return placed


def _draw_faces(axes: "Axes", timeline: Timeline) -> None:
    curve = find_curve(timeline, timeline.faces[:, None], timeline.frames, steps=True)
    most = max(1, math.ceil(curve.y.max(initial=0)))
    axes.fill_between(curve.x, 0, curve.y[:, 0], color=FAINT, linewidth=0)
    axes.set(ylim=(0, most), yticks=[0, most])
    axes.tick_params(axis="y", length=2, pad=2, labelsize=7.5)
    _write_left(axes, 0.5, "faces", 9)


def _draw_time(rows: Sequence["Axes"], duration_s: float) -> None:
    """Ticks and faint lines at round times in all rows, numbers below the last."""
    step = next((step for step in STEPS_S if duration_s / step <= 10), STEPS_S[-1])
    ticks = np.arange(0, duration_s * 1.0001, step)
    unit = 1 if duration_s < 60 else 60 if duration_s < 3600 else 3600
    for axes in rows:
        axes.set_xticks(ticks, [""] * len(ticks))
        axes.grid(axis="x", color=INK, alpha=0.12, linewidth=0.6)
        axes.tick_params(axis="x", length=0)
    rows[-1].tick_params(axis="x", length=3)
    rows[-1].set_xticklabels(
        [f"{tick:g}" if unit == 1 else f"{tick // unit:.0f}:{tick % unit * 60 // unit:02.0f}" for tick in ticks]
    )
    rows[-1].set_xlabel({1: "time (s)", 60: "time (min:s)", 3600: "time (h:min)"}[unit])


def _write_head(figure: "Figure", timeline: Timeline, total: float) -> None:
    from matplotlib.patches import Patch

    name = one_line(Path(timeline.name or "").name or timeline.name or "")
    name = name if len(name) <= 52 else f"{name[:30]}…{name[-21:]}"
    figure.text(0.15 / WIDTH, 1 - 0.24 / total, name, fontsize=11, weight="bold", va="center")
    figure.text(1 - RIGHT / WIDTH, 1 - 0.24 / total, _spell(timeline.duration_s), fontsize=11, va="center", ha="right")
    handles = [Patch(color=COLOURS[name], label=name) for name in EMOTIONS]
    figure.legend(
        handles=[*handles, Patch(color=INK, label="ambiguous")], loc="upper left", ncols=9, frameon=False, fontsize=8.5,
        bbox_to_anchor=(0.05 / WIDTH, 1 - 0.38 / total), handlelength=1, handleheight=0.9, handletextpad=0.4,
        columnspacing=1.05,
    )  # fmt: skip


def _write_note(figure: "Figure", timeline: Timeline, total: float) -> None:
    """What the picture shows, and what it leaves out."""
    others = timeline.count - SHOWN
    parts = [NOTE]
    if not timeline.count:
        parts = ["No face was found." if timeline.frames.any() else "There were no frames."]
    elif others > 0:
        parts.append(f"{others:,} more {'face was' if others == 1 else 'faces were'} in view for less time and not shown.")
    figure.text(0.15 / WIDTH, 0.13 / total, " ".join(parts), fontsize=7.5, color=PALE, va="center")


def _spell(time_s: float) -> str:
    """`5.2 s`, `3:05 min`, `2:00:09 h`."""
    whole = round(time_s)
    if whole < 60:
        return f"{time_s:.1f} s"
    minutes, seconds = divmod(whole, 60)
    return f"{minutes}:{seconds:02d} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d} h"
