"""Graphs of other makers, from two by two pixels up, with the model.json that a user would write."""

import json

import numpy as np
import pytest
from graphs import write_litert, write_onnx
from PIL import Image

from mien.emotions import EMOTIONS, FER2013_EMOTIONS
from mien.errors import BundleError, UsageError
from mien.inference.engines import build_engine
from mien.inference.lone import LoneNetwork
from mien.inference.weights import WEIGHTS, load_bundle

FOUR = list(EMOTIONS[:4])


def describe(folder, **content):
    (folder / "model.json").write_text(json.dumps(content))


def softmax(values):
    powers = np.exp(values - values.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def crops(n, side, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, side, side), np.uint8)


@pytest.mark.parametrize("levels", [[0, 1], [-1, 1], [0, 255], None])
@pytest.mark.parametrize("inside", [True, False], ids=["softmax inside", "logits"])
def test_black_and_white_become_the_range_and_logits_a_softmax(tmp_path, levels, inside):
    write_litert(tmp_path / "net.tflite", 2, softmax=inside)
    describe(tmp_path, labels=FOUR, **({"input": {"range": levels}} if levels else {}), output={"logits": not inside})
    network, faces = LoneNetwork(tmp_path / "net.tflite"), crops(5, 2)
    low, high = levels or [0, 255]
    assert (network.side_px, network.labels) == (2, tuple(FOUR))
    assert network.probs(faces) == pytest.approx(softmax(low + faces.reshape(5, 4) / 255 * (high - low)), abs=1e-5)
    assert network.probs(faces[:0]).shape == (0, 4)


def test_an_int8_graph_gets_and_gives_its_own_steps(tmp_path):
    write_litert(tmp_path / "net.tflite", 2, quantized=True)
    describe(tmp_path, labels=FOUR, input={"range": [0, 1]})
    faces = crops(20, 2, 1)
    assert LoneNetwork(tmp_path / "net.tflite").probs(faces) == pytest.approx(softmax(faces.reshape(20, 4) / 255), abs=6e-3)


@pytest.mark.parametrize(
    ("shape", "stated"),
    [
        ([None, 6, 6, 1], None),
        ([None, 1, 6, 6], None),
        ([None, 3, 6, 6], None),
        ([1, 6, 6, 3], None),
        ([4, 6, 6, 1], None),
        (["n", 3, "h", "w"], [None, 3, 6, 6]),
    ],
)
def test_layout_channels_and_batch_are_the_graphs_own(tmp_path, shape, stated):
    known = [stated[i] if isinstance(size, str) and stated else size for i, size in enumerate(shape)]
    weights = write_onnx(tmp_path / "net.onnx", shape, 7, known)
    describe(tmp_path, labels=FER2013_EMOTIONS, input={"range": [0, 1], **({"shape": stated} if stated else {})},
             output={"logits": True})  # fmt: skip
    network, faces = LoneNetwork(tmp_path / "net.onnx"), crops(9, 6)
    channels, first = (known[1], True) if known[1] != 6 else (known[3], False)
    values = np.repeat(np.expand_dims(faces / 255, 1 if first else 3), channels, 1 if first else 3)
    assert network.side_px == 6
    assert network.probs(faces) == pytest.approx(softmax(values.reshape(9, -1) @ weights), abs=1e-5)


def test_a_crop_of_another_size_is_resized_as_pillow_does(tmp_path):
    write_litert(tmp_path / "net.tflite", 2)
    describe(tmp_path, labels=FOUR, input={"range": [0, 1]})
    faces = crops(3, 48)
    small = np.stack([np.asarray(Image.fromarray(face).resize((2, 2), Image.Resampling.BILINEAR)) for face in faces])
    network = LoneNetwork(tmp_path / "net.tflite")
    assert network.probs(faces) == pytest.approx(network.probs(small), abs=1e-6)


