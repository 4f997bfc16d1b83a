"""The crop, for any picture and any square: its definition as a slow loop, and what must not change it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.inference.test_crop import POINTS, slow_crop

from mien.inference.crop import Square, crop_square, face_square
from mien.inference.detector import Detection

some = settings(derandomize=True, max_examples=40, deadline=None)
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 24)
places = st.integers(-40 * 16, 40 * 16).map(lambda sixteenths: sixteenths / 16)
sides = st.integers(1, 50 * 16).map(lambda sixteenths: sixteenths / 16)
turns = st.floats(-180, 180)


def draw(seed, height, width):
    return np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)


@some
@given(seeds, sizes, sizes, places, places, sides, st.integers(1, 6))
def test_it_is_a_slow_loop_over_its_definition(seed, height, width, left, top, side, size):
    grey, square = draw(seed, height, width), Square(left, top, side)
    np.testing.assert_allclose(crop_square(grey, square, size), slow_crop(grey, square, size), atol=1.01)


@some
@given(seeds, sizes, sizes, places, places, sides)
def test_a_mirrored_or_turned_picture_has_the_mirrored_or_turned_crop(seed, height, width, left, top, side):
    grey = draw(seed, height, width)
    crop = crop_square(grey, Square(left, top, side), 8).astype(int)
    mirrored = crop_square(np.ascontiguousarray(grey[:, ::-1]), Square(width - left - side, top, side), 8)
    swapped = crop_square(np.ascontiguousarray(grey.T), Square(top, left, side), 8)
    assert np.abs(mirrored[:, ::-1] - crop).max() <= 1  # rounding
    assert np.abs(swapped.T - crop).max() <= 2  # rows and columns are rounded in turn


@some
@given(seeds, sizes, sizes, places, places, sides, turns)
def test_it_stays_within_the_greys_of_the_picture_and_goes_with_them(seed, height, width, left, top, side, turn_deg):
    grey = draw(seed, height, width)
    square = Square(left, top, side, turn_deg)
    crop = crop_square(grey, square, 8)
    assert crop.shape == (8, 8)
    assert crop.dtype == np.uint8
    assert grey.min() <= crop.min()
    assert crop.max() <= grey.max()
    negative = crop_square(255 - grey, square, 8).astype(int)
    assert np.abs(255 - negative - crop).max() <= 3  # rounding, once for each pass


@some
@given(seeds, sizes, sizes, st.integers(-40, 40), st.integers(-40, 40), sides)
def test_what_lies_outside_repeats_the_edge(seed, height, width, left, top, side):
    grey = draw(seed, height, width)
    wide = np.pad(grey, 120, mode="edge")
    inside = crop_square(wide, Square(left + 120, top + 120, side), 8)
    np.testing.assert_array_equal(crop_square(grey, Square(left, top, side), 8), inside)


@some
@given(seeds, st.floats(0.2, 5), st.floats(-300, 300), st.floats(-300, 300), turns, st.floats(0, 3))
def test_a_faces_square_goes_where_its_landmarks_go(seed, scale, right, down, turn_deg, jitter):
    """Landmarks moved, enlarged and turned: so is the centre, side and turn of the square, whatever their own shape."""
    own = POINTS + np.random.default_rng(seed).normal(0, jitter, POINTS.shape)
    turn = scale * np.exp(1j * np.deg2rad(turn_deg))
    moved = (own @ [1, 1j]) * turn + complex(right, down)
    before, after = (square_of(points) for points in (own, np.column_stack([moved.real, moved.imag])))
    centre = complex(before.left + before.side / 2, before.top + before.side / 2) * turn + complex(right, down)
    assert abs(complex(after.left + after.side / 2, after.top + after.side / 2) - centre) < 1e-6
    np.testing.assert_allclose(after.side, before.side * scale)


def square_of(points):
    return face_square(Detection(np.zeros(4), points, 1.0))
