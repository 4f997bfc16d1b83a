"""Explanations drawn: the face as the network saw it, and over it what speaks for and against its emotions."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mien.results import Explanation, percent

SIDE_PX, GAP_PX, LETTERS_PX = 240, 12, 15
FOR, AGAINST = np.array([230, 97, 1]), np.array([38, 103, 179])
"""Orange and blue, apart for colour-blind eyes too."""
FAINT = 0.12
"""Share of the strongest value in a map below which nothing is drawn."""
CELLS = 12
"""A side, in which maps are drawn: the squares that cover the crop see no finer."""
EMOTIONS_SHOWN = 2


def draw_explanations(explanations: Sequence[Explanation], emotions: int = EMOTIONS_SHOWN) -> Image.Image:
    """A row a face: the crop, then its most probable emotions, each with what speaks for it in orange, against it in blue.

    RGB. The colours are relative to a map's strongest value, which stands below it: what covering that part does to the odds.
    Several faces have their numbers, as a result counts them.
    """
    line = LETTERS_PX + 8
    width = (emotions + 1) * (SIDE_PX + GAP_PX) + GAP_PX
    height = len(explanations) * (SIDE_PX + 2 * line + GAP_PX) + GAP_PX
    canvas = Image.new("RGB", (width, height), "white")
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(LETTERS_PX)
    for row, explanation in enumerate(explanations):
        y = GAP_PX + row * (SIDE_PX + 2 * line + GAP_PX)
        whose = f"face {row}, " if len(explanations) > 1 else ""
        for column, (picture, words) in enumerate(_panels(explanation, emotions, whose)):
            x = GAP_PX + column * (SIDE_PX + GAP_PX)
            canvas.paste(picture, (x, y))
            for i, text in enumerate(words):
                pen.text((x, y + SIDE_PX + 5 + i * line), text, "#222222" if i == 0 else "#666666", font)
    return canvas


def _panels(explanation: Explanation, emotions: int, whose: str) -> list[tuple[Image.Image, tuple[str, str]]]:
    shown = sorted(explanation.probs, key=lambda name: -explanation.probs[name])[:emotions]
    panels = [(_enlarged(explanation.crop), (f"{whose}as the network saw it", "orange speaks for, blue against"))]
    for name in shown:
        change = explanation.maps[name]
        panels.append((_overlaid(explanation.crop, change), (f"{name} {percent(explanation.probs[name])}", _effect(change))))
    return panels


def _effect(change: np.ndarray) -> str:
    strongest = float(change.flat[np.abs(change).argmax()])
    times = f"{np.exp(abs(strongest)):,.{0 if abs(strongest) > np.log(10) else 1}f}"
    return f"covered: odds fall to 1/{times}" if strongest > 0 else f"covered: odds rise to {times} times"


def _overlaid(crop: np.ndarray, change: np.ndarray) -> Image.Image:
    """The grey crop with the map [48,48] over it."""
    coarse = Image.fromarray(change / max(float(np.abs(change).max()), 1e-9)).resize((CELLS, CELLS), Image.Resampling.BOX)
    smooth = np.asarray(coarse.resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC))[..., None]
    opacity = 0.75 * np.clip((np.abs(smooth) - FAINT) / (1 - FAINT), 0, 1)
    coloured = (1 - opacity) * np.asarray(_enlarged(crop)) + opacity * np.where(smooth > 0, FOR, AGAINST)
    return Image.fromarray(coloured.round().astype(np.uint8))


def _enlarged(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels).convert("RGB").resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
