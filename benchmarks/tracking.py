"""How well faces are followed, and what smoothing over time does. From the repository's root:

    python -m benchmarks.tracking detected                # real faces that move, found by the real detector
    python -m benchmarks.tracking smoothing --data DIR    # flips and delays on validation faces made worse
    python -m benchmarks.tracking appearance --data DIR   # could a face be told from others by how it looks?

Each prints JSON with what it measured and how.
"""

import json
import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image
from tests.inference.degraded_faces import degrade
from tests.inference.moving_faces import HEIGHT, SCENES, WIDTH, Frame
from tests.inference.test_tracker import BASELINES, between, score, track

from mien.data.dataset import read_dataset
from mien.inference.crop import Square, face_square
from mien.inference.detector import Detector, iou
from mien.inference.recognizer import Recognizer
from mien.inference.smoothing import Smoother, smooth_two_sided
from mien.inference.tracker import Tracker

app = typer.Typer(help=__doc__, pretty_exceptions_enable=False)
Data = Annotated[Path, typer.Option(help="Folder with FER2013 and fer2013new.csv.")]
Rows = list[list[float]]
PICTURES = Path(__file__).parents[1] / "tests" / "golden" / "pictures"
EVERY = (2, 3, 5)
SHOWN = (("astronaut.jpg", (165, 55, 122)), ("hopper.jpg", (146, 97, 242)), ("mirrored.jpg", (225, 54, 123)))
"""Picture and its face's square; a clip's faces take them in turn."""


@app.command()
def detected(seeds: int = 2, fps: int = 30) -> None:
    """Each scene of the tests with real faces: switches and IDF1 of those found, and boxes between detections."""
    detector, report = Detector(), {}
    for scene in SCENES:
        clips = [find(detector, scene, seed, fps) for seed in range(seeds)]
        scores = {
            name: [score(clip, track(clip, build())) for clip in clips]
            for name, build in {"mien": Tracker, **BASELINES}.items()
        }
        report[scene] = {
            "boxes": sum(len(frame.boxes) for clip in clips for frame in clip),
            **{name: summary(values) for name, values in scores.items()},
            "overlap_predicted": {
                every: mean(overlap for clip in clips for overlap in predicted(clip, every)) for every in EVERY
            },
            "overlap_interpolated": {
                every: mean(overlap for clip in clips for overlap in interpolated(clip, every)) for every in EVERY
            },
        }
    print(json.dumps({"seeds": seeds, "fps": fps, "scenes": report}, indent=1))


def summary(scores: list[Any]) -> dict[str, float]:
    switches, right, faces, boxes = (sum(column) for column in zip(*scores, strict=True))
    return {"switches": switches, "idf1": round(2 * right / max(faces + boxes, 1), 4)}


def mean(values: Any) -> float:
    return round(float(np.mean(list(values))), 4)


def find(detector: Detector, scene: str, seed: int, fps: int, seconds: float = 5.0) -> list[Frame]:
    """A clip of moving faces as the detector finds them; a box is that face's whose centre is nearest, within half a side."""
    paths = SCENES[scene](random.Random(f"{scene} {seed}"))
    background = Image.open(PICTURES / "no-face.jpg").convert("RGB").resize((WIDTH, HEIGHT))
    rng, clip = np.random.default_rng(seed), []
    for i in range(round(seconds * fps)):
        places = {face: place for face, path in enumerate(paths) if (place := path(i / fps))}
        picture = background.copy()
        for face, place in places.items():
            draw(picture, face, *place)
        pixels = np.asarray(picture) + rng.normal(0, 4, (HEIGHT, WIDTH, 3))
        squares = [face_square(found) for found in detector.detect(pixels.clip(0, 255).astype(np.uint8))]
        boxes = [(square.left, square.top, square.side, square.side) for square in squares]
        clip.append(Frame(i / fps, boxes, [owner(box, places) for box in boxes]))
    return clip


