"""Clips of a still face as a poor camera and detector would give them: noise, blur, and a crop that jitters."""

import numpy as np
from PIL import Image, ImageFilter

from mien.inference.crop import Square, crop_square


def degrade(pixels: np.ndarray, square: Square, frames: int, strength: float, rng: np.random.Generator) -> np.ndarray:
    """uint8 [frames,48,48] crops of the square; strength 0.7: fair, 1: labels flip. pixels: uint8 [h,w,3].

    Off by 2% of the side and 4% in size, blurred by up to a crop's pixel and more, noise of 8 grey levels, each times
    `strength` and normally distributed. A third of the variance of all but the noise drifts over five frames or so.
    """
    steps = [float(blur * square.side / 48) for blur in np.linspace(0, 2.5 * strength, 6)]
    blurred = [np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(step))) for step in steps]
    drift, crops = np.zeros(4), []
    for _ in range(frames):
        drift = 0.8 * drift + 0.6 * rng.normal(size=4)
        right, down, larger, blur = strength * (0.6 * drift + 0.8 * rng.normal(size=4))
        side = square.side * np.exp(0.04 * larger)
        left, top = (
            start + square.side * (0.5 + 0.02 * off) - side / 2 for start, off in zip(square, (right, down), strict=False)
        )
        crop = crop_square(blurred[min(round(abs(blur) * 2 / strength), 5)], Square(left, top, side)).astype(float)
        crops.append((crop + rng.normal(0, 8 * strength, crop.shape)).clip(0, 255).astype(np.uint8))
    return np.stack(crops)
