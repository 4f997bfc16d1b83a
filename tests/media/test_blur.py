"""Hidden faces: not found, not to be recovered, and nothing else is touched."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from mien.inference.detector import Detector
from mien.media.blur import BLOCKS, MARGIN, blur_faces


@pytest.fixture(scope="module")
def detector():
    return Detector()


def found(detector, pixels):
    return [found.box for found in detector.detect(pixels)]


@pytest.fixture(params=["astronaut.jpg", "hopper.jpg", "several.jpg", "edge.jpg", "tilted.jpg", "dark.jpg"])
def pixels(request, golden):
    with Image.open(golden / "pictures" / request.param) as image:
        return np.asarray(image.convert("RGB"))


def test_the_detector_finds_no_face_any_more(detector, pixels):
    boxes = found(detector, pixels)
    assert len(boxes) > 0
    assert found(detector, blur_faces(pixels, boxes)) == []


def test_nothing_of_the_fine_detail_is_left(detector, pixels):
    """What a Gaussian of a twentieth of the face takes away: eyes, brows, mouth, wrinkles."""
    for x, y, width, height in found(detector, pixels):
        place = slice(max(0, int(y)), int(y + height)), slice(max(0, int(x)), int(x + width))
        grey, hidden = (picture.mean(2) for picture in (pixels, blur_faces(pixels, [(x, y, width, height)])))
        fine, left = ((grey - gaussian_filter(grey, width / 20))[place] for grey in (grey, hidden))
        assert abs(np.corrcoef(fine.ravel(), left.ravel())[0, 1]) < 0.15
        assert left.std() < 0.15 * fine.std()


def test_no_more_than_the_blocks_is_left():
    """Two pictures with the same mean in each block are the same when hidden, but for rounding."""
    rng, side = np.random.default_rng(0), 8 * BLOCKS
    box = (MARGIN / (1 + 2 * MARGIN) * side, MARGIN / (1 + 2 * MARGIN) * side, side / (1 + 2 * MARGIN), side / (1 + 2 * MARGIN))
    one = rng.integers(0, 256, (side, side, 3), np.uint8)
    blocks = one.reshape(BLOCKS, 8, BLOCKS, 8, 3).transpose(0, 2, 1, 3, 4).reshape(BLOCKS, BLOCKS, 64, 3)
    shuffled = rng.permuted(blocks, axis=2).reshape(BLOCKS, BLOCKS, 8, 8, 3).transpose(0, 2, 1, 3, 4).reshape(one.shape)
    assert (one != shuffled).mean() > 0.9
    np.testing.assert_allclose(*(blur_faces(picture, [box]).astype(int) for picture in (one, shuffled)), rtol=0, atol=2)


BOXES = [(30, 40, 24, 30), (-5, -3, 30, 30), (70, 50, 40, 40), (0, 0, 90, 70), (88, 68, 1, 1), (10.4, 12.7, 7.5, 9.1),
         (200, 10, 20, 20), (-90, 0, 20, 20)]  # fmt: skip


@pytest.mark.parametrize("box", BOXES)
def test_what_is_beyond_the_margin_is_untouched_bit_for_bit(box):
    pixels = np.random.default_rng(0).integers(0, 256, (70, 90, 3), np.uint8)
    before, (x, y, width, height) = pixels.copy(), box
    hidden = blur_faces(pixels, [box])
    rows, columns = np.mgrid[:70, :90] + 0.5
    outside = (np.abs(columns - x - width / 2) > width * (0.5 + MARGIN) + 1) | (
        np.abs(rows - y - height / 2) > height * (0.5 + MARGIN) + 1
    )
    np.testing.assert_array_equal(hidden[outside], pixels[outside])
    np.testing.assert_array_equal(pixels, before)
    if min(width, height) > 12 and not outside.all():
        assert (hidden[~outside] != pixels[~outside]).mean() > 0.8


def test_faces_that_overlap_are_both_hidden():
    pixels = np.random.default_rng(0).integers(0, 256, (100, 160, 3), np.uint8)
    hidden = blur_faces(pixels, [(20, 20, 60, 60), (60, 20, 60, 60)])
    assert (np.diff(hidden[20:80, 20:120].astype(int), axis=1)).std() < 0.1 * np.diff(pixels.astype(int), axis=1).std()
