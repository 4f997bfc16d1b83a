"""Occlusion maps: a planted patch lights up, plain loops agree, other weights give another map (arXiv:1810.03292), and the
order that a map gives hides or shows what matters sooner than chance (arXiv:1806.07421)."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien import EMOTIONS, Recognizer
from mien.errors import ImageError, UsageError
from mien.files import sha256
from mien.inference.explain import SIDES_PX, explain_crop
from mien.inference.weights import load_bundle
from mien.results import Box

PICTURES = Path(__file__).parents[1] / "golden" / "pictures"
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer()


def planted(crops: np.ndarray) -> np.ndarray:
    """Happiness is as sure as the patch at rows 12 to 20 and columns 28 to 36 is bright; the others share the rest."""
    bright = crops[:, 12:20, 28:36].mean((1, 2)) / 255 * 0.8 + 0.1
    probs = np.repeat((1 - bright)[:, None] / 7, 8, 1)
    probs[:, EMOTIONS.index("happiness")] = bright
    return probs


def test_a_planted_patch_lights_up_and_nothing_far_from_it() -> None:
    crop = np.full((48, 48), 60, np.uint8)
    crop[12:20, 28:36] = 250
    found = explain_crop(crop, planted)
    happy, other = found.maps["happiness"], found.maps["anger"]
    assert happy[12:20, 28:36].min() > 0.3 * happy.max() > 0
    assert (happy[:, :12] == 0).all()  # no square reaches the patch from there
    assert (happy[36:] == 0).all()
    assert other[16, 32] < 0
    assert found.probs["happiness"] == pytest.approx(250 / 255 * 0.8 + 0.1)
    assert sum(found.probs.values()) == pytest.approx(1)


def test_each_pixel_is_the_mean_of_what_covers_it(recognizer: Recognizer) -> None:
    """Against a plain loop over squares."""
    crop = np.asarray(Image.open(PICTURES / "grey.png").convert("L").resize((48, 48)))

    def odds(face: np.ndarray) -> np.ndarray:
        probs = np.maximum(recognizer.classify(face[None])[0].astype(float), 1e-9)
        return np.log(probs / np.array([sum(probs) - p for p in probs]))

    found, plain = explain_crop(crop, recognizer.classify), odds(crop)
    row, column = 30, 23
    means = []
    for side in SIDES_PX:
        drops = []
        for top in range(-side // 2, 48, side // 2):
            for left in range(-side // 2, 48, side // 2):
                if top <= row < top + side and left <= column < left + side:
                    covered = crop.copy()
                    covered[max(top, 0) : top + side, max(left, 0) : left + side] = round(crop.mean())
                    drops.append(plain - odds(covered))
        means.append(np.mean(drops, 0))
    expected = dict(zip(EMOTIONS, np.mean(means, 0), strict=True))
    assert {name: float(found.maps[name][row, column]) for name in EMOTIONS} == pytest.approx(expected, abs=1e-2)


def test_the_same_face_as_predict_saw_by_number_result_and_box(recognizer: Recognizer) -> None:
    picture = PICTURES / "several.jpg"
    faces = recognizer.predict(picture).faces
    for number, face in enumerate(faces):
        for asked in (number, face):
            assert recognizer.explain(picture, asked).probs == pytest.approx(dict(face.probs), abs=1e-6)
    tilted = recognizer.predict(PICTURES / "tilted.jpg").faces[0]
    assert recognizer.explain(PICTURES / "tilted.jpg", tilted).probs == pytest.approx(dict(tilted.probs), abs=1e-6)
    given = recognizer.predict(picture, boxes=[(400, 50, 140, 140)]).faces[0]
    assert recognizer.explain(picture, given).probs == pytest.approx(dict(given.probs), abs=1e-6)
    whole = recognizer.predict_batch([PICTURES / "grey.png"], whole_image=True)[0].faces[0]
    assert recognizer.explain(PICTURES / "grey.png", whole).probs == pytest.approx(dict(whole.probs), abs=1e-6)


def test_a_face_that_fills_its_picture_is_explained_as_it_was_seen(recognizer: Recognizer) -> None:
    close = Image.open(PICTURES / "astronaut.jpg").crop((169, 59, 283, 173)).resize((300, 300))
    face = recognizer.predict(close).faces[0]
    assert face.box == Box(0, 0, 300, 300)
    assert recognizer.explain(close, face).probs == pytest.approx(dict(face.probs), abs=1e-6)


def test_what_is_not_there(recognizer: Recognizer) -> None:
    with pytest.raises(UsageError, match=r"face 0: .*no-face.jpg has 0, numbered from 0"):
        recognizer.explain(PICTURES / "no-face.jpg")
    with pytest.raises(UsageError, match="face -1: "):
        recognizer.explain(PICTURES / "hopper.jpg", -1)
    face = recognizer.predict(PICTURES / "several.jpg").faces[0]
    with pytest.raises(ImageError, match=r"expected one in the picture"):
        recognizer.explain(Image.new("L", (64, 64)), face)
    assert face.box != Box(0, 0, 64, 64)


def test_other_weights_give_another_map(recognizer: Recognizer, tmp_path: Path) -> None:
    """The sanity check of Adebayo et al.: with the network's weights shuffled, the map is no longer what it was."""
    pytest.importorskip("onnx")
    import json

    import onnx
    from onnx import numpy_helper

    folder = tmp_path / "shuffled"
    shutil.copytree(load_bundle("mien").folder, folder)
    graph, meta = onnx.load(folder / "model.onnx"), json.loads((folder / "model.json").read_text())
    alike = []
    for _ in range(4):
        for weights in graph.graph.initializer:
            values = numpy_helper.to_array(weights)
            if values.ndim > 1:
                weights.CopyFrom(numpy_helper.from_array(RNG.permutation(values.ravel()).reshape(values.shape), weights.name))
        onnx.save(graph, folder / "model.onnx")
        meta["files"]["model.onnx"] = sha256(folder / "model.onnx")
        (folder / "model.json").write_text(json.dumps(meta))
        shuffled, whole = Recognizer(folder, engine="onnx"), Recognizer(engine="onnx")
        for name in ("astronaut.jpg", "hopper.jpg"):
            top = recognizer.predict(PICTURES / name).faces[0].emotion
            plain, same, other = (one.explain(PICTURES / name).maps[top].ravel() for one in (recognizer, whole, shuffled))
            assert np.corrcoef(plain, same)[0, 1] > 0.999
            alike.append(np.corrcoef(plain, other)[0, 1])
    assert np.abs(alike).max() < 0.9
    assert abs(np.mean(alike)) < 0.5


