"""Class folders of drawn faces, and of the golden photographs."""

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

WORDS = ("neutral", "Happy", "surprised", "SAD", "an", "disgust", "afraid", "Contempt")
PHOTOS = {"Happy": ("astronaut.jpg", "dark.jpg", "several.jpg"), "neutral": ("hopper.jpg",), "sad": ("no-face.jpg", "grey.png")}


def draw_pictures(folder: Path, n: int, words: tuple[str, ...] = WORDS) -> Path:
    """n patterns of 48x48 pixels in each class folder."""
    rng = np.random.default_rng(0)
    for word in words:
        (folder / word).mkdir(parents=True)
        for i in range(n):
            coarse = rng.uniform(0, 255, (6, 6)).repeat(8, 0).repeat(8, 1)
            Image.fromarray(coarse.astype(np.uint8)).save(folder / word / f"{i:03}.png")
    return folder


def copy_photos(golden: Path, folder: Path) -> None:
    """PHOTOS, whole pictures: in one of them there is no face."""
    for word, names in PHOTOS.items():
        (folder / word).mkdir(parents=True)
        for name in names:
            shutil.copy(golden / "pictures" / name, folder / word)
