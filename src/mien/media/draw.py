"""Results drawn onto their picture."""

from PIL import Image, ImageDraw, ImageFont

from mien.emotions import EMOTIONS
from mien.media.images import Source, read_picture
from mien.results import Face, Result, label

COLOURS = dict(
    zip(EMOTIONS, ("#999999", "#F0E442", "#E69F00", "#56B4E9", "#D55E00", "#009E73", "#CC79A7", "#0072B2"), strict=True)
)
"""One colour an emotion, apart for colour-blind eyes too (Okabe and Ito 2008)."""


def draw(picture: Source, result: Result) -> Image.Image:
    """The upright picture, full size, RGB, with a box and a label for each face.

    The label holds the emotion and its confidence; an ambiguous face gets its two most probable emotions.
    """
    canvas = Image.fromarray(read_picture(picture, None).pixels)
    pen = ImageDraw.Draw(canvas)
    for face in result.faces:
        _draw_face(pen, face, canvas.size)
    return canvas


def _draw_face(pen: ImageDraw.ImageDraw, face: Face, size: tuple[int, int]) -> None:
    box, colour, text = face.box, COLOURS[face.emotion], label(face)
    line_px = max(2, round(min(size) / 250))
    font = _font(pen, text, size, max(12, min(round(box.width / 8), round(min(size) / 18))))
    pen.rectangle((box.x, box.y, box.x + box.width - 1, box.y + box.height - 1), outline=colour, width=line_px)
    left, top, right, bottom = pen.textbbox((0, 0), text, font=font)
    pad = line_px + 1
    width, height = right - left + 2 * pad, bottom - top + 2 * pad
    x = max(0, min(box.x, size[0] - width))
    y = box.y - height if box.y >= height else min(box.y + box.height, size[1] - height)
    pen.rectangle((x, y, x + width, y + height), fill=colour)
    pen.text((x + pad - left, y + pad - top), text, font=font, fill=_ink(colour))


def _font(
    pen: ImageDraw.ImageDraw, text: str, size: tuple[int, int], wanted: float
) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, small enough for `text` to fit the picture's width."""
    width = pen.textlength(text, font=ImageFont.load_default(wanted))
    return ImageFont.load_default(max(6.0, min(wanted, wanted * 0.95 * size[0] / max(width, 1))))


def _ink(colour: str) -> str:
    """Black or white, whichever reads better on `colour` (relative luminance, WCAG 2.1)."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "black" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 110 else "white"
