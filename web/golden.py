"""Writes tests/golden/web/*.json: what Python answers, for the same parts in JavaScript to be compared with.

python -m web.golden        (from the root; after a change of a constant or of what is computed from it)

Pixels are made by `pattern`, which test/golden.mjs has too; arrays are base64 of little-endian numbers.
"""

import base64
import io
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
from tests.inference.moving_faces import SCENES, film

from mien.emotions import EMOTIONS
from mien.inference.crop import Square, crop_square, face_square
from mien.inference.detector import Detection, build_anchors, decode, is_whole, letterbox, suppress, tiles
from mien.inference.follow import Follower
from mien.inference.smoothing import Smoother, smooth_two_sided
from mien.inference.tracker import Tracker
from mien.media.images import read_picture
from mien.media.sinks import VIDEO_SINKS, CsvSink
from mien.results import Box, Face, Result, label

FOLDER = Path(__file__).parents[1] / "tests" / "golden" / "web"
SIDE_PX = 16


def pattern(width: int, height: int, channels: int = 3) -> np.ndarray:
    """uint8 [h,w,channels], rough and smooth places; alpha, the fourth, between 0 and 255 too."""
    y, x, c = np.ogrid[:height, :width, :channels]
    return ((x * x * 3 + x * y * 5 + y * y * 7 + c * 50 + x * 11 + (x // 8) * (y // 8) * 29) % 256).astype(np.uint8)


def packed(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def letterboxes() -> list[dict[str, Any]]:
    """Each way that a picture shrinks: by a filter (or grows), two samples, blocks; odd sizes, thin ones, one pixel."""
    sizes = [
        (24, 20),
        (20, 31),
        (9, 7),
        (16, 16),
        (40, 30),
        (33, 47),
        (95, 20),
        (96, 70),
        (151, 100),
        (101, 307),
        (200, 3),
        (1, 1),
    ]
    return [{"size": size, "side_px": SIDE_PX, "square": packed(_letterboxed(pattern(*size)))} for size in sizes]


def _letterboxed(pixels: np.ndarray) -> np.ndarray:
    square = np.empty((SIDE_PX, SIDE_PX, 3), np.float32)
    letterbox(pixels, square)
    return square


def crops() -> list[dict[str, Any]]:
    """Reduced, enlarged, at whole and broken places, outside on each side and wholly, turned; RGB and grey."""
    squares = [
        (20, 10, 96), (20.3, 10.7, 96.4), (31.25, 40.5, 30.75), (50, 50, 48), (7.5, 3.2, 150.9), (-30.6, 20.2, 80),
        (10, -41.3, 70.1), (130.2, 20, 90), (20, 90.8, 95.5), (-40.5, -50.25, 300.5), (60.1, 60.2, 1.5), (-90.5, 30, 60),
        (400, 300, 50), (0, 0, 160), (20.3, 10.7, 96.4, 30.0), (40, 20, 70, -44.4), (-12.5, 15.5, 99.9, 90.0),
        (55, 44, 20.2, 171.3), (70, 60, 100, -15.0001),
    ]  # fmt: skip
    cases = [{"size": (160, 120), "channels": 3, "square": square} for square in squares]
    cases += [
        {"size": (160, 120), "channels": 1, "square": squares[1]},
        {"size": (37, 201), "channels": 3, "square": (-3, 40, 44.5)},
    ]
    return [case | {"crop": packed(crop_square(_shaped(case), Square(*case["square"])))} for case in cases]


def _shaped(case: dict[str, Any]) -> np.ndarray:
    pixels = pattern(*case["size"], case["channels"])
    return pixels if case["channels"] > 1 else pixels[..., 0]


def reductions() -> list[dict[str, Any]]:
    """Pictures that are larger than the recogniser works on: `read_picture` with another longest side."""
    cases = [((300, 200), 100), ((203, 97), 150), ((413, 97), 50), ((120, 90), 119), ((260, 3), 20)]
    return [{"size": size, "longest_px": px, "pixels": packed(read_picture(pattern(*size), px).pixels)} for size, px in cases]


def transparencies() -> dict[str, Any]:
    """RGBA laid on white."""
    return {"size": (64, 40), "pixels": packed(read_picture(pattern(64, 40, 4)).pixels)}


def squares(rng: random.Random) -> list[dict[str, Any]]:
    """Landmarks, more and less tilted, and the square that frames them."""
    cases = []
    for turn_deg in (0, 5, 14, 16, -30, 90, 180):
        turn = complex(np.exp(1j * np.deg2rad(turn_deg))) * rng.uniform(0.4, 5)
        shape = [(-9, -5), (9, -5), (0, 5), (0, 12), (-17, -2), (17, -2)]
        ends = [turn * complex(x + rng.gauss(0, 1), y + rng.gauss(0, 1)) + complex(300, 200) for x, y in shape]
        points = [[end.real, end.imag] for end in ends]
        cases.append({"points": points, "square": face_square(Detection(np.zeros(4), np.array(points), 1.0))})
    return cases


def detections(rng: np.random.Generator) -> dict[str, Any]:
    """A small network's outputs, decoded and suppressed: faces that overlap, equal scores, all thresholds."""
    grids = [[4, 2], [2, 6]]
    anchors = build_anchors(grids)
    raw = rng.normal(0, 6, (len(anchors), 16)).astype(np.float32)
    raw[:, 2:4] = rng.uniform(20, 60, (len(anchors), 2))
    logits = rng.normal(0, 2, len(anchors)).astype(np.float32)
    logits[5] = logits[9] = 3
    found = {str(least): decode(raw, logits, anchors, 128, least) for least in (0.0, 0.3, 0.5, 0.9, 1.0)}
    asked = [((640, 480), 0), ((640, 480), 22), ((640, 480), 40), ((640, 480), 54), ((300, 1000), 30.5), ((2000, 100), 5)]
    return {
        "grids": grids,
        "side_px": 128,
        "raw": packed(raw),
        "logits": packed(logits),
        "decoded": found["0.5"],
        "faces": {least: suppress(rows) for least, rows in found.items()},
        "tiles": [{"size": size, "least_px": px, "tiles": tiles(size[1], size[0], px)} for size, px in asked],
        "whole": [case | {"whole": is_whole(*case.values())} for case in cuts()],
    }


def cuts() -> list[dict[str, Any]]:
    """Boxes across each edge of the tiles at the corners of a picture, and of one that reaches beyond it."""
    tiles = [((0, 0, 30), (50, 40)), ((20, 10, 30), (50, 40)), ((40, 0, 60), (100, 40))]
    places = [(-3, 15), (15, -3), (15, 25), (25, 15), (15, 15), (45, 15), (25, 35), (95, 15), (55, 35), (55, -3)]
    return [{"box": (*place, 10, 10), "tile": tile, "size": size} for tile, size in tiles for place in places]


def clips() -> list[dict[str, Any]]:
    """Moving faces and the number of each, at 30 frames a second and at a changing rate; [time, boxes, numbers] a frame."""
    return [_clip(scene, None if i % 2 else 30.0, 0.06 if i % 2 else 0.03) for i, scene in enumerate(SCENES)]


def _clip(scene: str, fps: float | None, jitter: float) -> dict[str, Any]:
    tracker, frames = Tracker(), []
    for frame in film(scene, 7, fps, 2.5, jitter=jitter):
        time_s, boxes = round(frame.time_s, 4), [[round(value, 2) for value in box] for box in frame.boxes]
        frames.append([time_s, boxes, tracker.update(time_s, boxes)])
    return {"scene": scene, "frames": frames}


def chases() -> list[dict[str, Any]]:
    """Cameras: frames of moving faces, [time, boxes, whether it was searched, what was said]."""
    return [_chase(scene, every) for scene, every in ((scene, (None, 3)[i % 2]) for i, scene in enumerate(SCENES))]


def _chase(scene: str, every: int | None) -> dict[str, Any]:
    follower, frames = Follower(every), []
    for frame in film(scene, 11, 30.0, 2.0, jitter=0.02):
        time_s = round(frame.time_s, 4)
        found = [(Square(*(round(value, 2) for value in box[:3]), 20.0 * (i % 2)), 0.9) for i, box in enumerate(frame.boxes)]
        wanted = follower.wants(time_s)
        seen = follower.settle([time_s], found)[0] if wanted else follower.expect(time_s)
        frames.append(
            [time_s, [square for square, _ in found], wanted, [[face.number, _short(list(face.square), 9)] for face in seen]]
        )
    return {"scene": scene, "every": every, "frames": frames}


def smoothings(rng: np.random.Generator) -> dict[str, Any]:
    """Three tracks with changes, certainties, gaps and times that stand still."""
    moods = rng.dirichlet([0.2] * 8, 6)
    moods[2] = [0, 1, 0, 0, 0, 0, 0, 0]
    frames, time_s = [], 0.0
    for i in range(120):
        time_s = round(time_s + (2.5 if i == 70 else 0 if i == 40 else float(rng.choice([1 / 30, 1 / 15, 0.3]))), 4)
        rows = {track: _mixed(moods[(i // 23 + track) % 6], rng) for track in range(3) if i % 7 != track or i > 90}
        frames.append((time_s, rows))
    smoother = Smoother()
    causal = [{str(t): smoother.update(t, time_s, row) for t, row in rows.items()} for time_s, rows in frames]
    times_s = [time_s for time_s, rows in frames if 0 in rows]
    probs = [rows[0] for _, rows in frames if 0 in rows]
    return {
        "frames": [[time_s, {str(t): row for t, row in rows.items()}] for time_s, rows in frames],
        "causal": [{t: _short(row) for t, row in rows.items()} for rows in causal],
        "two_sided": [_short(row) for row in smooth_two_sided(times_s, probs)],  # of track 0
    }


def _mixed(mood: np.ndarray, rng: np.random.Generator) -> list[float]:
    row = 0.9 * mood + 0.1 * rng.dirichlet([1.0] * 8)
    return _short((mood if rng.random() < 0.3 else row / row.sum()).tolist(), 6)


def _short(row: list[float], digits: int = 12) -> list[float]:
    return [round(value, digits) for value in row]


def tables() -> dict[str, Any]:
    """Results and their CSV, as of pictures and as of a video, and the labels of their faces."""
    results = [
        Result(
            "plain.jpg", 640, 480, (_face([0.5, 0.25, 0.125, 0.125, 0, 0, 0, 0]), _face([1e-7, 1 - 1e-7, 0, 0, 0, 0, 0, 0]))
        ),
        Result('a "quoted", name\n.png', 3, 2, error="is empty, not a picture"),
        Result("gesicht-ä.webp", 10, 10, (_face([0.1250001, 0.005, 1.5e-5, 0.86998, 0, 0, 0, 0], False),), {}, 7, 0.28),
    ]
    row = [0.345, 0.335, 0.32, 0.0, 0.0, 0.0, 0.0, 0.0]
    smoothed = Result("clip.mp4", 9, 9, (_face([0.0001, 0.00001, 0.99989, 0, 0, 0, 0, 0], True, 3, row),), {}, 1, 1 / 30)
    video = [smoothed, Result("clip.mp4", 9, 9, (), {}, 2, 1e16)]
    faces = [face for result in [*results, *video] for face in result.faces]
    return {
        "results": [result.to_dict() for result in results], "csv": _csv(CsvSink, results),
        "video": [result.to_dict() for result in video], "video_csv": _csv(VIDEO_SINKS["csv"], video),
        "labels": [[face.to_dict(), label(face)] for face in faces],
    }  # fmt: skip


def _face(row: list[float], ambiguous: bool = True, track: int | None = None, smoothed: list[float] | None = None) -> Face:
    row = [float(p) for p in row]
    shown = smoothed or row
    over_time = dict(zip(EMOTIONS, smoothed, strict=True)) if smoothed else None
    top = EMOTIONS[shown.index(max(shown))]
    return Face(Box(1, 2, 30, 40), 1.0, dict(zip(EMOTIONS, row, strict=True)), top, max(shown), ambiguous, track, over_time)


def _csv(sink: Any, results: list[Result]) -> str:
    out = io.StringIO()
    writer = sink(out)
    for result in results:
        writer.write(result)
    return out.getvalue()


def vectors() -> dict[str, Any]:
    """File name -> content, always the same."""
    return {
        "pixels.json": {
            "letterboxes": letterboxes(),
            "crops": crops(),
            "reductions": reductions(),
            "transparencies": transparencies(),
        },
        "faces.json": {"squares": squares(random.Random(1)), "detections": detections(np.random.default_rng(2))},
        "time.json": {"clips": clips(), "chases": chases(), "smoothings": smoothings(np.random.default_rng(3))},
        "results.json": tables(),
    }


def text(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, content in vectors().items():
        (FOLDER / name).write_text(text(content), encoding="utf-8")
