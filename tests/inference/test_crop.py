"""The crop: exact on planted landmarks, and equal to a slow loop that follows its definition."""

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

from mien.inference.crop import FRAME, SIDE_PX, TURN_FROM_DEG, Square, crop_square, face_square
from mien.inference.detector import Detection

POINTS = np.array(list(FRAME.values()))


def place(scale, shift, turn_deg=0.0):
    """A detection whose landmarks are FRAME's, turned about the crop's centre, scaled and shifted."""
    turn = np.exp(1j * np.deg2rad(turn_deg))
    points = ((POINTS - SIDE_PX / 2) @ [1, 1j]) * turn * scale + np.array(shift) @ [1, 1j]
    return Detection(np.zeros(4), np.stack([points.real, points.imag], 1), 1.0)


@pytest.mark.parametrize("turn_deg", [0, 12, -30])
@pytest.mark.parametrize("scale", [0.5, 1, 4.7])
def test_square_from_planted_landmarks(scale, turn_deg):
    square = face_square(place(scale, (200, 150), turn_deg))
    kept = turn_deg if abs(turn_deg) > TURN_FROM_DEG else 0
    np.testing.assert_allclose(square, (200 - 24 * scale, 150 - 24 * scale, 48 * scale, kept), atol=1e-9)


def test_square_is_the_least_squares_fit():
    from skimage.transform import SimilarityTransform

    noise = np.random.default_rng(0).normal(0, 6, POINTS.shape)
    found = place(3, (120, 90))
    points = found.points + noise
    fit = SimilarityTransform.from_estimate(POINTS, points)
    left, top, side, _ = face_square(Detection(found.box, points, 1.0))
    np.testing.assert_allclose((left + side / 2, top + side / 2), fit((24, 24))[0], atol=1e-6)
    assert side == pytest.approx(48 * fit.scale)


@pytest.mark.parametrize("turn_deg", [0, 25, -60, 100])
@pytest.mark.parametrize("scale", [0.8, 1, 2.5, 6])
def test_eyes_drawn_in_a_scene_arrive_within_half_a_pixel(scale, turn_deg):
    found = place(scale, (173.4, 141.7), turn_deg)
    for point, (name, expected) in zip(found.points, FRAME.items(), strict=True):
        if "eye" not in name:
            continue
        supersampled = Image.new("L", (400 * 4, 300 * 4))
        x, y, radius = *(point * 4), 1.5 * max(scale, 1) * 4
        ImageDraw.Draw(supersampled).ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
        scene = np.asarray(supersampled.resize((400, 300), Image.Resampling.BOX))
        crop = crop_square(np.repeat(scene[..., None], 3, 2), face_square(found))
        row, column = ndimage.center_of_mass(crop)
        assert np.hypot(column + 0.5 - expected[0], row + 0.5 - expected[1]) < 0.5


def test_a_turned_square_is_the_picture_turned_back():
    smooth = ndimage.gaussian_filter(np.random.default_rng(0).uniform(0, 255, (200, 200)), 4) * 6 % 256
    scene = ndimage.gaussian_filter(smooth, 2).astype(np.uint8)
    upright = Image.fromarray(scene).rotate(33, Image.Resampling.BICUBIC, center=(90, 100))  # counter-clockwise
    turned = crop_square(scene, Square(50, 60, 80, turn_deg=33)).astype(int)
    expected = crop_square(np.asarray(upright), Square(50, 60, 80)).astype(int)
    assert np.abs(turned - expected).mean() < 1.5


def slow_crop(grey, square, size):
    """Each crop pixel as the definition says: a triangle-weighted mean over picture pixels, edges repeated."""
    step = square.side / size
    reach = max(step, 1.0)
    out = np.zeros((size, size))
    for j in range(size):
        for i in range(size):
            cy, cx = square.top + (j + 0.5) * step - 0.5, square.left + (i + 0.5) * step - 0.5
            total = value = 0.0
            for y in range(int(np.floor(cy - reach)), int(np.ceil(cy + reach)) + 1):
                for x in range(int(np.floor(cx - reach)), int(np.ceil(cx + reach)) + 1):
                    weight = max(0.0, 1 - abs(y - cy) / reach) * max(0.0, 1 - abs(x - cx) / reach)
                    value += weight * grey[min(max(y, 0), grey.shape[0] - 1), min(max(x, 0), grey.shape[1] - 1)]
                    total += weight
            out[j, i] = value / total
    return out


@pytest.mark.parametrize(
    "square", [Square(3.3, 4.8, 9.0), Square(2, 1, 30.5), Square(-6.5, -3, 20), Square(25, 30, 25), Square(-20, -20, 90)]
)
def test_crop_against_a_slow_loop(square):
    grey = np.random.default_rng(0).integers(0, 256, (40, 36), np.uint8)
    np.testing.assert_allclose(crop_square(grey, square, 8), slow_crop(grey, square, 8), atol=1.01)


def test_a_square_of_crop_size_is_the_picture_itself():
    face = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    np.testing.assert_array_equal(crop_square(face, Square(0, 0, 48)), face)


def test_grey_is_pillows():
    colours = np.random.default_rng(0).integers(0, 256, (48, 48, 3), np.uint8)
    expected = np.asarray(Image.fromarray(colours).convert("L")).astype(int)
    assert np.abs(crop_square(colours, Square(0, 0, 48)).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("square", [Square(-500, -500, 100), Square(900, 3, 60), Square(0, 0, 0.25)])
def test_far_outside_or_tiny_repeats_the_nearest_pixel(square):
    crop = crop_square(np.full((20, 30, 3), 77, np.uint8), square)
    np.testing.assert_array_equal(crop, 77)
