"""The exported graphs against torch: same answers, any number of faces, and nothing said on the way."""

import contextlib
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from drawn import draw_faces

from mien.errors import BundleError
from mien.export.graph import silence
from mien.export.parity import check_parity, compare
from mien.inference.engines import LiteRTEngine, OnnxEngine, build_engine, load_interpreter
from mien.inference.weights import FILES, bundle_names, load_bundle
from mien.models.engine import TorchEngine

ENGINES = {"litert": LiteRTEngine, "litert-int8": LiteRTEngine, "onnx": OnnxEngine}


def read_tensors(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray, int]]:
    """The constants of a .tflite by name: values, scales by channel, and the axis of the channels."""
    interpreter = load_interpreter(path, 1)
    found = {}
    for tensor in interpreter.get_tensor_details():
        step = tensor["quantization_parameters"]
        with contextlib.suppress(ValueError):  # what is computed has no value yet
            found[tensor["name"]] = interpreter.get_tensor(tensor["index"]), step["scales"], step["quantized_dimension"]
    return found


@pytest.mark.parametrize("engine", ["litert", "onnx"])
@pytest.mark.parametrize("n", [0, 1, 3, 64, 65])
def test_float_engines_give_torchs_probabilities_for_any_number_of_faces(converted, engine, n):
    faces = draw_faces(n, 3)
    probs = ENGINES[engine](converted.folder / FILES[engine], 1).probs(faces)
    assert probs.shape == (n, 8)
    assert probs == pytest.approx(TorchEngine(converted.model, converted.temperature).probs(faces), abs=1e-5)


def test_a_batch_after_another_size_gives_the_same(converted):
    engine, faces = LiteRTEngine(converted.folder / FILES["litert-int8"], 1), draw_faces(9, 4)
    whole = engine.probs(faces)
    assert np.concatenate([engine.probs(faces[:2]), engine.probs(faces[2:])]) == pytest.approx(whole, abs=1e-6)


def test_int8_weights_are_the_float_ones_to_half_a_step_of_their_channel(converted):
    floats, bytes_ = (read_tensors(converted.folder / FILES[engine]) for engine in ("litert", "litert-int8"))
    quantized = {name: found for name, found in bytes_.items() if found[0].dtype == np.int8}
    for name, (values, scales, axis) in quantized.items():
        steps = scales.reshape([-1 if i == axis else 1 for i in range(values.ndim)])
        assert len(scales) == values.shape[axis]
        assert (np.abs(values * steps - floats[name][0]) <= steps * 0.5001).all()
    weights = sum(values.size for values, _, _ in quantized.values())
    assert weights > 0.9 * sum(parameter.numel() for parameter in converted.model.parameters() if parameter.ndim > 1)


def test_no_file_names_the_code_that_it_was_made_by(converted):
    for file in FILES.values():
        content = (converted.folder / file).read_bytes()
        assert [word for word in (b".py", b"/site-packages/", str(Path.cwd()).encode()) if word in content] == []


@pytest.mark.parametrize("file", FILES.values())
def test_nor_does_a_shipped_one(file):
    for name in bundle_names():
        assert b".py" not in (load_bundle(name).folder / file).read_bytes()


def test_the_int8_files_are_small(converted):
    limit = {"Nimble": 250_000, "Compact": 300_000, "Ensemble": 500_000}[type(converted.model).__name__]
    assert (converted.folder / FILES["litert-int8"]).stat().st_size < limit


@pytest.mark.data
@pytest.mark.parametrize("engine", ["litert", "onnx"])
def test_float_engines_give_torchs_probabilities_on_real_faces(converted, dataset, engine):
    faces = dataset.split("valid", "majority").images[:100]
    probs = ENGINES[engine](converted.folder / FILES[engine], 1).probs(faces)
    assert probs == pytest.approx(TorchEngine(converted.model, converted.temperature).probs(faces), abs=1e-5)


@pytest.mark.data
@pytest.mark.parametrize("name", ["mien", pytest.param("mien-large", marks=pytest.mark.slow)])
def test_int8_of_a_shipped_bundle_agrees_on_real_faces(dataset, name):
    bundle, faces = load_bundle(name), dataset.split("valid", "majority").images
    reference = build_engine(bundle, "litert").probs(faces)
    assert compare(build_engine(bundle, "onnx").probs(faces), reference)["max_abs_difference"] < 1e-5
    assert compare(build_engine(bundle, "litert-int8").probs(faces), reference)["same_top_class"] >= 0.995


def test_comparison_by_hand():
    probs, reference = np.array([[0.6, 0.4], [0.5, 0.5]]), np.array([[0.7, 0.3], [0.4, 0.6]])
    assert compare(probs, reference) == {"n": 2, "max_abs_difference": pytest.approx(0.1), "same_top_class": 0.5}


@pytest.mark.parametrize(
    ("engine", "difference", "same", "refused"),
    [("litert", 9e-6, 1, False), ("onnx", 2e-5, 1, True), ("litert-int8", 0.1, 0.995, False), ("litert-int8", 0, 0.99, True)],
)
def test_an_engine_that_differs_too_much_is_refused(engine, difference, same, refused):
    found = {"n": 100, "max_abs_difference": difference, "same_top_class": same}
    if refused:
        with pytest.raises(BundleError, match=engine):
            check_parity(engine, found)
    else:
        check_parity(engine, found)


def test_converters_are_silent_and_speech_returns(capfd):
    with silence():
        print("from Python")
        print("from Python", file=sys.stderr)
        os.write(1, b"from native code")
        os.write(2, b"from native code")
    print("after")
    assert capfd.readouterr() == ("after\n", "")


def test_speech_returns_after_an_error_too(capfd):
    with pytest.raises(ZeroDivisionError), silence():
        print(1 / 0)
    print("after")
    assert capfd.readouterr() == ("after\n", "")
