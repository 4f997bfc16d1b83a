"""Results on their picture: the right place and colour, and no crash wherever a face is."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageColor

from mien import EMOTIONS, Box, Face, Result, draw
from mien.media.draw import COLOURS, Annotator, draw_frame
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
    assert not changed(pixels)[151:].any()


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_a_dark_halo_keeps_the_box_apart_from_what_has_its_colour(emotion):
    same = Image.new("RGB", (320, 240), COLOURS[emotion])
    pixels = np.asarray(draw(same, result((320, 240), face((100, 90, 80, 60), emotion))))
    for edge in (pixels[150, 100:180], pixels[147, 102:178], pixels[90:150, 99], pixels[92:148, 102], pixels[90:150, 180]):
        assert (edge < 40).all()
    assert (pixels[148:150, 102:178] == ImageColor.getrgb(COLOURS[emotion])).all()


def test_the_box_of_an_ambiguous_face_is_dashed_and_whole_at_its_corners():
    pixels = np.asarray(draw(blank(), result((320, 240), face((100, 90, 80, 60), ambiguous=True))))
    coloured = (pixels == ImageColor.getrgb(COLOURS["happiness"])).all(2)
    for edge in (coloured[149, 100:180], coloured[90:150, 100], coloured[90:150, 179]):
        assert edge[0]
        assert edge[-1]
        assert 0.4 < edge.mean() < 0.7
        assert (edge[1:] != edge[:-1]).sum() >= 4


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


def frames_of(boxes, **more):
    """Results of a clip at 10 frames a second, in which face 3 has these boxes; None: it is not found."""
    found = [() if box is None else (replace(face(box), track=3, **more),) for box in boxes]
    return [Result("x", 320, 240, faces, time_s=i / 10) for i, faces in enumerate(found)]


def drawn(results, blur=False):
    annotator, frame = Annotator(blur), noise()
    return [annotator.draw(frame, one) for one in results]


def noise():
    return np.random.default_rng(0).integers(0, 200, (240, 320, 3), np.uint8)


def test_a_frame_is_drawn_as_a_picture_is():
    for box in BOXES:
        one = result((320, 240), face(box))
        np.testing.assert_array_equal(draw_frame(np.asarray(blank()), one), np.asarray(draw(blank(), one)))


def test_a_track_has_its_number_before_the_label():
    def width(track):
        return changed(draw(blank(), result((320, 240), replace(face((20, 90, 80, 80)), track=track))))[85].sum()

    assert width(None) < width(3) < width(1234)


def test_one_of_several_faces_has_its_number_before_the_label(monkeypatch):
    said = []
    monkeypatch.setattr("mien.media.draw._draw_label", lambda canvas, place, text, colour: said.append(text))
    one, other = face((20, 90, 80, 80)), face((200, 90, 80, 80), "anger")
    draw(blank(), result((320, 240), one, other))
    draw(blank(), result((320, 240), one))
    draw(blank(), result((320, 240), replace(one, track=3), replace(other, track=1)))
    assert said == ["0 happiness 60%", "1 anger 60%", "happiness 60%", "#1 anger 60%", "#3 happiness 60%"]


def test_what_trembles_is_drawn_still_and_what_moves_is_followed():
    shaking = frames_of([(100, 90, 80, 80), (101, 89, 81, 79), (99, 90, 79, 81), (102, 91, 78, 80)])
    first, *others = drawn(shaking)
    for other in others:
        np.testing.assert_array_equal(other, first)
    moving = frames_of([(100 + 8 * i, 90, 80, 80) for i in range(12)])
    for one, canvas in zip(moving, drawn(moving), strict=True):
        columns = (canvas == ImageColor.getrgb(COLOURS["happiness"])).all(2)[130].nonzero()[0]  # the two sides of the box
        assert abs(columns[0] - one.faces[0].box.x) <= 0.03 * 80


def test_a_label_does_not_jump_between_above_and_below():
    edge = [top for top in range(30) if not changed(draw(blank(), result((320, 240), face((100, top, 80, 80)))))[:top].any()]
    turn = edge[-1]  # the lowest box whose label stands below it
    trembling = drawn(frames_of([(100, turn + i % 2, 80, 80) for i in range(6)]))
    assert len({canvas[:turn].tobytes() for canvas in trembling}) == 1
    assert (drawn(frames_of([(100, turn, 80, 80), (100, turn + 20, 80, 80)]))[1][: turn + 20] != noise()[: turn + 20]).any()


def test_labels_of_one_face_are_equally_high_whatever_they_say():
    heights = {changed(draw(blank(), result((320, 240), face((100, 90, 80, 80), name))))[:90].any(1).sum() for name in EMOTIONS}
    assert len(heights) == 1


def test_hidden_faces_have_their_box_and_label_and_untracked_ones_too():
    for track in (None, 3):
        one = result((320, 240), replace(face((100, 90, 80, 80)), track=track))
        plain, hidden = draw_frame(noise(), one), draw_frame(noise(), one, blur=True)
        marked = (plain != noise()).any(2)
        np.testing.assert_array_equal(hidden[marked], plain[marked])
        assert hidden[100:160, 110:170].std() < 0.5 * noise().std()
        np.testing.assert_array_equal(np.asarray(draw(noise(), one, blur_faces=True)), hidden)


def test_a_hidden_face_that_is_missed_for_a_moment_stays_hidden():
    canvases = drawn(frames_of([(100, 90, 80, 80)] + [None] * 14), blur=True)
    inside = [canvas[100:160, 110:170].std() < 0.5 * noise().std() for canvas in canvases]
    assert inside == [True] * 11 + [False] * 4  # the first frame and the second after it
    assert not (drawn(frames_of([(100, 90, 80, 80), None]))[1] != noise()).any()  # only blurred frames remember
