"""The face of a picture that is scored is the one that the recogniser shows."""

import numpy as np
import pytest

from mien import Recognizer
from mien.inference.crop import crop_square
from mien.inference.detector import Detector
from mien.inference.engines import build_engine
from mien.inference.faces import largest_square, whole_square
from mien.media.images import read_picture


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer()


@pytest.mark.parametrize("name", ["astronaut.jpg", "several.jpg", "tilted.jpg", "edge.jpg", "exif.jpg"])
def test_the_largest_face_is_the_recognisers_with_its_answer(recognizer, golden, name):
    pixels = read_picture(golden / "pictures" / name).pixels
    square = largest_square(pixels, Detector())
    assert square is not None
    probs = build_engine(recognizer.bundle).probs(crop_square(pixels, square)[None])[0]
    answers = {tuple(face.probs.values()): face.box.width * face.box.height for face in recognizer.predict(pixels).faces}
    (nearest,) = [answer for answer in answers if np.allclose(answer, probs, atol=1e-6)]
    if name != "edge.jpg":  # there a box is clipped
        assert answers[nearest] == max(answers.values())


def test_no_face_is_none(golden):
    assert largest_square(read_picture(golden / "pictures" / "no-face.jpg").pixels, Detector()) is None


@pytest.mark.parametrize("shape", [(48, 48), (60, 40), (31, 70)])
def test_a_whole_picture_is_taken_as_the_recogniser_takes_it(recognizer, shape):
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    crop = crop_square(pixels, whole_square(pixels))
    (result,) = recognizer.predict_batch([pixels], whole_image=True)
    assert build_engine(recognizer.bundle).probs(crop[None])[0] == pytest.approx(list(result.faces[0].probs.values()), abs=1e-6)
