"""`mien evaluate` and `mien calibrate` on pictures in class folders, as a user types them."""

import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from class_folders import WORDS, copy_photos, draw_pictures
from PIL import Image
from tests.inference.graphs import write_onnx

from mien import EMOTIONS, Recognizer
from mien.cli import calibrate
from mien.data.dataset import Dataset, Split
from mien.evaluation.metrics import accuracy, log_loss
from mien.evaluation.score import read_predictions
from mien.inference.weights import WEIGHTS, load_bundle


def read_crops(folder: Path, words: tuple[str, ...] = WORDS) -> tuple[np.ndarray, np.ndarray]:
    paths = sorted(folder.glob("*/*.png"))
    classes = [words.index(path.parent.name) for path in paths]
    return np.stack([np.asarray(Image.open(path)) for path in paths]), np.array(classes)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    return draw_pictures(tmp_path_factory.mktemp("drawn") / "drawn", 15)


@pytest.fixture
def photos(tmp_path, golden) -> Path:
    """Whole pictures: one without a face, one that is cut off, a link that leads nowhere, and a folder with nothing in it."""
    copy_photos(golden, tmp_path / "photos")
    (tmp_path / "photos" / "neutral" / "gone.jpg").symlink_to(tmp_path / "nowhere")
    (tmp_path / "photos" / "fear").mkdir()
    (tmp_path / "photos" / "sad" / "cut.jpg").write_bytes((golden / "pictures" / "exif.jpg").read_bytes()[:3000])
    return tmp_path / "photos"


def test_cropped_pictures_score_as_the_recogniser_names_them(mien, drawn, tmp_path):
    code, text, said = mien("evaluate", "mien", "--data", drawn, "--cropped", "--format", "json", "--out", tmp_path / "out")
    report = json.loads(text)
    crops, classes = read_crops(drawn)
    probs = Recognizer().classify(crops)
    scores = report["scores"]["litert"]["pictures"]["all"]
    assert (code, said, scores["n"]) == (0, "", 120)
    assert (scores["accuracy"], scores["log_loss"]) == pytest.approx((accuracy(probs, classes), log_loss(probs, classes)))
    assert set(scores["interval"]) >= {"accuracy", "balanced_accuracy", "log_loss", "ece"}
    assert report["data"]["classes"] == dict.fromkeys(EMOTIONS, 15)
    assert json.loads((tmp_path / "out" / "metrics.json").read_text()) == report
    found, labels = read_predictions(tmp_path / "out" / "litert-pictures.npz")
    assert (labels, found.names[0], found.classes.tolist()) == (EMOTIONS, "Contempt/000.png", classes.tolist())
    assert found.probs == pytest.approx(probs, abs=1e-3)


def test_whole_pictures_give_their_largest_face_and_those_without_one_are_counted(mien, photos):
    code, text, said = mien("evaluate", "mien", "--data", photos, "--format", "json")
    report = json.loads(text)
    right, faces = 0, 0
    for word, emotion in (("Happy", "happiness"), ("neutral", "neutral"), ("sad", "sadness")):
        for result in Recognizer().predict_batch(sorted((photos / word).iterdir())):
            if result.faces:
                faces += 1
                right += max(result.faces, key=lambda face: face.box.width).emotion == emotion
    scores = report["scores"]["litert"]["pictures"]
    assert (scores["faces found"]["n"], scores["faces found"]["accuracy"]) == (faces, pytest.approx(right / faces))
    wrong = scores["no face counts as wrong"]
    assert (wrong["n"], wrong["accuracy"]) == (faces + 1, pytest.approx(right / (faces + 1)))
    assert (report["data"]["pictures"], report["data"]["faces"]) == (8, faces)
    assert (report["data"]["no_face"], report["data"]["unreadable"]) == (
        ["sad/no-face.jpg"],
        ["neutral/gone.jpg", "sad/cut.jpg"],
    )
    assert code == 1
    assert "skipped fear: holds no picture" in said
    assert "cut.jpg: is a cut-off or damaged picture" in said
    assert "gone.jpg: no such file" in said


def test_the_table_says_what_was_found_and_which_classes_there_are(mien, photos):
    text = mien("evaluate", "mien", "--data", photos)[1]
    assert "photos: 8 pictures (neutral 2, happiness 3, sadness 3); a face found in 5, none in 1; 2 could not be read" in text
    assert "no pictures of surprise, anger, disgust, fear, contempt." in text
    assert "pictures, no face counts as wrong" in text
    assert "95% interval" in text


def test_numbered_folders_need_a_numbering(mien, tmp_path):
    draw_pictures(tmp_path / "raf", 2, ("1", "4", "7"))
    code, _, said = mien("evaluate", "mien", "--data", tmp_path / "raf", "--cropped")
    assert code == 2
    assert "add --classes rafdb, affectnet, ckplus, fer2013" in said
    text = mien("evaluate", "mien", "--data", tmp_path / "raf", "--cropped", "--classes", "rafdb", "--format", "json")[1]
    assert json.loads(text)["data"]["classes"] == {"neutral": 2, "happiness": 2, "surprise": 2}


