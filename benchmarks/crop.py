"""Where FER2013's faces have their landmarks, and how often a face that is found again gets the class it had.

    python benchmarks/crop.py frame --data DIR        # the numbers of mien.inference.crop.FRAME
    python benchmarks/crop.py agreement --data DIR    # same top class on validation faces, upright and turned

Both print JSON with what they measured and how.
"""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from mien.data.dataset import read_dataset
from mien.inference.crop import FRAME, SIDE_PX
from mien.inference.detector import POINTS, Detector

app = typer.Typer(help=__doc__, pretty_exceptions_enable=False)
Data = Annotated[Path, typer.Option(help="Folder with FER2013 and fer2013new.csv.")]


def paste(face: np.ndarray, side_px: int, rng: np.random.Generator, turn_deg: float = 0) -> tuple[np.ndarray, int, int]:
    """The face enlarged to `side_px` somewhere in a canvas twice as wide whose rest repeats its edge; left, top of it.

    face: uint8 [48,48]. Returns uint8 RGB [m,m,3]; turn_deg turns the canvas counter-clockwise about the face's centre.
    """
    large = np.asarray(Image.fromarray(face).resize((side_px, side_px), Image.Resampling.BICUBIC))
    margin = max(2 * side_px, 128) - side_px
    left, top = (int(margin // 2 + rng.integers(-side_px // 4, side_px // 4 + 1)) for _ in range(2))
    canvas = np.pad(large, ((top, margin - top), (left, margin - left)), mode="edge")
    centre = (left + side_px / 2, top + side_px / 2)
    turned = Image.fromarray(canvas).rotate(turn_deg, Image.Resampling.BICUBIC, center=centre)
    return np.repeat(np.asarray(turned)[..., None], 3, axis=2), left, top


@app.command()
def frame(data: Data, faces: int = 1500, detector: str = "full_range", seed: int = 0) -> None:
    """Medians and standard deviations of the landmarks of training faces and their mirror images, in crop pixels."""
    rng = np.random.default_rng(seed)
    images = read_dataset(data).split("train").images
    finder, points = Detector(detector, 1), []
    for row in rng.choice(len(images), faces, replace=False):
        side_px = int(np.exp(rng.uniform(np.log(96), np.log(240))))
        canvas, left, top = paste(images[row], side_px, rng)
        if found := finder.detect(canvas):
            points.append((found[0].points - [left, top]) * SIDE_PX / side_px)
    placed = np.array(points)
    mirrored = np.stack([SIDE_PX - placed[..., 0], placed[..., 1]], -1)[:, [1, 0, 2, 3, 5, 4]]
    both = np.concatenate([placed, mirrored])
    show({
        "detector": detector, "seed": seed, "n": faces, "found": len(points),
        "median": dict(zip(POINTS, np.median(both, 0).round(1).tolist(), strict=True)),
        "std": dict(zip(POINTS, both.std(0).round(1).tolist(), strict=True)),
        "in_use": FRAME,
    })  # fmt: skip


@app.command()
def agreement(data: Data, model: str = "mien", faces: int = 1000, detector: str = "full_range", seed: int = 0) -> None:
    """Share of validation faces, pasted at 40 to 300 px and turned by an angle, found, and given the face's own top class."""
    from mien import Recognizer

    images = read_dataset(data).split("valid", "majority").images
    recognizer, rows = Recognizer(model, detector, threads=1), []
    for turn_deg in (0, 15, 30, 45):
        rows.append({"turn_deg": turn_deg, **agree(recognizer, images, faces, seed, turn_deg)})
    show({"model": model, "detector": detector, "seed": seed, "turns": rows})


def agree(recognizer, images: np.ndarray, count: int, seed: int, turn_deg: float = 0) -> dict[str, float]:  # type: ignore[no-untyped-def]
    """n, how many were found, and of those the share whose top class is that of the face itself."""
    rng = np.random.default_rng(seed)
    chosen = images[rng.choice(len(images), count, replace=False)]
    truth = recognizer.classify(chosen).argmax(1)
    hits = []
    for face, own in zip(chosen, truth, strict=True):
        canvas, *_ = paste(face, int(np.exp(rng.uniform(np.log(40), np.log(300)))), rng, turn_deg)
        result = recognizer.predict(canvas)
        if result.faces:
            hits.append(np.argmax(list(result.faces[0].probs.values())) == own)
    return {"n": count, "found": len(hits), "agreement": float(np.mean(hits))}


def show(value: dict) -> None:  # type: ignore[type-arg]
    """JSON on stdout."""
    print(json.dumps(value, indent=1))


if __name__ == "__main__":
    app()
