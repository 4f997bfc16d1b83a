"""Results on their picture: the right place and colour, and no crash wherever a face is."""

import itertools

import numpy as np
import pytest
from PIL import Image, ImageColor

from mien import EMOTIONS, Box, Face, Result, draw
from mien.media.draw import COLOURS
from mien.results import label


def face(box, emotion="happiness", ambiguous=False):
    probs = dict.fromkeys(EMOTIONS, 0.01) | {emotion: 0.6, "fear" if emotion != "fear" else "anger": 0.34}
    return Face(Box(*box), 0.9, probs, emotion, 0.6, ambiguous)


def result(size, *faces):
    return Result("x", *size, faces)


def blank(size=(320, 240)):
    return Image.new("RGB", size, (10, 20, 30))


def changed(canvas):
    """Where the canvas is no longer blank, bool [h,w]."""
    return (np.asarray(canvas) != (10, 20, 30)).any(2)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_the_box_has_its_emotions_colour(emotion):
    pixels = np.asarray(draw(blank(), result((320, 240), face((100, 90, 80, 60), emotion))))
    colour = ImageColor.getrgb(COLOURS[emotion])
    for edge in (pixels[90, 100:180], pixels[149, 100:180], pixels[90:150, 100], pixels[90:150, 179]):
        assert (edge == colour).all()
    assert not changed(pixels)[95:145, 105:175].any()  # the face itself stays visible
    assert not changed(pixels)[:, 179 + 40 :].any()
    assert not changed(pixels)[150:].any()


def test_colours_are_apart():
    rgb = np.array([ImageColor.getrgb(colour) for colour in COLOURS.values()], float)
    assert tuple(COLOURS) == EMOTIONS
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(rgb, 2)) > 60


def test_the_label_stands_above_its_box_or_below_where_there_is_no_room():
    above = changed(draw(blank(), result((320, 240), face((100, 90, 80, 60)))))
    below = changed(draw(blank(), result((320, 240), face((100, 0, 80, 60)))))
    assert above[70:90, 100:150].mean() > 0.7
    assert below[60:78, 100:150].mean() > 0.7


def test_labels():
    certain, unsure = face((0, 0, 9, 9)), face((0, 0, 9, 9), ambiguous=True)
    assert label(certain) == "happiness 60%"
    assert label(unsure) == "happiness 60% / fear 34%"
    smoothed = dict.fromkeys(EMOTIONS, 0.0) | {"anger": 0.9, "fear": 0.1}
    assert label(Face(Box(0, 0, 9, 9), 1, certain.probs, "anger", 0.9, False, smoothed=smoothed)) == "anger 90%"


BOXES = [(0, 0, 30, 30), (290, 0, 30, 30), (0, 210, 30, 30), (290, 210, 30, 30), (319, 239, 1, 1),
         (0, 0, 320, 240), (0, 0, 320, 3), (100, 0, 40, 240)]  # fmt: skip


@pytest.mark.parametrize("ambiguous", [False, True])
@pytest.mark.parametrize("box", BOXES)
def test_faces_at_every_edge_keep_their_whole_label_in_the_picture(box, ambiguous):
    canvas = draw(blank(), result((320, 240), face(box, ambiguous=ambiguous)))
    assert canvas.size == (320, 240)
    ink = (np.asarray(canvas) < 5).all(2)  # the label's letters are black
    middle = draw(blank(), result((320, 240), face((145, 105, *box[2:]), ambiguous=ambiguous)))
    assert ink.sum() > 0
    if box[2:] in ((30, 30), (1, 1)):  # the same size of letters: none is cut off
        assert ink.sum() == (np.asarray(middle) < 5).all(2).sum()


@pytest.mark.parametrize("ambiguous", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (10, 10), (3, 200), (200, 3), (17, 48)])
def test_tiny_pictures(size, ambiguous):
    canvas = draw(blank(size), result(size, face((0, 0, *size), ambiguous=ambiguous)))
    assert (canvas.size, canvas.mode) == (size, "RGB")
    assert changed(canvas).any()


def test_upright_and_full_size_whatever_comes_in(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (4000, 2500), 90).save(tmp_path / "lying.jpg", exif=exif)
    canvas = draw(tmp_path / "lying.jpg", result((2500, 4000)))
    assert (canvas.size, canvas.mode) == ((2500, 4000), "RGB")


def test_the_callers_picture_is_left_as_it_was():
    array, image = np.zeros((50, 60, 3), np.uint8), blank((60, 50))
    draw(array, result((60, 50), face((5, 20, 20, 20))))
    draw(image, result((60, 50), face((5, 20, 20, 20))))
    assert not array.any()
    assert not changed(image).any()


def test_no_face_is_the_picture_itself():
    assert not changed(draw(blank(), result((320, 240)))).any()
