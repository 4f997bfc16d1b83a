"""Clips with faces in motion for `benchmarks.video`: 640x480, 30 frames a second, H.264."""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from benchmarks.tracking import PICTURES, SHOWN
from PIL import Image, ImageFilter
from tests.inference.moving_faces import HEIGHT, WIDTH
from tests.inference.moving_faces import Path as Way
from tests.media.clips import write_clip

from mien.inference.crop import SIDE_PX
from mien.inference.recognizer import Recognizer

FPS = 30
MARGIN = SIDE_PX // 4
"""What a portrait shows around the face's square, in pixels of a 48x48 face."""


def sit(x: float, y: float, side: float, phase_s: float = 0.0) -> Way:
    """One who talks: sways by a quarter of the face's side, nods, leans to the camera; the same again after ten seconds."""

    def wave(t: float, hz: float) -> float:
        return math.sin(2 * math.pi * hz * (t + phase_s))

    return lambda t: (
        x + side * (0.25 * wave(t, 0.2) + 0.04 * wave(t, 1.2)),
        y + side * 0.06 * wave(t, 0.9),
        side * (1 + 0.08 * wave(t, 0.1)),
    )


def photographs() -> list[Image.Image]:
    """Portraits from the public pictures, of three people or their mirror images."""
    return [
        Image.open(PICTURES / name)
        .convert("RGB")
        .crop((left - side // 4, top - side // 4, left + side * 5 // 4, top + side * 5 // 4))
        for name, (left, top, side) in SHOWN
    ]


def enlarge(faces: np.ndarray) -> list[Image.Image]:
    """Portraits of 48x48 faces, uint8 [n,48,48], whose edges are repeated around them."""
    padded = np.pad(faces, ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)), mode="edge")
    return [Image.fromarray(face).resize((288, 288), Image.Resampling.BICUBIC).convert("RGB") for face in padded]


def choose(faces: np.ndarray, count: int, rng: np.random.Generator, recognizer: Recognizer) -> list[Image.Image]:
    """Portraits of `count` of these faces, drawn at random from those that are found in two sizes, even in a poor picture."""
    chosen: list[Image.Image] = []
    for row in rng.permutation(len(faces)):
        portrait = enlarge(faces[row : row + 1])
        stills = [next(film([sit(320, 240, side)], portrait, 1, rng, worse=True)) for side in (90, 150)]
        if all(len(recognizer.predict(still).faces) == 1 for still in stills):
            chosen += portrait
        if len(chosen) == count:
            break
    return chosen


def film(
    ways: Sequence[Way], faces: Sequence[Image.Image], frames: int, rng: np.random.Generator, worse: bool = False
) -> Iterator[np.ndarray]:
    """Frames uint8 [480,640,3] with a portrait on each way, in turns, the later before the earlier, and a camera's noise.

    worse: twice the noise, in poor light, and a focus that comes and goes: blurred by up to a pixel of a 48x48 face.
    """
    background = Image.open(PICTURES / "no-face.jpg").convert("RGB").resize((WIDTH, HEIGHT))
    light, noise = (0.7, 8) if worse else (1, 4)
    for i in range(frames):
        picture = background.copy()
        for number, way in enumerate(ways):
            if place := way(i / FPS):
                x, y, side = place
                size = round(1.5 * side)
                portrait = faces[number % len(faces)].resize((size, size))
                if worse:
                    portrait = portrait.filter(ImageFilter.GaussianBlur(side / SIDE_PX * (0.5 + 0.5 * math.sin(2 * i / FPS))))
                picture.paste(portrait, (round(x - size / 2), round(y - size / 2)))
        yield (light * np.asarray(picture) + rng.normal(0, noise, (HEIGHT, WIDTH, 1))).clip(0, 255).astype(np.uint8)


def write(path: Path, frames: Iterator[np.ndarray]) -> Path:
    """A clip of these frames at about 1 Mbit a second."""
    return write_clip(path, list(frames), rate=Fraction(FPS), options={"g": "250", "crf": "22"})


def repeat(clip: Path, path: Path, times: int) -> Path:
    """The clip so many times over, its packets as they are, each time later by its length."""
    with av.open(str(clip)) as source, av.open(str(path), "w") as target:
        stream = source.streams.video[0]
        packets = [packet for packet in source.demux(stream) if packet.size]
        length = sum(packet.duration for packet in packets)
        copy = target.add_stream_from_template(stream)
        starts = [(packet.pts, packet.dts) for packet in packets]
        for turn in range(times):
            for packet, (pts, dts) in zip(packets, starts, strict=True):
                packet.stream, packet.time_base = copy, stream.time_base
                packet.pts, packet.dts = pts + turn * length, dts + turn * length
                target.mux(packet)
    return path
