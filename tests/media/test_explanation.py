"""Explanations drawn: what speaks for an emotion in orange, against it in blue, in rows and columns as named."""

import numpy as np
import pytest
from PIL import ImageDraw

from mien.emotions import EMOTIONS
from mien.media.explanation import GAP_PX, SIDE_PX, draw_explanations
from mien.results import Explanation


@pytest.fixture
def planted() -> Explanation:
    """A grey face whose left half speaks for happiness and against anger, its right half for nothing."""
    change = np.zeros((48, 48), np.float32)
    change[:, :24] = 2
    maps = {name: np.zeros((48, 48), np.float32) for name in EMOTIONS} | {"happiness": change, "anger": -change}
    probs = dict.fromkeys(EMOTIONS, 0.0) | {"happiness": 0.9, "anger": 0.1}
    return Explanation(np.full((48, 48), 128, np.uint8), probs, maps)


def test_colours_by_emotion(planted: Explanation) -> None:
    drawn = np.asarray(draw_explanations([planted])).astype(int)
    middle = GAP_PX + SIDE_PX // 2
    columns = [GAP_PX + i * (SIDE_PX + GAP_PX) for i in range(3)]
    (plain, happy, angry), right = (
        [drawn[middle, x + share * SIDE_PX // 4] for x in columns] for share in (1, 3)
    )  # in the left and in the right half
    assert (plain == 128).all()
    assert happy[0] > happy[1] > happy[2]  # orange
    assert angry[2] > angry[1] > angry[0]  # blue
    assert all((pixel == 128).all() for pixel in right)


def test_a_row_a_face_and_a_column_an_emotion(planted: Explanation) -> None:
    one, three, wide = (draw_explanations([planted] * n, emotions).size for n, emotions in ((1, 2), (3, 2), (1, 4)))
    assert (one[0], three[0]) == (3 * SIDE_PX + 4 * GAP_PX,) * 2
    assert three[1] - GAP_PX == 3 * (one[1] - GAP_PX)
    assert wide[0] == 5 * SIDE_PX + 6 * GAP_PX


def test_several_faces_have_their_numbers(planted: Explanation, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(ImageDraw.ImageDraw, "text", lambda pen, place, text, *more: said.append(text))
    for n in (1, 2):
        draw_explanations([planted] * n)
    crops = [text for text in said if text.endswith("as the network saw it")]
    assert crops == ["as the network saw it", "face 0, as the network saw it", "face 1, as the network saw it"]


def test_a_map_of_nothing_is_the_face_itself(planted: Explanation) -> None:
    drawn = np.asarray(
        draw_explanations([Explanation(planted.crop, planted.probs, dict.fromkeys(EMOTIONS, np.zeros((48, 48), np.float32)))])
    )
    assert (drawn[GAP_PX : GAP_PX + SIDE_PX, -GAP_PX - SIDE_PX : -GAP_PX] == 128).all()
