"""Makes a clip of 20 s to try `mien video` on: python examples/make_clip.py clip.mp4 (needs mien's extra `video`).

One face stays, the other comes and goes. Both are photographs in the public domain (see NOTICE), and what the one that
stays shows is bent into it: what is measured on this clip says nothing of people.
"""

import sys
from functools import cache
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from scipy.ndimage import map_coordinates

PICTURES = Path(__file__).resolve().parents[1] / "tests" / "golden" / "pictures"
WIDTH, HEIGHT, RATE, SECONDS = 640, 480, 25, 20
STAYS, COMES = ("hopper.jpg", (146, 97, 242), 150), ("astronaut.jpg", (165, 55, 122), 130)
"""Picture, left, top and side of the face in it, and that side in the clip, in px."""
UNITS = 48
"""To a face's side, of all that is done to it."""
SHOWN = {"smile": ([4, 5, 9, 10], [0, 3, 3, 0]), "sorrow": ([12.5, 13.5, 16.5, 17.5], [0, 2, 2, 0])}
"""Times in seconds, and how strongly each is shown there, in units."""
AWAY = [1.5, 3, 10, 11.5, 15, 16.5], [300, 0, 0, 300, 300, 0]
"""Times in seconds, and how far the one that comes is from her place, in px."""


def main(path: str = "clip.mp4") -> None:
    with av.open(path, "w") as out:
        stream = out.add_stream("libx264", rate=RATE, options={"crf": "22"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for time_s in np.arange(RATE * SECONDS) / RATE:
            picture = Image.new("RGB", (WIDTH, HEIGHT), (118, 132, 150))
            amounts = {name: float(np.interp(time_s, *course)) for name, course in SHOWN.items()}
            paste(picture, bend(*STAYS, **amounts), 180 + 10 * np.sin(time_s), 240 + 6 * np.sin(1.7 * time_s))
            paste(picture, cut_out(*COMES), 470 + np.interp(time_s, *AWAY), 250 + 8 * np.sin(1.3 * time_s))
            out.mux(stream.encode(av.VideoFrame.from_image(picture)))
        out.mux(stream.encode(None))


@cache
def cut_out(name: str, square: tuple[int, int, int], side: int) -> Image.Image:
    """RGBA: a head with soft edges, its face in the middle."""
    left, top, width = square
    around = (left - width // 2, top - width // 2, left + 3 * width // 2, top + 3 * width // 2)
    head = Image.open(PICTURES / name).convert("RGB").crop(around).resize((2 * side, 2 * side))
    mask = Image.new("L", head.size)
    ImageDraw.Draw(mask).ellipse((side // 4, side // 8, 7 * side // 4, 15 * side // 8), fill=255)
    head.putalpha(mask.filter(ImageFilter.GaussianBlur(side / 20)))
    return head


@cache
def bend(name: str, square: tuple[int, int, int], side: int, smile: float, sorrow: float) -> Image.Image:
    """The head with the corners of its mouth drawn up, or drawn down with the inner ends of its brows raised."""
    pixels = np.asarray(cut_out(name, square, side))
    rows, columns = np.indices(pixels.shape[:2])
    x, y = columns * UNITS / side - UNITS, rows * UNITS / side - UNITS  # from the middle of the face
    mouth = near(y - 13, 5.5) * (near(abs(x) - 6, 3.5) - 0.5 * near(x, 4))
    brows = near(y + 9, 3) * near(abs(x) - 4, 3)
    source = [rows + side / UNITS * ((smile - sorrow) * mouth + sorrow * brows), columns]
    bent = [map_coordinates(pixels[..., channel], source, order=1, mode="nearest") for channel in range(4)]
    return Image.fromarray(np.stack(bent, axis=2))


def near(distance: np.ndarray, width: float) -> np.ndarray:
    return np.exp(-((distance / width) ** 2))


def paste(picture: Image.Image, head: Image.Image, x: float, y: float) -> None:
    """With its middle there."""
    picture.paste(head, (round(x - head.width / 2), round(y - head.height / 2)), head)


if __name__ == "__main__":
    main(*sys.argv[1:])