def draw(picture: Image.Image, face: int, x: float, y: float, side: float) -> None:
    """A face's square and a quarter of it all around."""
    name, (left, top, shown) = SHOWN[face % len(SHOWN)]
    cut = (
        Image.open(PICTURES / name)
        .convert("RGB")
        .crop((left - shown // 4, top - shown // 4, left + shown * 5 // 4, top + shown * 5 // 4))
    )
    size = round(1.5 * side)
    picture.paste(cut.resize((size, size)), (round(x - size / 2), round(y - size / 2)))


def owner(box: tuple[float, float, float, float], places: dict[int, tuple[float, float, float]]) -> int | None:
    x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
    near = [(math.dist((x, y), place[:2]) / place[2], face) for face, place in places.items()]
    distance, face = min(near, default=(1, -1))
    return face if distance < 0.5 else None


def predicted(clip: list[Frame], every: int) -> Iterator[float]:
    """Overlaps of what is predicted between every k-th frame with what the detector finds there."""
    for i, numbers, expected in between(clip, every):
        for face, box in zip(clip[i].faces, clip[i].boxes, strict=True):
            if face is not None and face in numbers:
                yield iou(expected[numbers[face]], box)


def interpolated(clip: list[Frame], every: int) -> Iterator[float]:
    """The same for the straight line between the boxes found before and after, as a file's can be drawn."""
    for start in range(0, len(clip) - every, every):
        first, last = (dict(zip(clip[i].faces, clip[i].boxes, strict=True)) for i in (start, start + every))
        for step in range(1, every):
            frame = clip[start + step]
            for face, box in zip(frame.faces, frame.boxes, strict=True):
                if face is not None and face in first and face in last:
                    pairs = zip(first[face], last[face], strict=True)
                    yield iou([old + (new - old) * step / every for old, new in pairs], box)


@app.command()
def smoothing(data: Data, faces: int = 100, frames: int = 90) -> None:
    """Still faces made worse in three strengths, and pairs of clear ones cut together: flips by a factor, delays in s."""
    split, rng = read_dataset(data).split("valid", "majority"), np.random.default_rng(0)
    rows, recognizer = rng.choice(len(split.images), faces, replace=False), Recognizer()
    clips = [recognizer.classify(worse(split.images[row], frames, strength, rng)) for strength in (0.5, 0.7, 1) for row in rows]
    probs = np.array(clips, float).reshape(3, faces, frames, 8)
    answers = split.targets[rows].argmax(1)
    report = {f"{fps} fps": {name: measure(way, probs, answers, fps) for name, way in WAYS.items()} for fps in (30, 10, 5)}
    print(json.dumps({"faces": faces, "frames": frames, "strengths": [0.5, 0.7, 1], **report}, indent=1))


def worse(face: np.ndarray, frames: int, strength: float, rng: np.random.Generator) -> np.ndarray:
    around = np.pad(face, 12, mode="edge")[..., None].repeat(3, 2)
    return degrade(around, Square(12, 12, 48), frames, strength, rng)


def smooth_causal(times_s: list[float], probs: np.ndarray) -> Rows:
    smoother = Smoother()
    return [smoother.update(1, time_s, row) for time_s, row in zip(times_s, probs.tolist(), strict=True)]


def smooth_plainly(times_s: list[float], probs: np.ndarray, time_constant_s: float = 0.2) -> Rows:
    """An exponential average of the logarithms."""
    means = [np.log(probs[0] + 1e-4)]
    for last, time_s, row in zip(times_s, times_s[1:], probs[1:], strict=False):
        means.append(means[-1] + (1 - math.exp((last - time_s) / time_constant_s)) * (np.log(row + 1e-4) - means[-1]))
    shares = np.exp(means)
    return (shares / shares.sum(1, keepdims=True)).tolist()


WAYS: dict[str, Callable[[list[float], np.ndarray], Rows]] = {
    "none": lambda times_s, probs: probs.tolist(),
    "exponential average, 0.2 s": smooth_plainly,
    "causal": smooth_causal,
    "two-sided": lambda times_s, probs: smooth_two_sided(times_s, probs.tolist()),
}


def measure(way: Callable[[list[float], np.ndarray], Rows], probs: np.ndarray, answers: np.ndarray, fps: int) -> dict[str, Any]:
    """probs: [strength,face,frame,8] at 30 frames a second."""
    clips = probs[:, :, :: 30 // fps]
    times_s = [i / fps for i in range(clips.shape[2])]
    smoothed = np.array([[way(times_s, clip) for clip in strength] for strength in clips])
    before, after = (np.sum(np.diff(p.argmax(-1), axis=-1) != 0) for p in (clips, smoothed))
    loss = -np.log(np.maximum(smoothed[:, np.arange(len(answers)), :, answers], 1e-4)).mean()
    taken = np.array(delays(way, clips, fps))
    return {
        "fewer_flips": round(float(before / max(after, 1)), 1),
        "log_loss": round(float(loss), 3),
        "delay_s": {
            "mean": mean(taken),
            "p95": round(float(np.quantile(taken, 0.95)), 3),
            "most": round(float(taken.max()), 3),
        },
        "within_0.3_s": mean(taken < 0.301),
    }


def delays(way: Callable[[list[float], np.ndarray], Rows], clips: np.ndarray, fps: int, pairs: int = 150) -> list[float]:
    """From the cut between two faces to the first frame with the second's label, or from the last with the first's to it.

    Faces of one strength whose labels differ and hold for 90% of their frames; the cut is after two thirds of the first.
    """
    rng, taken = np.random.default_rng(1), []
    while len(taken) < pairs:
        strength = rng.integers(len(clips))
        one, other = clips[strength, rng.integers(0, clips.shape[1], 2)]
        (old, held), (new, kept) = (mode(clip) for clip in (one, other))
        if old == new or min(held, kept) < 0.9:
            continue
        cut = len(one) * 2 // 3
        joined = np.concatenate([one[:cut], other[:cut]])
        labels = np.argmax(way([i / fps for i in range(len(joined))], joined), 1)
        late = np.flatnonzero(labels[cut:] == new)
        early = np.flatnonzero(labels[:cut][::-1] == old)
        taken.append(max(first[0] if len(first) else cut for first in (late, early)) / fps)
    return taken


def mode(probs: np.ndarray) -> tuple[int, float]:
    counts = np.bincount(probs.argmax(1), minlength=8)
    return int(counts.argmax()), counts.max() / counts.sum()


@app.command()
def appearance(data: Data, faces: int = 500, strength: float = 0.7) -> None:
    """How often the correlation of two crops is wrong about whether they show one face: the rate where both errors are equal.

    The same face is one picture made worse twice: `still`, its expression, pose and light stay, the kindest case;
    `mirrored`, one of the two is its mirror image, in place of a head that turns.
    """
    split, rng = read_dataset(data).split("valid", "majority"), np.random.default_rng(0)
    rows = rng.choice(len(split.images), faces, replace=False)
    views = np.stack([worse(split.images[row], 2, strength, rng) for row in rows]).astype(float)
    report = {}
    for side in (48, 24, 12, 6):
        small = views.reshape(faces, 2, side, 48 // side, side, 48 // side).mean((3, 5))
        one, other = normalise(small[:, 0]), {"still": small[:, 1], "mirrored": small[:, 1, :, ::-1]}
        report[f"{side}x{side}"] = {name: equal_error(one @ normalise(second).T) for name, second in other.items()}
    print(json.dumps({"faces": faces, "strength": strength, "equal_error": report}, indent=1))


def normalise(crops: np.ndarray) -> np.ndarray:
    """Rows of mean 0 and length 1, whose products are correlations."""
    rows = crops.reshape(len(crops), -1)
    rows = rows - rows.mean(1, keepdims=True)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def equal_error(likeness: np.ndarray) -> float:
    """likeness: [n,n], the same face on the diagonal."""
    steps, same, other = np.linspace(-1, 1, 2001), np.diag(likeness), likeness[~np.eye(len(likeness), dtype=bool)]
    missed, mistaken = ((same[:, None] < steps).mean(0), np.array([(other >= step).mean() for step in steps]))
    return round(float(np.maximum(missed, mistaken).min()), 4)


if __name__ == "__main__":
    app()