def lone(folder: Path, labels: list[str]) -> Path:
    """A network of another maker, who calls mien's outputs by other names."""
    folder.mkdir()
    shutil.copy(WEIGHTS / "mien" / "model.onnx", folder / "peer.onnx")
    (folder / "model.json").write_text(json.dumps({"name": "peer", "labels": labels}))
    return folder / "peer.onnx"


def test_a_lone_file_is_scored_by_the_labels_beside_it(mien, drawn, tmp_path):
    turned = [*EMOTIONS[1:], EMOTIONS[0]]
    report = json.loads(mien("evaluate", lone(tmp_path / "peer", turned), "--data", drawn, "--cropped", "--format", "json")[1])
    crops, classes = read_crops(drawn)
    probs = np.roll(Recognizer(engine="onnx").classify(crops), 1, axis=1)
    assert report["scores"]["onnx"]["pictures"]["all"]["accuracy"] == pytest.approx(accuracy(probs, classes))
    assert (report["model"], report["labels"]) == ("peer", list(EMOTIONS))


def test_faces_of_a_class_that_the_network_has_not_are_left_out_and_said(mien, drawn, tmp_path):
    (tmp_path / "seven").mkdir()
    seven = tmp_path / "seven" / "net.onnx"
    write_onnx(seven, [None, 48, 48, 1], 7, [1, 48, 48, 1])
    content = {"labels": EMOTIONS[:7], "input": {"range": [0, 1]}, "output": {"logits": True}}
    (tmp_path / "seven" / "model.json").write_text(json.dumps(content))
    text = mien("evaluate", seven, "--data", drawn, "--cropped", "--against", "mien")[1]
    assert "left out, since there is a network without such a class: contempt 15" in text
    assert "paired on the 105 faces of pictures" in text
    assert "McNemar's exact p = " in text


def test_against_a_bundle_and_against_its_stored_predictions_is_the_same(mien, drawn, tmp_path):
    words = ["evaluate", "mien", "--data", drawn, "--cropped", "--format", "json"]
    mien(*words, "--engine", "litert", "--out", tmp_path / "out")
    other = lone(tmp_path / "peer", [*EMOTIONS[1:], EMOTIONS[0]])
    stored, anew = (
        json.loads(mien("evaluate", other, *words[2:], "--against", against)[1])["against"]
        for against in (tmp_path / "out" / "litert-pictures.npz", "mien")
    )
    assert (stored["name"], anew["name"]) == ("litert-pictures", "mien litert")
    compared = [found["comparison"]["onnx"]["pictures"]["all"] for found in (stored, anew)]
    crops, classes = read_crops(drawn)
    probs = Recognizer().classify(crops)
    right, other_right = (p.argmax(1) == classes for p in (np.roll(probs, 1, axis=1), probs))
    for found in compared:
        assert (found["only_right"], found["only_other_right"]) == ((right & ~other_right).sum(), (other_right & ~right).sum())
    assert stored["comparison"]["onnx"]["pictures"]["all"]["value"] == compared[1]["value"]


def test_predictions_of_a_mirrored_run_are_not_compared_with_a_plain_one(mien, drawn, tmp_path):
    words = ["evaluate", "mien", "--data", drawn, "--cropped"]
    assert mien(*words, "--flip", "--out", tmp_path / "out")[0] == 0
    code, _, said = mien(*words, "--against", tmp_path / "out" / "litert-pictures-flip.npz")
    assert code == 2
    assert "was scored with --flip; do so" in said


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--data", "DRAWN", "--cropped", "--split", "test"], "holds class folders, which have neither"),
        (["--data", "DRAWN", "--cropped", "--against", "none.npz"], "none.npz: no such file"),
        (["--data", "DRAWN", "--cropped", "--against", "nobody"], "unknown model 'nobody'"),
        (["--data", "DRAWN", "--cropped", "--classes", "rafdb"], "is for folders that are all numbers"),
        (["--data", "DRAWN"], "no face was found in its 120 pictures; if they are faces already, add --cropped"),
        (["--data", "EMPTY", "--cropped"], "--classes and --cropped are for class folders"),
    ],
)
def test_a_request_that_does_not_fit_the_folder_is_one_line(mien, drawn, tmp_path, words, expected):
    places = {"DRAWN": drawn, "EMPTY": tmp_path}
    code, text, said = mien("evaluate", "mien", *(places.get(word, word) for word in words))
    assert (code in (1, 2), text) == (True, "")
    assert expected in said
    assert "Traceback" not in said


