"""Where FER2013's faces have their landmarks, and what that makes of a face that is found.

    python benchmarks/crop.py frame --data DIR        # the numbers of mien.inference.crop.FRAME
    python benchmarks/crop.py squares --data DIR      # rules from a detection to the square that is cropped
    python benchmarks/crop.py letterbox --data DIR    # ways of reducing the picture for the detector
    python benchmarks/crop.py agreement --data DIR    # same top class on validation faces, upright and turned

Each prints JSON with what it measured and how.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image

from mien.data.dataset import read_dataset
from mien.inference import crop, detector
from mien.inference.crop import FRAME, SIDE_PX, face_square
from mien.inference.detector import POINTS, Detection, Detector

app = typer.Typer(help=__doc__, pretty_exceptions_enable=False)
Data = Annotated[Path, typer.Option(help="Folder with FER2013 and fer2013new.csv.")]
Finder = Annotated[str, typer.Option("--detector", help="full_range or short_range.")]
BILINEAR, NEAREST = Image.Resampling.BILINEAR, Image.Resampling.NEAREST


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


def find(images: np.ndarray, name: str, sides_px: tuple[int, int], seed: int) -> list[Detection | None]:
    """The best detection of each face, pasted at a size drawn from this range, in pixels of the 48x48 face."""
    rng, finder = np.random.default_rng(seed), Detector(name)
    found: list[Detection | None] = []
    for face in images:
        side_px = int(np.exp(rng.uniform(*np.log(sides_px))))
        canvas, left, top = paste(face, side_px, rng)
        scale = SIDE_PX / side_px
        best = finder.detect(canvas)[:1]
        found += [Detection((d.box - [left, top, 0, 0]) * scale, (d.points - [left, top]) * scale, d.score) for d in best]
        found += [] if best else [None]
    return found


def choose(data: Path, split: str, count: int, seed: int) -> np.ndarray:
    """So many faces of a split, uint8 [n,48,48]."""
    images = read_dataset(data).split(split, "majority" if split == "valid" else "distribution").images
    return images[np.random.default_rng(seed).choice(len(images), count, replace=False)]


@app.command()
def frame(data: Data, faces: int = 1500, finder: Finder = "full_range", seed: int = 0) -> None:
    """Medians and standard deviations of the landmarks of training faces and their mirror images, in crop pixels."""
    found = [d for d in find(choose(data, "train", faces, seed), finder, (96, 240), seed) if d]
    placed = np.array([d.points for d in found])
    mirrored = np.stack([SIDE_PX - placed[..., 0], placed[..., 1]], -1)[:, [1, 0, 2, 3, 5, 4]]
    both = np.concatenate([placed, mirrored])
    show({
        "detector": finder, "seed": seed, "n": faces, "found": len(found),
        "median": dict(zip(POINTS, np.median(both, 0).round(1).tolist(), strict=True)),
        "std": dict(zip(POINTS, both.std(0).round(1).tolist(), strict=True)),
        "in_use": FRAME,
    })  # fmt: skip


@app.command()
def squares(data: Data, faces: int = 700, finder: Finder = "full_range", seed: int = 1) -> None:
    """How far each rule's square is from the face's own: median error of the centre, spread of the side (log)."""
    found = [d for d in find(choose(data, "valid", faces, seed), finder, (60, 300), seed) if d]
    boxes, points = np.array([d.box for d in found]), np.array([d.points for d in found])
    middle, width = np.median(boxes[:, :2] + boxes[:, 2:] / 2, 0), np.median(boxes[:, 2])
    rules = {
        "box": np.column_stack(
            [boxes[:, :2] + boxes[:, 2:] / 2 + (24 - middle) * boxes[:, 2:3] / width, boxes[:, 2] * 48 / width]
        ),
        "eyes and mouth": fit(points, [0, 1, 3]),
        "eyes, nose and mouth": fit(points, [0, 1, 2, 3]),
        "six landmarks": np.array([(s.left + s.side / 2, s.top + s.side / 2, s.side) for s in map(face_square, found)]),
    }
    show({
        "detector": finder, "seed": seed, "n": faces, "found": len(found),
        "rules": {name: miss(rows) for name, rows in rules.items()},
    })  # fmt: skip


def miss(rows: np.ndarray) -> dict[str, Any]:
    """How far squares, centre x, y and side [n,3], are from the face's own."""
    spread = np.log(np.maximum(rows[:, 2], 1)).std()
    return {"centre_px": np.median(np.abs(rows[:, :2] - 24), 0).round(2).tolist(), "side_log_std": float(spread.round(3))}


