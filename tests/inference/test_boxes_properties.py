"""Boxes, for any of them: against counted cells and pixels, and that none leaves its picture."""

import math

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mien import Recognizer
from mien.errors import ImageError
from mien.inference.crop import Square
from mien.inference.detector import OVERLAP, iou, suppress, tiles
from mien.inference.located import locate
from mien.media.images import Picture
from mien.results import Box

some = settings(derandomize=True, max_examples=80, deadline=None)
few = settings(derandomize=True, max_examples=25, deadline=None)
boxes = st.tuples(*[st.integers(0, 12)] * 2, *[st.integers(0, 8)] * 2)
shares = st.integers(1, 100).map(lambda hundredths: hundredths / 100)


def cells(box):
    x, y, width, height = box
    return {(i, j) for i in range(x, x + width) for j in range(y, y + height)}


@some
@given(boxes, boxes)
def test_overlap_is_counted_cells(one, other):
    union = cells(one) | cells(other)
    assert math.isclose(iou(one, other), len(cells(one) & cells(other)) / max(len(union), 1))
    assert iou(one, other) == iou(other, one)


@some
@given(st.lists(st.tuples(boxes, shares), max_size=12))
def test_suppression_is_a_slow_loop(found):
    """Of what is left the best, blended with all that overlap it by more than OVERLAP in counted cells."""
    rows = [[*map(float, box), *[float(box[0])] * 12, score] for box, score in found if box[2] and box[3]]
    assume(len({row[16] for row in rows}) == len(rows))  # else either may be the best
    rest, expected = list(rows), []
    while rest:
        best = max(rest, key=lambda row: row[16])
        mine = cells(map(int, best[:4]))
        same = [row for row in rest if len(mine & (c := cells(map(int, row[:4])))) > OVERLAP * len(mine | c)]
        rest = [row for row in rest if row not in same]
        weights = np.array([row[16] for row in same])
        expected.append([*np.average([row[:16] for row in same], axis=0, weights=weights), best[16]])
    kept = suppress(rows)
    assert len(kept) == len(expected)
    for ours, theirs in zip(kept, expected, strict=True):
        np.testing.assert_allclose(ours, theirs)


@some
@given(st.integers(300, 4000), st.integers(300, 4000), st.integers(1, 60), st.data())
def test_tiles_lie_in_the_picture_and_hold_each_face_that_the_whole_is_too_coarse_for(height, width, least_px, data):
    found = tiles(height, width, least_px)
    assert all(0 <= left < width and 0 <= top < height for left, top, _ in found)
    if not found:
        return
    side = found[0][2]
    face_px = max(1, min(max(height, width) // 12, side // 2, height, width))
    x, y = (data.draw(st.integers(0, length - face_px)) for length in (width, height))
    whole = [left <= x and top <= y and x + face_px <= left + side and y + face_px <= top + side for left, top, _ in found]
    assert any(whole)


coordinates = st.floats(-400, 400)


@some
@given(st.integers(1, 60), st.integers(1, 60), coordinates, coordinates, st.floats(1, 300), st.sampled_from([1, 2, 3.5]))
def test_a_located_face_is_what_the_picture_has_in_common_with_its_square(height, width, left, top, side, larger):
    """In full-size pixels, of a picture that was reduced or not: the square's whole pixels that are also the picture's."""
    full = round(width * larger), round(height * larger)
    picture = Picture(np.zeros((height, width, 3), np.uint8), *full)
    near, far = (round(value / picture.scale) for value in (left, top)), round(side / picture.scale)
    expected = [{*range(start, start + far)} & {*range(length)} for start, length in zip(near, full, strict=True)]
    found = locate(picture, Square(left, top, side), 0.5)
    if not all(expected):
        assert found is None
        return
    x, y, box_width, box_height = found.box
    assert [{*range(x, x + box_width)}, {*range(y, y + box_height)}] == expected
    assert found.crop.shape == (48, 48)


recognizer = Recognizer()
picture = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
anything = st.one_of(st.floats(), st.integers(-(10**400), 10**400), st.none(), st.text(max_size=3), st.booleans())


@few
@given(st.one_of(st.lists(anything, max_size=6), anything, st.tuples(*[st.floats(-90, 90)] * 4)))
def test_a_callers_box_gives_a_face_in_the_picture_or_an_image_error(box):
    try:
        (face,) = recognizer.predict(picture, [box]).faces
    except ImageError:
        return
    assert isinstance(face.box, Box)
    assert 0 <= face.box.x < face.box.x + face.box.width <= 60
    assert 0 <= face.box.y < face.box.y + face.box.height <= 40