def curve(
    recognizer: Recognizer, crop: np.ndarray, order: np.ndarray, emotion: str, start: np.ndarray, end: np.ndarray
) -> float:
    """Mean probability of the emotion while pixels go, in this order, from `start`'s to `end`'s, in 24 steps."""
    steps = []
    for share in np.linspace(0, 1, 25):
        face = start.copy().ravel()
        chosen = order[: round(share * len(order))]
        face[chosen] = end.ravel()[chosen]
        steps.append(face.reshape(48, 48))
    return float(recognizer.classify(np.stack(steps))[:, EMOTIONS.index(emotion)].mean())


def test_hiding_and_showing_in_the_maps_order_beats_chance(recognizer: Recognizer) -> None:
    """Over all faces deletion falls and insertion rises sooner than in each of 20 random orders of the same 4x4 cells."""
    cells = np.arange(48) // 4
    cell = (cells[:, None] * 12 + cells).ravel()
    deletion, insertion = [], []
    for name in ("astronaut.jpg", "hopper.jpg", "several.jpg"):
        for number, face in enumerate(recognizer.predict(PICTURES / name).faces):
            found = recognizer.explain(PICTURES / name, number)
            grey = np.full((48, 48), round(found.crop.mean()), np.uint8)
            orders = [np.argsort(-found.maps[face.emotion].ravel(), kind="stable")]
            orders += [np.argsort(RNG.permutation(144)[cell], kind="stable") for _ in range(20)]
            deletion.append([curve(recognizer, found.crop, order, face.emotion, found.crop, grey) for order in orders])
            insertion.append([curve(recognizer, found.crop, order, face.emotion, grey, found.crop) for order in orders])
    assert len(deletion) == 6
    hidden, shown = np.mean(deletion, 0), np.mean(insertion, 0)
    assert hidden[0] < hidden[1:].min()
    assert shown[0] > shown[1:].max()
