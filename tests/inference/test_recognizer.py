"""The recogniser: every door gives the golden answer; boxes, batches, threads, limits, and pictures of any size."""

import hashlib
import io
import json
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from mien import EMOTIONS, Box, Recognizer
from mien.errors import ImageError, UsageError
from mien.inference import recognizer as recognizer_module
from mien.inference.crop import FRAME, SIDE_PX, Square, crop_square
from mien.inference.detector import Detection
from mien.inference.recognizer import Lazy
from mien.inference.weights import FILES
from mien.media.images import read_picture

GOLDEN = Path(__file__).parents[1] / "golden"
EXPECTED = json.loads((GOLDEN / "golden.json").read_text())
PICTURES = [GOLDEN / "pictures" / name for name in EXPECTED["pictures"]]
# a clipped box and a turned face are other squares than the box alone says
UPRIGHT = [path for path in PICTURES if path.stem not in ("tilted", "no-face", "edge")]


@pytest.fixture(scope="module")
def recognizer():
    return Recognizer(threads=1)


def expected(path):
    return EXPECTED["pictures"][path.name]["result"]


def assert_golden(result, path):
    """As golden/README.md says: boxes within 1 px, probabilities within 1e-3, emotions the same unless ambiguous."""
    found, wanted = result.to_dict(), expected(path)
    assert {k: v for k, v in found.items() if k not in ("source", "faces")} == {
        k: v for k, v in wanted.items() if k not in ("source", "faces")}  # fmt: skip
    assert len(found["faces"]) == len(wanted["faces"])
    by_place = [
        sorted(faces, key=lambda face: (face["box"]["x"], face["box"]["y"])) for faces in (found["faces"], wanted["faces"])
    ]
    for face, golden in zip(*by_place, strict=True):
        assert edges(face["box"]) == pytest.approx(edges(golden["box"]), abs=1)
        assert face["probs"] == pytest.approx(golden["probs"], abs=1e-3)
        assert face["emotion"] == golden["emotion"] or golden["ambiguous"]


def edges(box):
    return [box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]]


def test_golden_pictures_are_the_ones_that_golden_json_describes():
    assert EXPECTED["model"]["sha256"] == Recognizer().bundle.sha256("litert")
    for path in PICTURES:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == EXPECTED["pictures"][path.name]["sha256"]
    assert {path.name for path in PICTURES} == {path.name for path in (GOLDEN / "pictures").iterdir()}


def test_golden_answers_are_what_a_person_sees():
    """Counted and named by looking at the pictures, so that golden.json cannot confirm a broken recogniser."""
    faces = {path.stem: [face["emotion"] for face in expected(path)["faces"]] for path in PICTURES}
    assert {name: len(found) for name, found in faces.items()} == dict.fromkeys(faces, 1) | {
        "several": 4, "small": 2, "no-face": 0}  # fmt: skip
    for name in ("astronaut", "mirrored", "tilted", "blurred", "exif", "alpha"):
        assert faces[name] == ["happiness"]
    assert faces["several"].count("happiness") == 2


def test_golden_boxes_follow_how_the_pictures_were_composed():
    box = {path.stem: expected(path)["faces"][0]["box"] for path in PICTURES if expected(path)["faces"]}
    astronaut, hopper = edges(box["astronaut"]), edges(box["hopper"])
    assert edges(box["mirrored"]) == pytest.approx(
        [512 - astronaut[2], astronaut[1], 512 - astronaut[0], astronaut[3]], abs=5)  # fmt: skip
    assert edges(box["exif"]) == pytest.approx([astronaut[0] - 60, astronaut[1], astronaut[2] - 60, astronaut[3]], abs=5)
    assert edges(box["grey"]) == pytest.approx([value / 2 for value in hopper], abs=8)
    assert box["edge"]["x"] == 0


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    "door", [Path, str, Path.read_bytes, Image.open, lambda path: read_picture(path).pixels.copy()],
    ids=["path", "str", "bytes", "image", "array"],
)  # fmt: skip
def test_golden_through_every_door(recognizer, path, door):
    assert_golden(recognizer.predict(door(path)), path)


@pytest.mark.parametrize("engine", [name for name in FILES if name != "litert"])
def test_golden_through_other_engines(engine):
    for path, result in zip(PICTURES, Recognizer(engine=engine, threads=1).predict_batch(PICTURES), strict=True):
        for face, golden in zip(result.faces, expected(path)["faces"], strict=True):
            assert face.emotion == golden["emotion"] or golden["ambiguous"]
            assert face.probs == pytest.approx(golden["probs"], abs=1e-3 if engine == "onnx" else 0.1)


