"""Faces made worse, in three strengths each: how a network does on the photographs that people have.

Noise, defocus, brightness, contrast and JPEG have the constants of CIFAR-10-C at its severities 1, 3 and 5 (Hendrycks and
Dietterich 2019, arXiv:1903.12261; hendrycks/robustness, make_cifar_c.py). Weather, colour and glass say little of grey faces:
low resolution, dim and uneven light and things before the face stand in their place. Those constants and motion's are ours.
"""

from collections.abc import Callable
from io import BytesIO

import numpy as np
from PIL import Image
from scipy.ndimage import convolve, gaussian_filter

Faces = np.ndarray
"""Grey levels as float [n,h,w], 0 to 1."""
Random = np.random.Generator
STRENGTHS = ("mild", "middle", "strong")


def gaussian_noise(faces: Faces, deviation: float, rng: Random) -> Faces:
    """A normal deviate is added to each pixel."""
    return faces + rng.normal(0, deviation, faces.shape)


def shot_noise(faces: Faces, photons: float, rng: Random) -> Faces:
    """So many photons make full white; a pixel counts its own."""
    return rng.poisson(faces * photons) / photons


def impulse_noise(faces: Faces, share: float, rng: Random) -> Faces:
    """That share of the pixels is black or white."""
    struck = rng.random(faces.shape) < share
    return np.where(struck, rng.integers(0, 2, faces.shape), faces)


def defocus(faces: Faces, deviation_px: float, rng: Random) -> Faces:
    """A Gaussian, as CIFAR-10-C's gaussian_blur."""
    return gaussian_filter(faces, (0, deviation_px, deviation_px), mode="nearest")


def motion_blur(faces: Faces, length_px: float, rng: Random) -> Faces:
    """The mean along a straight line of this length, in a direction drawn for each face."""
    return np.stack([convolve(face, _line(length_px, rng.uniform(0, np.pi)), mode="nearest") for face in faces])


def resolution(faces: Faces, side_px: int, rng: Random) -> Faces:
    """The face as if it were this large in the picture, enlarged again."""
    return _each(
        faces, lambda image: image.resize((side_px,) * 2, Image.Resampling.BOX).resize(image.size, Image.Resampling.BILINEAR)
    )


def jpeg(faces: Faces, quality: int, rng: Random) -> Faces:
    """Stored as JPEG, this small."""
    return _each(faces, lambda image: _stored(image, quality))


def brightness(faces: Faces, lift: float, rng: Random) -> Faces:
    """All pixels brighter by that share of white."""
    return faces + lift


def dim(faces: Faces, factor: float, rng: Random) -> Faces:
    """Less light, in whole grey levels as a camera would store them."""
    return faces * factor


def contrast(faces: Faces, factor: float, rng: Random) -> Faces:
    """Nearer to the face's own mean."""
    mean = faces.mean(axis=(1, 2), keepdims=True)
    return (faces - mean) * factor + mean


def side_light(faces: Faces, strength: float, rng: Random) -> Faces:
    """Light from one side, from a direction drawn for each face: 1 + strength there, 1 - strength opposite."""
    angle = rng.uniform(0, 2 * np.pi, (len(faces), 1, 1))
    y, x = (np.linspace(-1, 1, side) for side in faces.shape[1:])
    return faces * (1 + strength * (np.cos(angle) * x + np.sin(angle) * y[:, None]))


def occlusion(faces: Faces, side_share: float, rng: Random) -> Faces:
    """A square of one grey level hides part of the face: glasses, a hand, hair. Its centre is anywhere within it."""
    n, height, width = faces.shape
    y, x = rng.uniform(0, height, (n, 1, 1)), rng.uniform(0, width, (n, 1, 1))
    down = np.abs(np.arange(height)[:, None] + 0.5 - y) < side_share * height / 2
    across = np.abs(np.arange(width) + 0.5 - x) < side_share * width / 2
    return np.where(down & across, rng.random((n, 1, 1)), faces)


