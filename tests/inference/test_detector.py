"""The detector's own arithmetic, against planted outputs and slow loops, and the shipped networks on real faces."""

import numpy as np
import pytest
from PIL import Image

from mien.errors import BundleError, UsageError
from mien.inference import detector
from mien.inference.detector import Detector, build_anchors, decode, iou, letterbox, suppress
from mien.media.images import read_picture


def logit(score):
    return np.log(score / (1 - score))


def test_anchors_by_hand():
    anchors = build_anchors([[2, 1], [1, 2]])
    expected = [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75), (0.5, 0.5), (0.5, 0.5)]
    np.testing.assert_allclose(anchors[:, :2], expected)
    np.testing.assert_allclose(anchors[:, 4:], np.tile(expected, 6))
    assert (anchors[:, 2:4] == 0).all()


@pytest.mark.parametrize(("grids", "count"), [([[48, 1]], 2304), ([[16, 2], [8, 6]], 896)])
def test_anchor_counts_are_the_networks_own(grids, count):
    assert build_anchors(grids).shape == (count, 16)


def test_decode_gives_back_a_planted_face():
    side_px, anchors = 192, build_anchors([[48, 1]])
    box, points = np.array([0.25, 0.5, 0.2, 0.3]), np.linspace(0.1, 0.9, 12).reshape(6, 2)
    at = 1000
    raw, logits = np.zeros((2304, 16), np.float32), np.full(2304, -200.0, np.float32)
    raw[at, :2] = (box[:2] + box[2:] / 2 - anchors[at, :2]) * side_px
    raw[at, 2:4] = box[2:] * side_px
    raw[at, 4:] = ((points - anchors[at, :2]) * side_px).ravel()
    logits[at] = logit(0.8)
    (found,) = decode(raw, logits, anchors, side_px, threshold=0.5)
    np.testing.assert_allclose(found, [*box, *points.ravel(), 0.8], atol=1e-6)
    assert len(decode(raw, logits, anchors, side_px, threshold=0.81)) == 0


def test_iou_against_counted_cells():
    rng = np.random.default_rng(0)
    boxes = np.concatenate([rng.integers(0, 8, (50, 2)), rng.integers(0, 6, (50, 2))], 1).astype(float)
    grids = np.zeros((50, 16, 16), bool)
    for grid, (x, y, w, h) in zip(grids, boxes.astype(int), strict=True):
        grid[y : y + h, x : x + w] = True
    for one in range(50):
        expected = [np.sum(grids[one] & g) / max(np.sum(grids[one] | g), 1) for g in grids]
        np.testing.assert_allclose([iou(boxes[one], box) for box in boxes], expected)


def make(x, y, size, score):
    return [float(value) for value in (x, y, size, size, *[x] * 12, score)]


def test_suppress_blends_what_overlaps_by_score_and_keeps_what_does_not():
    near, far = [make(10, 10, 20, 0.9), make(12, 10, 20, 0.3)], make(100, 100, 20, 0.6)
    faces = np.array(suppress([near[1], far, near[0]]))
    assert faces[:, -1].tolist() == [0.9, 0.6]
    assert faces[0, 0] == pytest.approx((10 * 0.9 + 12 * 0.3) / 1.2)
    assert faces[0, 4] == pytest.approx(10.5)
    np.testing.assert_allclose(faces[1], far)


def test_suppress_leaves_no_two_that_overlap_with_a_chosen_best():
    rng = np.random.default_rng(1)
    many = [make(*rng.uniform(0, 60, 2), rng.uniform(10, 40), s) for s in rng.uniform(0.5, 1, 80)]
    rest, scores = sorted(many, key=lambda row: -row[-1]), []
    while rest:  # plain loop: take the best, drop what overlaps it
        best = rest.pop(0)
        scores.append(best[-1])
        rest = [row for row in rest if iou(best[:4], row[:4]) <= detector.OVERLAP]
    assert [row[-1] for row in suppress(many)] == scores


def test_suppress_of_nothing_is_nothing():
    assert suppress([]) == []


def test_letterbox_keeps_the_ratio_and_pads_with_black():
    square = np.empty((64, 64, 3), np.float32)
    letterbox(np.full((60, 120, 3), 255, np.uint8), square)
    np.testing.assert_allclose(square[:32], 1, atol=1e-6)
    np.testing.assert_allclose(square[32:], -1)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (3000, 2), (63, 64), (64, 65), (190, 192), (7, 193)])
def test_letterbox_takes_any_shape_and_leaves_nothing_of_the_last_one(size):
    square = np.full((32, 32, 3), 7, np.float32)
    letterbox(np.zeros((*size, 3), np.uint8), square)
    assert (square == -1).all()


def test_letterbox_is_a_mean_of_two_pixels_by_a_plain_loop():
    height, width, side = 117, 150, 48
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    square = np.empty((side, side, 3), np.float32)
    letterbox(pixels[:, ::-1], square)  # a view that is not contiguous
    rows = round(height * side / width)
    for y in range(rows):
        for x in range(side):
            first, second = (
                pixels[int((2 * y + i + 0.5) * height / (2 * rows)), width - 1 - int((2 * x + i + 0.5) * width / (2 * side))]
                for i in (0, 1)
            )
            mean = (first.astype(float) + second) / 2
            np.testing.assert_allclose(square[y, x], mean * 2 / 255 - 1, atol=1e-6)
    assert (square[rows:] == -1).all()