def test_golden_in_one_batch_with_what_cannot_be_read(recognizer):
    first, *rest = PICTURES
    cut_off = Image.open(io.BytesIO((GOLDEN / "pictures" / "hopper.jpg").read_bytes()[:30_000]))
    results = recognizer.predict_batch([first, "missing.jpg", b"no picture", np.zeros((4, 4)), cut_off, *rest])
    assert [bool(result.error) for result in results] == [False, True, True, True, True] + [False] * len(rest)
    assert results[1].error.startswith("no such file")
    for path, result in zip(PICTURES, [results[0], *results[5:]], strict=True):
        assert_golden(result, path)


@pytest.mark.parametrize("path", UPRIGHT, ids=lambda path: path.stem)
def test_the_callers_own_boxes_get_the_same_probs(recognizer, path):
    found = recognizer.predict(path).faces
    again = recognizer.predict(path, boxes=[face.box for face in found]).faces
    assert [face.box for face in again] == [face.box for face in found]
    for face, golden in zip(again, found, strict=True):
        assert face.score == 1
        assert face.emotion == golden.emotion or golden.ambiguous or face.ambiguous
        tolerance = 0.15 if face.box.width > 60 else 0.2  # boxes are whole pixels: half of one is much of a small face
        assert face.probs == pytest.approx(golden.probs, abs=tolerance)


@pytest.mark.parametrize(
    "given", [Box(150, 90, 230, 240), (150, 90, 230, 240), [150.0, 90.0, 230.0, 240.0], np.array([150, 90, 230, 240])]
)
def test_a_box_is_cropped_as_the_square_around_its_centre(recognizer, given):
    pixels = read_picture(GOLDEN / "pictures" / "hopper.jpg").pixels
    (face,) = recognizer.predict(pixels, boxes=[given]).faces
    np.testing.assert_allclose(list(face.probs.values()), recognizer.classify([pixels[90:330, 145:385]])[0], atol=5e-3)
    assert face.box == Box(145, 90, 240, 240)


def test_boxes_at_and_beyond_the_edge(recognizer):
    picture = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    inside = [(-10, -10, 30, 30), (70, 50, 40, 40), (0, 0, 1, 1), (79.4, 59.4, 1, 1), (0, 0, 80, 60)]
    boxes = [face.box for face in recognizer.predict(picture, boxes=inside).faces]
    assert boxes == [Box(0, 0, 20, 20), Box(70, 50, 10, 10), Box(0, 0, 1, 1), Box(79, 59, 1, 1), Box(0, 0, 80, 60)]
    for outside in [(-30, 0, 20, 20), (80, 0, 20, 20), (0, 1e300, 5, 5), (0, 0, 1e300, 5), (-1e9, -1e9, 2e9, 2e9)]:
        with pytest.raises(ImageError, match="expected one in the picture, which has 80x60 pixels"):
            recognizer.predict(picture, boxes=[outside])


@pytest.mark.parametrize(
    "box",
    [
        (1, 2, 3),
        (1, 2, 3, 4, 5),
        (1, 2, 0, 4),
        (1, 2, 3, -4),
        (1, 2, np.nan, 4),
        (1, np.inf, 3, 4),
        "left",
        7,
        None,
        ("a",) * 4,
    ],
)
def test_malformed_boxes(recognizer, box):
    with pytest.raises(ImageError, match=r"box .*: expected x, y, width and height in pixels") as error:
        recognizer.predict(np.zeros((9, 9, 3), np.uint8), boxes=[box])
    assert "\n" not in str(error.value)


def test_no_boxes_no_pictures_no_crops(recognizer):
    assert recognizer.predict(np.zeros((9, 9, 3), np.uint8), boxes=[]).faces == ()
    assert recognizer.predict_batch([]) == []
    assert recognizer.classify([]).shape == recognizer.classify(np.empty((0, 48, 48), np.uint8)).shape == (0, 8)


@pytest.mark.parametrize("stem", ["astronaut", "hopper"])
def test_classify_on_a_crop_equals_predict(recognizer, stem):
    path = GOLDEN / "pictures" / f"{stem}.jpg"
    (face,) = recognizer.predict(path).faces
    square = Square(face.box.x, face.box.y, face.box.width)
    crop = crop_square(read_picture(path).pixels, square)
    (again,) = recognizer.predict(path, boxes=[face.box]).faces
    np.testing.assert_array_equal(recognizer.classify(crop[None])[0], np.float32(list(again.probs.values())))


