"""Results drawn onto their picture, or onto the frames of a video."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mien.emotions import EMOTIONS
from mien.media.blur import blur_faces as hide
from mien.media.images import Source, read_picture
from mien.results import Face, Result, label

COLOURS = dict(
    zip(EMOTIONS, ("#999999", "#F0E442", "#E69F00", "#56B4E9", "#D55E00", "#009E73", "#CC79A7", "#0072B2"), strict=True)
)
"""One colour an emotion, apart for colour-blind eyes too (Okabe and Ito 2008)."""
HALO = "#1A1A1A"
"""Dark, on both sides of a box's line: on skin, sky and cloth alike one of the two stands out."""
PLAY = 0.03
"""Share of its side by which a face may move before the box that is drawn around it follows."""
HOLD_S = 1.0
"""A hidden face that is not found any more stays hidden for so long where it was."""

Edges = tuple[int, int, int, int]
"""Left, top, right and bottom in px; the last two are beyond the box."""


def draw(picture: Source, result: Result, blur_faces: bool = False) -> Image.Image:
    """The upright picture, full size, RGB, with a box and a label for each face.

    The label holds the emotion and its confidence, after the face's number where there are several; an ambiguous face gets
    its two most probable emotions and a dashed box. blur_faces: the faces of the result are hidden (mien.media.blur); one
    that was not found stays visible.
    """
    return Image.fromarray(draw_frame(read_picture(picture, None).pixels, result, blur_faces))


def draw_frame(pixels: np.ndarray, result: Result, blur: bool = False) -> np.ndarray:
    """As `draw`, for uint8 [h,w,3] RGB, of which it gives a copy."""
    return Annotator(blur).draw(pixels, result)


class Annotator:
    """Draws the frames of one video, in their order: `#3 happiness 93%`, with the track's number before the label.

    Boxes and labels do not tremble: each edge, the size of the letters and the side of the label stay as they were in the
    frame before until the face has moved by PLAY. blur: faces are hidden, and for HOLD_S also where one is missed.
    """

    def __init__(self, blur: bool = False):
        self._blur = blur
        self._held: dict[int, tuple[float, Face, Place]] = {}

    def draw(self, pixels: np.ndarray, result: Result) -> np.ndarray:
        """A copy of the frame with its result drawn onto it. pixels: uint8 [h,w,3] RGB."""
        placed = self.follow(result, pixels.shape)
        seen = {face.track for face in result.faces}
        missed = [face for track, (_, face, _) in self._held.items() if track not in seen]
        canvas = hide(pixels, [face.box for face in (*missed, *result.faces)]) if self._blur else pixels.copy()
        for face, place in placed:
            _draw_box(canvas, place.box, COLOURS[face.emotion], face.ambiguous)
        for face, place in placed:
            _draw_label(canvas, place, _text(face, result.faces), COLOURS[face.emotion])
        return canvas

    def follow(self, result: Result, shape: tuple[int, ...]) -> "list[tuple[Face, Place]]":
        """Where each face is drawn in a frame of this shape; by itself, for one that an earlier run has drawn."""
        self._held = {track: held for track, held in self._held.items() if 0 <= result.time_s - held[0] <= HOLD_S}
        faces = sorted(result.faces, key=lambda face: face.track or 0)  # always the same one in front
        return [(face, self._place(face, result.time_s, shape)) for face in faces]

    def _place(self, face: Face, time_s: float, shape: tuple[int, ...]) -> "Place":
        if face.track is None:
            return Place(face, shape)
        place = Place(face, shape, self._held[face.track][2] if face.track in self._held else None)
        self._held[face.track] = time_s, face, place
        return place


class Place:
    """Where a face's box and label are drawn, and how large the label's letters are, in px.

    before: those of the frame before. shape: of the picture. Below the box where there is no room above; once there, it
    goes back up only where there is more room than needed.
    """

    def __init__(self, face: Face, shape: tuple[int, ...], before: "Place | None" = None):
        x, y, width, height = face.box
        shortest = min(shape[:2])
        self.box: Edges = (x, y, x + width, y + height)
        self.letters_px = max(12, min(round(width / 8), round(shortest / 18)))
        play = PLAY * max(width, height)
        if before:
            self.box = _follow(before.box, self.box, play)
            changed = abs(self.letters_px - before.letters_px) > 0.2 * before.letters_px
            self.letters_px = self.letters_px if changed else before.letters_px
        spare = play + 2 if before and before.below else 0
        self.below: bool = self.box[1] < _line_height(self.letters_px) + spare