def test_letterbox_of_a_large_picture_averages_blocks_first():
    fine = np.tile(np.array([[0, 255], [255, 0]], np.uint8), (200, 200))[..., None].repeat(3, 2)
    square = np.empty((32, 32, 3), np.float32)
    letterbox(fine, square)
    np.testing.assert_allclose(square, 0, atol=0.01)


@pytest.mark.parametrize("name", ["full_range", "short_range"])
@pytest.mark.parametrize(
    ("picture", "right_eye", "left_eye"),
    [("astronaut", (203, 102), (247, 106)), ("hopper", (221, 193), (307, 189))],  # read off the pictures by eye
)
def test_finds_the_one_face_and_its_eyes(golden, name, picture, right_eye, left_eye):
    pixels = read_picture(golden / "pictures" / f"{picture}.jpg").pixels
    (face,) = Detector(name, threads=1).detect(pixels)
    assert face.score > 0.8
    np.testing.assert_allclose(face.points[:2], [right_eye, left_eye], atol=7)


def test_finds_nothing_in_noise_and_nothing_in_a_blank():
    find = Detector(threads=1).detect
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    assert find(noise) == []
    assert find(np.full((1, 1, 3), 128, np.uint8)) == []


def test_three_faces_in_one_picture(golden):
    face = Image.open(golden / "pictures" / "hopper.jpg").resize((256, 300))
    row = Image.new("RGB", (768, 300))
    for i in range(3):
        row.paste(face, (256 * i, 0))
    found = Detector(threads=1).detect(np.asarray(row))
    assert len(found) == 3
    lefts = np.sort([d.box[0] for d in found])
    np.testing.assert_allclose(np.diff(lefts), 256, atol=6)


def test_unknown_name_and_changed_file(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="Did you mean 'short_range'"):
        Detector("short-range")
    monkeypatch.setattr(detector, "WEIGHTS", tmp_path)
    (tmp_path / "blazeface").mkdir()
    facts = '{"x": {"file": "x.tflite", "sha256": "00", "input_px": 8, "grids": [[2, 1]]}}'
    (tmp_path / "blazeface" / "detectors.json").write_text(facts)
    (tmp_path / "blazeface" / "x.tflite").write_bytes(b"not it")
    with pytest.raises(BundleError, match="sha256"):
        Detector("x")


@pytest.mark.parametrize(("height", "width", "least_px"), [(1536, 2048, 40), (2048, 700, 60), (500, 501, 30), (2000, 2000, 13)])
def test_every_face_of_the_least_size_lies_whole_in_a_tile(height, width, least_px):
    squares = detector.tiles(height, width, least_px)
    assert all(left >= 0 and left + side <= max(width, side) and top + side <= max(height, side) for left, top, side in squares)
    size = min(max(height, width) / detector.REACH, squares[0][2] / 2)  # the largest that the whole picture may miss
    for x in np.linspace(0, width - size, 23):
        for y in np.linspace(0, height - size, 23):
            assert any(a <= x and x + size <= a + s and b <= y and y + size <= b + s for a, b, s in squares)


def test_no_tiles_where_the_whole_picture_does():
    assert detector.tiles(480, 640, 0) == detector.tiles(480, 640, 54) == []


@pytest.mark.parametrize(
    ("place", "tile", "whole"),
    [
        ((45, 15), (20, 10, 30), True),  # across the picture's right edge
        ((25, 35), (20, 10, 30), True),  # its lower one
        ((-3, 15), (0, 0, 30), True),
        ((15, -3), (0, 0, 30), True),
        ((25, 15), (0, 0, 30), False),  # across the tile's right edge, where the picture goes on
        ((15, 25), (0, 0, 30), False),
        ((15, 15), (20, 10, 30), False),
        ((45, 5), (20, 10, 30), False),  # across both the picture's and the tile's
        ((25, 35), (0, 0, 60), True),  # a tile larger than the picture
    ],
)
def test_a_face_is_cut_by_the_tile_but_not_by_the_pictures_own_edge(place, tile, whole):
    assert detector.is_whole((*place, 10, 10), tile, (50, 40)) is whole


@pytest.mark.parametrize("place", [(1600 - 96, 500), (500, 1200 - 96), (96 - 150, 500)])
def test_small_faces_that_the_pictures_edge_cuts_are_found(golden, place):
    scene = Image.new("RGB", (1600, 1200), (150, 150, 150))
    scene.paste(Image.open(golden / "pictures" / "hopper.jpg").resize((150, 176)), place)
    assert len(Detector(threads=1).detect(np.asarray(scene), least_px=40)) == 1


def test_small_faces_are_found_when_they_are_asked_for(golden):
    face = Image.open(golden / "pictures" / "hopper.jpg").resize((102, 120))  # the face itself: 42 px
    scene = Image.new("RGB", (1600, 1200), (150, 150, 150))
    places = [(60 + 370 * i, 50 + 350 * j) for i in range(4) for j in range(3)]
    for place in places:
        scene.paste(face, place)
    find = Detector(threads=1).detect
    assert find(np.asarray(scene)) == []
    found = find(np.asarray(scene), least_px=40)
    assert len(found) == len(places)
    corners = np.array([d.box[:2] - (32, 24) for d in found])  # less the face's own place in its picture
    assert all(np.abs(corners - place).max(1).min() < 5 for place in places)