def test_classify_takes_crops_of_any_size_and_colour(recognizer):
    face = Image.open(GOLDEN / "pictures" / "astronaut.jpg").crop((165, 56, 285, 176))
    crops = [face.resize((side, side)) for side in (48, 61, 96, 120, 300)]
    probs = recognizer.classify(
        [np.asarray(crop.convert(mode)) for crop, mode in zip(crops, ("L", "RGB", "L", "RGB", "L"), strict=True)]
    )
    assert (probs.shape, probs.dtype) == ((5, 8), np.float32)
    np.testing.assert_allclose(probs.sum(1), 1, atol=1e-5)
    assert (probs[:, EMOTIONS.index("happiness")] > 0.9).all()
    np.testing.assert_array_equal(recognizer.classify(np.stack([np.asarray(crops[0].convert("L"))] * 2))[1], probs[0])


@pytest.mark.parametrize("crop", [np.zeros((48, 48)), np.zeros(48, np.uint8), np.zeros((0, 5), np.uint8), "face.png", None])
def test_classify_refuses_what_is_no_crop(recognizer, crop):
    with pytest.raises(ImageError, match="expected uint8"):
        recognizer.classify([crop])


def test_probs_are_a_distribution_and_name_the_emotion(recognizer):
    for result in recognizer.predict_batch(PICTURES):
        assert list(result.faces) == sorted(result.faces, key=lambda face: -face.score)
        for face in result.faces:
            assert tuple(face.probs) == EMOTIONS
            assert sum(face.probs.values()) == pytest.approx(1, abs=1e-5)
            assert face.confidence == face.probs[face.emotion] == max(face.probs.values())
            assert face.ambiguous == (face.confidence < recognizer.bundle.meta["set_threshold"])


class Planted:
    """An engine and a detector in one that answer what a test planted, and count how often they are asked."""

    def __init__(self, row=(), detections=()):
        self.row, self.detections, self.batches = np.float32(row), list(detections), []

    def probs(self, crops):
        self.batches.append(len(crops))
        return np.tile(self.row, (len(crops), 1))

    def detect(self, pixels, threshold, least_px=0):
        return [d for d in self.detections if d.score >= threshold]


def plant(planted, labels=EMOTIONS, **options):
    """A recogniser over those planted answers."""
    recognizer = Recognizer(**options)
    object.__setattr__(recognizer.bundle, "meta", {**recognizer.bundle.meta, "labels": labels, "set_threshold": 0.5})
    recognizer._engine = recognizer._detector = Lazy(lambda: planted)
    return recognizer


def face_at(x, y, side, score):
    """A detection whose square is side px wide and centred at x, y: the frame's own landmarks, moved there."""
    points = (np.array(list(FRAME.values())) - SIDE_PX / 2) * side / SIDE_PX + (x, y)
    return Detection(np.array([x, y, side, side], float), points, score)


def test_searches_at_the_same_time_have_a_detector_each_which_later_ones_take(monkeypatch):
    loaded, side_by_side = [], threading.Barrier(2)

    class Slow(Planted):
        def __init__(self, *_):
            super().__init__(detections=[face_at(50, 50, 40, 0.9)])
            loaded.append(self)

        def detect(self, *args):
            side_by_side.wait(10)
            return super().detect(*args)

    monkeypatch.setattr("mien.inference.recognizer.Detector", Slow)
    recognizer, frame = Recognizer(), np.zeros((100, 100, 3), np.uint8)
    with ThreadPoolExecutor(2) as workers:
        for _ in range(3):
            (one,), (other,) = workers.map(recognizer.search, [frame, frame])
            assert one == other
            assert one[1] == 0.9
    assert len(loaded) == 2


def test_seven_classes_give_contempt_nothing():
    seven = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
    recognizer = plant(Planted([0.1, 0.05, 0.05, 0.2, 0.1, 0.05, 0.45], [face_at(50, 50, 40, 0.9)]), seven)
    (face,) = recognizer.predict(np.zeros((100, 100, 3), np.uint8)).faces
    assert face.probs == pytest.approx({"neutral": 0.45, "happiness": 0.2, "surprise": 0.05, "sadness": 0.1, "anger": 0.1,
                                        "disgust": 0.05, "fear": 0.05, "contempt": 0})  # fmt: skip
    assert (face.emotion, face.ambiguous) == ("neutral", True)