@pytest.mark.parametrize("engine", ["litert", "onnx"])
def test_a_file_of_a_bundle_answers_as_the_bundle(engine):
    bundle = load_bundle("mien")
    network, faces = LoneNetwork(bundle.path(engine)), crops(3, 48)
    assert network.probs(faces) == pytest.approx(build_engine(bundle, engine).probs(faces), abs=1e-5)
    assert (network.labels, network.side_px) == (bundle.labels, 48)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, 'missing; a lone network needs it: expected {"labels": [...]'),
        ("{", "cannot be used (JSONDecodeError"),
        ("[]", "cannot be used (TypeError"),
        ("{}", "cannot be used (KeyError: 'labels')"),
        ('{"labels": ["happy", "sad"]}', "labels ['happy', 'sad']; expected a list of at least two of neutral"),
        ('{"labels": ["neutral", "neutral"]}', "each once"),
        ('{"labels": "neutral"}', "expected a list"),
        ('{"labels": ["neutral", "fear"], "input": {"range": [1, 0]}}', "range or logits"),
        ('{"labels": ["neutral", "fear"], "input": {"range": 255}}', "cannot be used"),
        ('{"labels": ["neutral", "fear"], "input": {"range": [0, Infinity]}}', "range or logits"),
        ("[" * 100_000, "cannot be used (RecursionError"),
        ('{"labels": ["neutral", "fear"], "output": {"logits": "no"}}', "range or logits"),
        ('{"labels": ["neutral", "fear"], "set_threshold": "x"}', "cannot be used"),
        ('{"labels": ["neutral", "fear"], "input": {"shape": 48}}', "shape 48; expected a list like [null, 48, 48, 1]"),
        ('{"labels": ["neutral", "fear"], "input": {"shape": ["48"]}}', "shape ['48']; expected a list"),
        ('{"labels": ["neutral", "fear"]}', "has 4 outputs, but its model.json names 2 labels"),
    ],
)
def test_a_model_json_that_will_not_do_is_said(tmp_path, content, said):
    write_litert(tmp_path / "net.tflite", 2)
    if content is not None:
        (tmp_path / "model.json").write_text(content)
    with pytest.raises(BundleError) as error:
        LoneNetwork(tmp_path / "net.tflite")
    assert said in str(error.value)


def test_numbers_in_quotes_are_numbers(tmp_path):
    write_litert(tmp_path / "net.tflite", 2)
    describe(tmp_path, labels=FOUR, input={"range": ["0", "1"]}, set_threshold="0.9")
    network, faces = LoneNetwork(tmp_path / "net.tflite"), crops(3, 2)
    assert network.probs(faces) == pytest.approx(softmax(faces.reshape(3, 4) / 255), abs=1e-5)
    assert network.meta["set_threshold"] == 0.9


def test_outputs_that_are_no_probabilities_are_said(tmp_path):
    write_litert(tmp_path / "net.tflite", 2, softmax=False)
    describe(tmp_path, labels=FOUR)
    with pytest.raises(BundleError, match=r'no probabilities \(a row sums to 1.02e\+03\); set "output": {"logits": true}'):
        LoneNetwork(tmp_path / "net.tflite").probs(np.full((2, 2, 2), 255, np.uint8))


@pytest.mark.parametrize("inside", [True, False], ids=["softmax inside", "logits"])
def test_outputs_that_are_no_numbers_are_said(tmp_path, inside):
    write_litert(tmp_path / "net.tflite", 2, softmax=inside)
    describe(tmp_path, labels=FOUR, input={"range": [0, 1e39]}, output={"logits": not inside})
    with pytest.raises(BundleError, match="answers with what is no number"):
        LoneNetwork(tmp_path / "net.tflite").probs(np.full((2, 2, 2), 255, np.uint8))


def test_graphs_of_another_kind_are_said(tmp_path):
    describe(tmp_path, labels=FOUR)
    with pytest.raises(UsageError, match=r"no such file; expected a \.tflite or \.onnx"):
        LoneNetwork(tmp_path / "none.tflite")
    for name in ("bad.tflite", "bad.onnx"):
        (tmp_path / name).write_bytes(b"another")
        with pytest.raises(BundleError, match="is not a"):
            LoneNetwork(tmp_path / name)
    write_onnx(tmp_path / "open.onnx", ["n", 3, "h", "w"], 4, [1, 3, 6, 6])
    with pytest.raises(BundleError, match=r'Sizes that the graph leaves open are read from "input": {"shape"'):
        LoneNetwork(tmp_path / "open.onnx")
    (tmp_path / "detector.tflite").write_bytes((WEIGHTS / "blazeface" / "short_range.tflite").read_bytes())
    with pytest.raises(BundleError, match="has 1 inputs and 2 outputs"):
        LoneNetwork(tmp_path / "detector.tflite")