CORRUPTIONS: dict[str, tuple[Callable, tuple[float, float, float]]] = {
    "gaussian noise": (gaussian_noise, (0.04, 0.08, 0.10)),
    "shot noise": (shot_noise, (500, 100, 50)),
    "impulse noise": (impulse_noise, (0.01, 0.03, 0.07)),
    "defocus": (defocus, (0.4, 0.7, 1.0)),
    "motion blur": (motion_blur, (2, 4, 6)),
    "resolution": (resolution, (32, 24, 16)),
    "jpeg": (jpeg, (80, 58, 40)),
    "brightness": (brightness, (0.05, 0.15, 0.30)),
    "dim light": (dim, (0.6, 0.4, 0.2)),
    "contrast": (contrast, (0.75, 0.40, 0.15)),
    "side light": (side_light, (0.3, 0.5, 0.7)),
    "occlusion": (occlusion, (0.25, 0.375, 0.5)),
}
"""Name -> what it does, and its constant at each of STRENGTHS."""

FRAMINGS: dict[str, tuple[float, float, float, float]] = {
    "10% left": (-0.1, 0, 1, 0), "10% right": (0.1, 0, 1, 0), "10% up": (0, -0.1, 1, 0), "10% down": (0, 0.1, 1, 0),
    "10% larger": (0, 0, 1.1, 0), "10% smaller": (0, 0, 1 / 1.1, 0), "15 degrees": (0, 0, 1, 15),
}  # fmt: skip
"""Name -> how the face lies in its crop: moved right and down by shares of the side, its size, turned counter-clockwise."""


def corrupt(faces: np.ndarray, name: str, strength: int, seed: int = 0) -> np.ndarray:
    """uint8 [n,h,w] -> the same, made worse. name: of CORRUPTIONS; strength: 0 to 2."""
    function, constants = CORRUPTIONS[name]
    return _levels(function(faces / 255, constants[strength], np.random.default_rng([seed, strength])))


def reframe(faces: np.ndarray, right: float, down: float, size: float, turn_deg: float) -> np.ndarray:
    """uint8 [n,h,w] -> the same faces, otherwise in their crops (FRAMINGS); what lay outside repeats the edge."""
    margin = faces.shape[1] // 2
    wide = np.pad(faces, ((0, 0), (margin, margin), (margin, margin)), "edge")
    return np.stack([_reframed(face, margin, right, down, size, turn_deg) for face in wide])


def _reframed(face: np.ndarray, margin: int, right: float, down: float, size: float, turn_deg: float) -> np.ndarray:
    side, centre, angle = len(face) - 2 * margin, len(face) / 2, np.deg2rad(turn_deg)
    cos, sin = np.cos(angle) / size, np.sin(angle) / size
    x, y = -side / 2 - right * side, -side / 2 - down * side  # of the crop's corner, from the face's centre
    rows = (cos, -sin, centre + cos * x - sin * y, sin, cos, centre + sin * x + cos * y)
    image = Image.fromarray(face).transform((side, side), Image.Transform.AFFINE, rows, Image.Resampling.BICUBIC)
    return np.asarray(image)


def _levels(faces: Faces) -> np.ndarray:
    return np.clip(np.round(faces * 255), 0, 255).astype(np.uint8)


def _each(faces: Faces, change: Callable[[Image.Image], Image.Image]) -> Faces:
    return np.stack([np.asarray(change(Image.fromarray(face))) for face in _levels(faces)]) / 255


def _stored(image: Image.Image, quality: int) -> Image.Image:
    image.save(file := BytesIO(), "JPEG", quality=quality)
    return Image.open(file)


def _line(length_px: float, angle: float) -> np.ndarray:
    """A kernel [k,k] that sums to 1: the straight line of this length through its middle, in steps of a tenth of a pixel."""
    reach = int(np.ceil(length_px / 2))
    along = np.linspace(-length_px / 2, length_px / 2, int(10 * length_px) + 1)
    rows, columns = (np.round(reach + along * part).astype(int) for part in (np.sin(angle), np.cos(angle)))
    kernel = np.zeros((2 * reach + 1,) * 2)
    np.add.at(kernel, (rows, columns), 1 / len(along))
    return kernel