def test_all_faces_of_all_pictures_pass_the_network_once():
    planted = Planted([1, 0, 0, 0, 0, 0, 0, 0], [face_at(20, 20, 30, 0.9), face_at(70, 70, 30, 0.8)])
    results = plant(planted).predict_batch([np.zeros((100, 100, 3), np.uint8)] * 5)
    assert [len(result.faces) for result in results] == [2] * 5
    assert planted.batches == [10]


@pytest.mark.parametrize(
    ("options", "sides"),
    [
        ({}, [40, 20, 60]), ({"max_faces": 2}, [40, 20]), ({"min_face_px": 21}, [40, 60]), ({"min_face_px": 19}, [40, 20, 60]),
        ({"threshold": 0.75}, [40, 20]), ({"threshold": 0.1}, [40, 20, 60, 30]),
        ({"min_face_px": 21, "max_faces": 1, "threshold": 0.1}, [40]), ({"threshold": 0.95}, []),
    ],
)  # fmt: skip
def test_limits(options, sides):
    detections = [face_at(30, 30, 40, 0.9), face_at(80, 30, 20, 0.8), face_at(50, 100, 60, 0.7), face_at(110, 90, 30, 0.2)]
    recognizer = plant(Planted([1, 0, 0, 0, 0, 0, 0, 0], detections), **options)
    assert [face.box.width for face in recognizer.predict(np.zeros((140, 140, 3), np.uint8)).faces] == sides


def test_a_picture_is_reduced_unless_small_faces_are_asked_for():
    planted = Planted([1, 0, 0, 0, 0, 0, 0, 0], [face_at(1000, 500, 100, 0.9)])
    picture = np.zeros((2048, 4096, 3), np.uint8)
    (face,) = plant(planted).predict(picture).faces  # found in 2048 x 1024
    assert face.box == Box(1900, 900, 200, 200)
    (face,) = plant(planted, min_face_px=99).predict(picture).faces
    assert face.box == Box(950, 450, 100, 100)
    assert plant(planted, min_face_px=101).predict(picture).faces == ()


@pytest.mark.parametrize(
    ("option", "value"),
    [("threshold", 7), ("threshold", -0.1), ("max_faces", -1), ("max_faces", 0), ("threads", -3), ("min_face_px", -1)],
)
def test_options_out_of_range_are_named(option, value):
    with pytest.raises(UsageError, match=f"{option} = .*expected"):
        Recognizer(**{option: value})


@pytest.mark.parametrize(
    "one",
    ["astronaut.jpg", b"bytes", bytearray(b"bytes"), Path("astronaut.jpg"), Image.new("RGB", (9, 9)),
     np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), np.uint8)],
)  # fmt: skip
def test_a_single_picture_is_no_batch(one):
    with pytest.raises(UsageError, match="several pictures"):
        Recognizer().predict_batch(one)


@pytest.mark.parametrize("shape", [(48, 48), (48, 48, 3)])
def test_a_single_face_is_no_array_of_faces(shape):
    with pytest.raises(ImageError, match="one face is"):
        Recognizer().classify(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("wrong", [None, 7, ["a.jpg"], object()])
def test_what_is_no_picture_at_all_is_told_what_is(wrong):
    with pytest.raises(ImageError, match="expected a path"):
        Recognizer().predict(wrong)


def test_a_batch_keeps_faces_and_not_pictures(monkeypatch):
    import weakref

    kept = []
    read = recognizer_module.read_picture

    def watched(*arguments):
        picture = read(*arguments)
        assert sum(reference() is not None for reference in kept) <= 1  # the one before may not be collected yet
        kept.append(weakref.ref(picture))
        return picture

    monkeypatch.setattr(recognizer_module, "read_picture", watched)
    planted = Planted([1, 0, 0, 0, 0, 0, 0, 0], [face_at(20, 20, 30, 0.9)])
    assert len(plant(planted).predict_batch(np.zeros((40, 40, 3), np.uint8) for _ in range(9))) == 9


def test_a_detection_outside_the_picture_is_left_out():
    detections = [face_at(-50, 20, 40, 0.9), face_at(20, 160, 30, 0.8), face_at(0, 20, 40, 0.7)]
    recognizer = plant(Planted([1, 0, 0, 0, 0, 0, 0, 0], detections))
    (face,) = recognizer.predict(np.zeros((100, 100, 3), np.uint8)).faces
    assert face.box == Box(0, 0, 20, 40)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3, 3)])
def test_pictures_too_small_for_a_face(recognizer, shape):
    result = recognizer.predict(np.full((*shape, 3), 128, np.uint8))
    assert (result.height, result.width, result.faces, result.error) == (*shape, (), None)