def _follow(held: Edges, new: Edges, play: float) -> Edges:
    """Each edge where it was, or as near to that as `play` allows."""
    left, top, right, bottom = (round(max(n - play, min(n + play, h))) for h, n in zip(held, new, strict=True))
    return left, top, right, bottom


def _text(face: Face, faces: Sequence[Face]) -> str:
    """The label, after the track's number, or where it is one of several the face's, as text and CSV count them."""
    if face.track is not None:
        return f"#{face.track} {label(face)}"
    return f"{faces.index(face)} {label(face)}" if len(faces) > 1 else label(face)


def _draw_box(canvas: np.ndarray, box: Edges, colour: str, dashed: bool) -> None:
    """The outline, inside the box, and HALO, 1 px on each side of it and in the gaps where it is dashed."""
    line_px, (left, top, right, bottom) = _line_width(canvas.shape), box
    _draw_outline(canvas, (left - 1, top - 1, right + 1, bottom + 1), HALO, line_px + 2)
    _draw_outline(canvas, box, colour, line_px, 5 * line_px if dashed else 0)


def _draw_outline(canvas: np.ndarray, box: Edges, colour: str, line_px: int, dash_px: int = 0) -> None:
    left, top, right, bottom = (max(0, edge) for edge in box)
    place = canvas[top:bottom, left:right]
    down, across = (_dashes(length, dash_px) for length in place.shape[:2])
    place[:line_px, across] = place[-line_px:, across] = place[down, :line_px] = place[down, -line_px:] = _rgb(colour)


def _dashes(length: int, dash_px: int) -> np.ndarray:
    """Where along an edge there is colour, bool [length]: at both ends, and everywhere where dash_px is 0."""
    count = round(length / dash_px) | 1 if dash_px else 1
    return np.arange(length) * count // length % 2 == 0


def _line_width(shape: Sequence[int]) -> int:
    """Of the boxes in a picture of this shape, in px."""
    return max(2, round(min(shape[:2]) / 160))


def _draw_label(canvas: np.ndarray, place: Place, text: str, colour: str) -> None:
    """Wholly inside the picture where it fits."""
    tag = _fit(text, place.letters_px, canvas.shape[1], colour)
    height, width = tag.shape[:2]
    x = max(0, min(place.box[0], canvas.shape[1] - width))
    y = place.box[3] if place.below else place.box[1] - height
    y = max(0, min(y, canvas.shape[0] - height))
    room = canvas[y : y + height, x : x + width]
    room[:] = tag[: room.shape[0], : room.shape[1]]


def _fit(text: str, letters_px: int, width: int, colour: str) -> np.ndarray:
    """The label with letters small enough for the picture's width, but 6 px at least."""
    tag = _label(text, letters_px, colour)
    if tag.shape[1] <= width or letters_px <= 6:
        return tag
    return _fit(text, max(6, min(letters_px - 1, int(letters_px * width / tag.shape[1]))), width, colour)


@lru_cache(32)
def _label(text: str, letters_px: int, colour: str) -> np.ndarray:
    """Text on its colour, uint8 [h,w,3]; as high as any other with letters of this size."""
    font, pad = _font(letters_px), _pad(letters_px)
    left, _, right, _ = font.getbbox(text)
    _, top, _, _ = font.getbbox(TALLEST)
    canvas = Image.new("RGB", (int(right - left) + 2 * pad, _line_height(letters_px)), colour)
    ImageDraw.Draw(canvas).text((pad - left, pad - top), text, font=font, fill=_ink(colour))
    return np.asarray(canvas)


TALLEST = "#hg%/"
"""Reaches as far up and down as any label."""


def _pad(letters_px: int) -> int:
    return max(2, round(letters_px / 6))


def _line_height(letters_px: int) -> int:
    _, top, _, bottom = _font(letters_px).getbbox(TALLEST)
    return int(bottom - top) + 2 * _pad(letters_px)


@lru_cache(64)
def _font(letters_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own."""
    return ImageFont.load_default(letters_px)


@lru_cache
def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


def _ink(colour: str) -> str:
    """Black or white, whichever reads better on `colour` (relative luminance, WCAG 2.1)."""
    red, green, blue = _rgb(colour)
    return "black" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 110 else "white"
