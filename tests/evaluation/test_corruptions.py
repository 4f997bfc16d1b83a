"""Corruptions against what they say they do: planted pixels, moments, Pillow and plain loops."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from mien.evaluation.corruptions import CORRUPTIONS, FRAMINGS, STRENGTHS, corrupt, reframe


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    """Grey pictures of 48x48, coarse and fine in structure, far enough from black and white that nothing is clipped."""
    y, x = np.mgrid[:48, :48] / 48
    smooth = np.stack([128 + 40 * np.sin(5 * x + i) * np.cos(4 * y - i) for i in range(40)])
    return (smooth + np.random.default_rng(0).normal(0, 6, smooth.shape)).astype(np.uint8)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_shape_kind_seed_and_order_of_strengths(faces, name):
    changed = [corrupt(faces, name, i, seed=3) for i in range(len(STRENGTHS))]
    for i, worse in enumerate(changed):
        assert (worse.shape, worse.dtype) == (faces.shape, np.uint8)
        np.testing.assert_array_equal(worse, corrupt(faces, name, i, seed=3))
    distances = [np.abs(worse.astype(float) - faces).mean() for worse in changed]
    assert 0 < distances[0] < distances[1] < distances[2]


def test_noise_has_the_moments_it_names():
    grey = np.full((60, 48, 48), 128, np.uint8)
    assert (corrupt(grey, "gaussian noise", 1) / 255).std() == pytest.approx(0.08, rel=0.02)
    assert (corrupt(grey, "shot noise", 1) / 255).std() == pytest.approx(np.sqrt(128 / 255 / 100), rel=0.02)
    struck = corrupt(grey, "impulse noise", 2)
    assert set(np.unique(struck)) == {0, 128, 255}
    assert (struck != 128).mean() == pytest.approx(0.07, rel=0.05)
    assert (struck == 0).sum() == pytest.approx((struck == 255).sum(), rel=0.1)


def test_blur_of_one_white_pixel():
    dot = np.zeros((1, 49, 49), np.uint8)
    dot[0, 24, 24] = 255
    y, x = np.mgrid[-24:25, -24:25]
    gauss = np.exp(-(x**2 + y**2) / (2 * 1.0**2))
    np.testing.assert_allclose(corrupt(dot, "defocus", 2)[0], 255 * gauss / gauss.sum(), atol=0.51)
    line = corrupt(np.repeat(dot, 50, 0), "motion blur", 2)
    assert line.sum((1, 2)).astype(float) == pytest.approx(255, abs=8)
    far = [np.hypot(*(np.argwhere(one) - 24).T).max() for one in line]
    assert max(far) <= np.hypot(3, 3)
    assert min(far) >= 2


def test_light(faces):
    grey = faces / 255
    np.testing.assert_array_equal(corrupt(faces, "brightness", 1), np.round((grey + 0.15) * 255))
    np.testing.assert_array_equal(corrupt(faces, "dim light", 1), np.round(grey * 0.4 * 255))
    for face, flat in zip(faces, corrupt(faces, "contrast", 1), strict=True):
        np.testing.assert_allclose(flat, (face - face.mean()) * 0.4 + face.mean(), atol=0.51)
    even = np.full((30, 48, 48), 100, np.uint8)
    lit = corrupt(even, "side light", 1)
    assert lit.mean((1, 2)) == pytest.approx(100, abs=0.2)
    corners = np.stack([lit[:, 0, 0], lit[:, 0, -1], lit[:, -1, 0], lit[:, -1, -1]]).astype(float)
    assert (corners.max(0) >= 149).all()  # between 1.5 times, on a side, and 1.71 times, in a corner
    assert (corners.max(0) <= 171).all()


def test_stored_and_reduced_as_pillow_does(faces):
    Image.fromarray(faces[0]).save(file := BytesIO(), "JPEG", quality=58)
    np.testing.assert_array_equal(corrupt(faces, "jpeg", 1)[0], np.asarray(Image.open(file)))
    seen = faces[0].astype(float)
    for _ in range(
        2
    ):  # down, then across: means of 2x2 pixels, then each pixel from the nearest mean, .75, and the one on its other side, .25
        rows = seen.reshape(24, 2, 48).mean(1)
        padded = np.pad(rows, ((1, 1), (0, 0)), "edge")
        even, odd = 0.75 * rows + 0.25 * padded[:-2], 0.75 * rows + 0.25 * padded[2:]
        seen = np.stack([even, odd], 1).reshape(48, 48).T
    np.testing.assert_allclose(corrupt(faces, "resolution", 1)[0], seen, atol=2.01)  # Pillow rounds four times


def test_occlusion_hides_a_square_of_one_level(faces):
    for face, hidden in zip(faces, corrupt(faces, "occlusion", 1), strict=True):
        changed = np.argwhere(face != hidden)
        assert len(np.unique(hidden[face != hidden])) == 1
        assert (np.ptp(changed, axis=0) + 1 <= 18).all()


def test_framings_move_a_planted_square():
    """A white square of 20 px in the middle: where its centre goes, how large it gets, which way it turns."""
    face = np.zeros((1, 48, 48), np.uint8)
    face[0, 14:34, 14:34] = 255
    y, x = np.mgrid[:48, :48] - 23.5

    def moments(name: str) -> tuple[float, float, float]:
        seen = reframe(face, *FRAMINGS[name])[0] / 255.0
        return (seen * x).sum() / seen.sum(), (seen * y).sum() / seen.sum(), seen.sum()

    assert moments("10% right") == pytest.approx((4.8, 0, 400), abs=0.5)
    assert moments("10% up") == pytest.approx((0, -4.8, 400), abs=0.5)
    assert moments("10% larger") == pytest.approx((0, 0, 400 * 1.21), abs=6)
    assert moments("10% smaller") == pytest.approx((0, 0, 400 / 1.21), abs=6)
    face[0] = 0
    face[0, 22:26, 34:46] = 255  # a bar to the right of the middle goes up when turned counter-clockwise
    across, down, _ = moments("15 degrees")
    assert (across, down) == pytest.approx((16 * np.cos(np.pi / 12), -16 * np.sin(np.pi / 12)), abs=0.3)