def test_whole_image_is_one_face_without_detection(recognizer):
    portrait = np.asarray(Image.open(GOLDEN / "pictures" / "hopper.jpg").crop((146, 96, 388, 338)))
    noise = np.random.default_rng(0).integers(0, 256, (30, 50), np.uint8)
    large = np.full((3000, 4100, 3), 90, np.uint8)
    results = recognizer.predict_batch([portrait, noise, large], whole_image=True)
    assert [face.box for result in results for face in result.faces] == [
        Box(0, 0, 242, 242),
        Box(0, 0, 50, 30),
        Box(0, 0, 4100, 3000),
    ]
    np.testing.assert_allclose(list(results[1].faces[0].probs.values()), recognizer.classify([noise])[0], atol=1e-6)


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"model": "mein"}, "unknown model 'mein'. Did you mean 'mien'?"),
        ({"detector": "fullrange"}, "unknown detector 'fullrange'. Did you mean 'full_range'?"),
        ({"engine": "litert8"}, "unknown engine 'litert8'. Did you mean 'litert'?"),
        ({"engine": "onx"}, "unknown engine 'onx'. Did you mean 'onnx'?"),
    ],
)
def test_an_unknown_name_is_told_at_once_with_the_nearest(options, hint):
    with pytest.raises(UsageError) as error:
        Recognizer(**options)
    assert str(error.value).startswith(hint)


def test_nothing_heavy_is_loaded_before_the_first_picture():
    code = """
import sys
from mien import Recognizer
recognizer = Recognizer()
heavy = lambda: sorted({name.split(".")[0] for name in sys.modules} & {"ai_edge_litert", "torch", "cv2", "onnxruntime"})
assert heavy() == [], heavy()
recognizer.predict(sys.argv[1])
assert heavy() == ["ai_edge_litert"], heavy()
"""
    subprocess.run([sys.executable, "-c", code, str(GOLDEN / "pictures" / "hopper.jpg")], check=True)


def test_a_lazy_value_is_built_once_whoever_asks():
    built, gate = [], threading.Barrier(8)

    def build():
        time.sleep(0.05)
        built.append(object())
        return built[-1]

    lazy = Lazy(build)
    with ThreadPoolExecutor(8) as pool:
        values = list(pool.map(lambda _: gate.wait() >= 0 and lazy.get(), range(8)))
    assert len(built) == 1
    assert values == built * 8


def test_eight_threads_share_one_recognizer(recognizer):
    work = PICTURES * 4
    alone = [recognizer.predict(path) for path in PICTURES]
    before, shared = list(warnings.filters), Recognizer(threads=1)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(shared.predict, work))
    assert together == alone * 4
    assert warnings.filters == before


def test_the_callers_picture_is_left_as_it_was(recognizer, tmp_path):
    Image.new("RGB", (4000, 3000), "gray").save(tmp_path / "large.jpg")
    with Image.open(tmp_path / "large.jpg") as image:
        recognizer.predict(image)
        assert image.size == (4000, 3000)
    array = np.asarray(Image.open(GOLDEN / "pictures" / "hopper.jpg")).copy()
    before = array.copy()
    recognizer.predict(array)
    np.testing.assert_array_equal(array, before)


def test_a_picture_of_100_megapixels_is_reduced_in_bounded_time_and_memory(tmp_path):
    face = ImageOps.pad(Image.open(GOLDEN / "pictures" / "astronaut.jpg"), (10_000, 10_000), color="gray")
    face.save(tmp_path / "large.jpg", quality=80)
    code = """
import resource, sys, time
from mien import Recognizer
recognizer = Recognizer(threads=1)
recognizer.predict(sys.argv[2])
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
(face,) = recognizer.predict(sys.argv[1]).faces
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(face.emotion, face.box.x, face.box.width, time.process_time() - start, memory)
"""
    hopper = GOLDEN / "pictures" / "hopper.jpg"
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "large.jpg", hopper], capture_output=True, text=True, check=True
    )
    emotion, x, width, time_s, memory_kb = done.stdout.split()
    scale = 10_000 / 512
    assert emotion == "happiness"
    assert [int(x), int(x) + int(width)] == pytest.approx([165 * scale, 285 * scale], abs=8 * scale)
    assert float(time_s) < 10
    assert int(memory_kb) < 100_000 * (1 if sys.platform == "linux" else 1024)  # all its pixels would be 300,000 kB