def test_a_bundle_is_calibrated_and_says_so(mien, drawn, tmp_path, monkeypatch):
    for package in ("torch", "scipy", "sklearn", "litert_torch", "ai_edge_quantizer"):
        monkeypatch.setitem(sys.modules, package, None)  # a base install has none of them
    code, text, said = mien("calibrate", "mien", "--data", drawn, "--cropped", "--out", tmp_path / "there")
    assert (code, text) == (0, f"{tmp_path / 'there'}\n")
    assert "drawn: 120 pictures (neutral 15," in said
    assert "by cross-validation in 5 parts" in said
    meta = load_bundle(tmp_path / "there").meta
    assert meta["name"] == "there"
    assert meta["calibration"]["data"]["n"] == 120
    assert "temperature" in mien("info", tmp_path / "there")[1]
    shown = mien("evaluate", tmp_path / "there", "--data", drawn, "--cropped", "--against", "mien")[1]
    assert "fitted on drawn" in shown
    assert "+0.0000 to +0.0000" in shown  # accuracy, which no temperature changes


@pytest.mark.parametrize(
    ("words", "expected", "exit_code"),
    [
        (["mien", "--data", "FEW"], "24 faces to refit on, expected at least 100", 1),
        (["mien", "--data", "SEVEN"], "no face of contempt, of which the refitted probabilities would then say nothing", 1),
        (["mien", "--data", "DRAWN", "--out", "DRAWN"], "exists; choose a new folder", 2),
        (["run/checkpoint.pt", "--data", "DRAWN"], "expected a bundle; make one of a checkpoint with `mien export`", 2),
        (["mein", "--data", "DRAWN"], "Did you mean 'mien'?", 2),
        (["mien", "--data", "NONE"], "no such folder", 1),
        (["mien", "--data", "SEVEN", "--without", "contemt"], "Did you mean 'contempt'?", 2),
    ],
)
def test_what_cannot_be_calibrated_is_one_line(mien, drawn, tmp_path, words, expected, exit_code):
    places = {"DRAWN": drawn, "NONE": tmp_path / "none", "FEW": tmp_path / "few", "SEVEN": tmp_path / "seven"}
    draw_pictures(places["FEW"], 3)
    draw_pictures(places["SEVEN"], 15, WORDS[:7])
    words = [places.get(word, word) for word in words]
    code, text, said = mien("calibrate", *words, "--cropped", *([] if "--out" in words else ["--out", tmp_path / "new"]))
    assert (code, text) == (exit_code, "")
    assert expected in said
    assert not (tmp_path / "new").exists()


@pytest.mark.data
def test_darkened_faces_are_judged_better_after_calibration_on_others_of_them(mien, dataset: Dataset, tmp_path):
    """Real files: the second half of the faces was seen neither in training nor by the refitted values."""
    split = dataset.split("test", "majority")
    chosen = np.random.default_rng(0).permutation(len(split.rows))[:800]
    for i, face in enumerate(chosen):
        emotion = EMOTIONS[split.targets[face].argmax()]
        folder = tmp_path / ("fit" if i < 400 else "held") / emotion
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray((split.images[face] // 10).astype(np.uint8)).save(folder / f"{face}.png")
    assert mien("calibrate", "mien", "--data", tmp_path / "fit", "--cropped", "--out", tmp_path / "dark",
                "--without", "contempt,disgust")[0] == 0  # fmt: skip
    text = mien(
        "evaluate", tmp_path / "dark", "--data", tmp_path / "held", "--cropped", "--against", "mien", "--format", "json"
    )[1]
    found = json.loads(text)["against"]["comparison"]["litert"]["pictures"]["all"]
    assert found["n"] == 400
    assert found["interval"]["log_loss"][1] < 0
    assert found["difference"]["accuracy"] == 0
    sets = json.loads(text)["scores"]["litert"]["pictures"]["all"]
    assert sets["set_coverage"] == pytest.approx(0.9, abs=0.04)


@pytest.mark.data
def test_a_bundle_is_calibrated_on_the_validation_faces(mien, data_folder, tmp_path):
    """Where it was calibrated already, so that next to nothing changes."""
    assert mien("calibrate", "mien", "--data", data_folder, "--out", tmp_path / "same")[0] == 0
    meta, old = load_bundle(tmp_path / "same").meta, load_bundle("mien").meta
    assert meta["temperature"] == pytest.approx(old["temperature"], rel=1e-3)
    assert meta["set_threshold"] == pytest.approx(old["set_threshold"], abs=1e-3)
    assert meta["calibration"]["data"]["n"] == 3_199


def test_a_bundle_of_some_emotions_is_calibrated_on_those_faces_of_fer2013(tmp_path, monkeypatch):
    named = np.array([EMOTIONS.index(emotion) for emotion in ("anger", "happiness", "sadness", "neutral", "happiness")])
    images = np.arange(5 * 48 * 48).reshape(5, 48, 48).astype(np.uint8)
    split = Split(images, np.eye(8)[named], np.arange(5))
    monkeypatch.setattr("mien.data.dataset.read_dataset", lambda _: SimpleNamespace(split=lambda *_: split, checksums={}))
    bundle = SimpleNamespace(labels=("happiness", "sadness"))
    faces, emotions, _, words = calibrate._read_faces(tmp_path, bundle, "", False)
    assert emotions == ["happiness", "sadness", "happiness"]
    assert (faces == images[[1, 2, 4]]).all()
    assert words.startswith("3 faces")
