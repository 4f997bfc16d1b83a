"""A scaled graph answers as the old one's logits, divided: by every engine, for every head, again and again."""

from pathlib import Path

import numpy as np
import pytest
from drawn import draw_faces

from mien.errors import BundleError
from mien.export.temperature import scale_litert, scale_onnx
from mien.inference.engines import LiteRTEngine, OnnxEngine
from mien.inference.weights import FILES, WEIGHTS, load_bundle
from mien.models.engine import TorchEngine

SCALE = {"litert": scale_litert, "litert-int8": scale_litert, "onnx": scale_onnx}


def answers(content: bytes, engine: str, folder: Path, faces: np.ndarray) -> np.ndarray:
    path = folder / FILES[engine]
    path.write_bytes(content)
    return (OnnxEngine if engine == "onnx" else LiteRTEngine)(path, 1).probs(faces)


@pytest.mark.parametrize("engine", FILES)
@pytest.mark.parametrize("factor", [0.4, 1, 3])
def test_the_shipped_files_are_scaled(engine, factor, tmp_path):
    content, faces = load_bundle("mien").path(engine).read_bytes(), draw_faces(70, 1)
    old = answers(content, engine, tmp_path, faces).astype(float) ** (1 / factor)
    scaled = SCALE[engine](content, factor)
    found = answers(scaled, engine, tmp_path, faces)
    assert found == pytest.approx(old / old.sum(1, keepdims=True), abs=1e-5)
    again = answers(SCALE[engine](SCALE[engine](scaled, 5), 0.2), engine, tmp_path, faces)
    assert again == pytest.approx(found, abs=1e-5)


@pytest.mark.parametrize("engine", ["litert", "onnx"])
def test_whatever_layer_stands_before_the_softmax(converted, engine, tmp_path):
    faces = draw_faces(20, 2)
    content = SCALE[engine]((converted.folder / FILES[engine]).read_bytes(), 2.5)
    expected = TorchEngine(converted.model, converted.temperature * 2.5).probs(faces)
    assert answers(content, engine, tmp_path, faces) == pytest.approx(expected, abs=1e-5)


def test_a_graph_without_a_softmax_at_its_end_is_said():
    with pytest.raises(BundleError, match="does not end in a softmax"):
        scale_litert((WEIGHTS / "blazeface" / "short_range.tflite").read_bytes(), 2)
    import onnx

    graph = onnx.load(WEIGHTS / "mien" / "model.onnx")
    graph.graph.node[-1].op_type = "LogSoftmax"
    with pytest.raises(BundleError, match="does not end in a softmax"):
        scale_onnx(graph.SerializeToString(), 2)