def fit(points: np.ndarray, chosen: list[int]) -> np.ndarray:
    """Centre x, y and side by the least-squares scale and shift, without turn, of some landmarks: [n,3]."""
    target = np.array(list(FRAME.values()))[chosen]
    spread = target - target.mean(0)
    means = points[:, chosen].mean(1)
    scales = np.sum(spread * (points[:, chosen] - means[:, None]), (1, 2)) / np.sum(spread**2)
    return np.column_stack([means + scales[:, None] * (24 - target.mean(0)), scales * 48])


@app.command()
def letterbox(data: Data, faces: int = 500, finder: Finder = "full_range", seed: int = 0) -> None:
    """What reducing the picture for the detector costs, and does to what it finds, against a filter over all pixels."""
    images = choose(data, "train", faces, seed)
    ways: dict[str, Callable[[np.ndarray, np.ndarray], None]] = {
        "triangle over all pixels": by_pillow(lambda picture, size: picture.resize(size, BILINEAR)),
        "blocks, then triangle": by_pillow(lambda picture, size: picture.resize(size, BILINEAR, reducing_gap=1.0)),
        "nearest, then mean of four": by_pillow(
            lambda picture, size: picture.resize((2 * size[0], 2 * size[1]), NEAREST).reduce(2)
        ),
        "nearest": by_pillow(lambda picture, size: picture.resize(size, NEAREST)),
        "two on the diagonal (in use)": detector.letterbox,
    }
    reference: list[Detection | None] = []
    rows = {}
    photo, square = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8), np.empty((192, 192, 3), np.float32)
    for name, way in ways.items():
        detector.letterbox = way
        found = find(images, finder, (200, 550), seed)
        reference = reference or found
        both = [np.abs(a.points - b.points).mean() for a, b in zip(found, reference, strict=True) if a and b]
        times_s = []
        for _ in range(100):
            start = time.perf_counter()
            way(photo, square)
            times_s.append(time.perf_counter() - start)
        rows[name] = {"found": sum(d is not None for d in found), "moved_px": float(np.mean(both).round(3)),
                      "ms": float(np.median(times_s) * 1e3)}  # fmt: skip
    show({"detector": finder, "seed": seed, "n": faces, "ways": rows})


def by_pillow(resize: Callable[[Image.Image, tuple[int, int]], Image.Image]) -> Callable[[np.ndarray, np.ndarray], None]:
    """A letterbox like the detector's, with this way of reducing the picture."""

    def letterbox(pixels: np.ndarray, square: np.ndarray) -> None:
        height, width = pixels.shape[:2]
        scale = len(square) / max(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        square[:] = -1
        square[: size[1], : size[0]] = np.asarray(resize(Image.fromarray(pixels), size)) * np.float32(2 / 255) - 1

    return letterbox


@app.command()
def agreement(data: Data, model: str = "mien", faces: int = 1000, finder: Finder = "full_range", seed: int = 0) -> None:
    """Share of validation faces, pasted at 40 to 300 px and turned by an angle, found, and given the face's own top class.

    Each angle twice: cropped upright whatever their tilt, and as in use, turned where they are tilted.
    """
    from mien import Recognizer

    images = read_dataset(data).split("valid", "majority").images
    recognizer, rows, in_use = Recognizer(model, finder), [], crop.TURN_FROM_DEG
    for turn_deg in (0, 15, 30, 45, 60):
        crop.TURN_FROM_DEG = 180.0
        upright = agree(recognizer, images, faces, seed, turn_deg)
        crop.TURN_FROM_DEG = in_use
        rows.append({"turn_deg": turn_deg, "upright": upright, "in_use": agree(recognizer, images, faces, seed, turn_deg)})
    show({"model": model, "sha256": recognizer.model["sha256"], "detector": finder, "seed": seed, "turns": rows})


def agree(recognizer: Any, images: np.ndarray, count: int, seed: int, turn_deg: float = 0) -> dict[str, float]:
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


def show(value: dict[str, Any]) -> None:
    """JSON on stdout."""
    print(json.dumps(value, indent=1))


if __name__ == "__main__":
    app()
