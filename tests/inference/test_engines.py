"""The exported graphs behind one method: any batch size, one answer, foreign files refused, nothing said."""

import subprocess
import sys

import numpy as np
import pytest

from mien.errors import BundleError, UsageError
from mien.inference.engines import BATCH, LiteRTEngine, OnnxEngine, build_engine
from mien.inference.weights import FILES, WEIGHTS, Bundle, load_bundle


@pytest.fixture(scope="module", params=FILES)
def engine(request):
    return build_engine(load_bundle("mien"), request.param, threads=1)


@pytest.fixture(scope="module")
def crops():
    """200 grey pictures, smooth as faces are: few grey levels a side, enlarged."""
    small = np.random.default_rng(0).integers(0, 256, (200, 6, 6), np.uint8)
    return small.repeat(8, 1).repeat(8, 2)


@pytest.mark.parametrize("count", [0, 1, BATCH, BATCH + 1, 200])
def test_any_batch_size_gives_a_distribution_a_face(engine, crops, count):
    probs = engine.probs(crops[:count])
    assert (probs.shape, probs.dtype) == ((count, 8), np.float32)
    np.testing.assert_allclose(probs.sum(1), 1, atol=1e-5)
    assert (probs >= 0).all()


def test_a_face_has_the_same_probs_in_every_company(engine, crops):
    together = engine.probs(crops)
    assert np.ptp(together, axis=0).max() > 0.1  # faces differ, so that rows in the wrong order would show
    for i in (0, 63, 64, 199):
        np.testing.assert_allclose(engine.probs(crops[i : i + 1])[0], together[i], atol=1e-5)


def test_float_and_uint8_crops_are_the_same(engine, crops):
    np.testing.assert_array_equal(engine.probs(crops[:3].astype(np.float32)), engine.probs(crops[:3]))


def test_engines_agree(crops):
    litert, int8, onnx = (build_engine(load_bundle("mien"), name, threads=1).probs(crops) for name in FILES)
    np.testing.assert_allclose(onnx, litert, atol=1e-5)
    np.testing.assert_allclose(int8, litert, atol=0.1)


def test_unknown_engine():
    with pytest.raises(UsageError, match="Did you mean 'litert-int8'"):
        build_engine(load_bundle("mien"), "litert_int8")


@pytest.mark.parametrize("engine", FILES)
def test_a_graph_that_does_not_fit_the_labels(engine):
    bundle = load_bundle("mien")
    with pytest.raises(BundleError, match="gives 8 probabilities for 7 labels"):
        build_engine(Bundle(bundle.folder, {**bundle.meta, "labels": bundle.meta["labels"][:7]}), engine)


def test_onnxruntime_missing_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UsageError, match=r"'\.\[onnx\]'"):
        build_engine(load_bundle("mien"), "onnx")


@pytest.mark.parametrize("engine_class", [LiteRTEngine, OnnxEngine])
@pytest.mark.parametrize("content", [b"", b"hello, I am a text", "half"])
def test_a_file_that_is_no_graph(tmp_path, engine_class, content):
    path, whole = tmp_path / "model", WEIGHTS / "mien" / ("model.onnx" if engine_class is OnnxEngine else "model.tflite")
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2] if content == "half" else content)
    with pytest.raises(BundleError, match=r"is not an? (LiteRT|ONNX) graph"):
        engine_class(path, threads=1)


def test_a_graph_of_another_kind():
    with pytest.raises(BundleError, match=r"takes \[1, 192, 192, 3\] .* expected \[N,48,48,1\]"):
        LiteRTEngine(WEIGHTS / "blazeface" / "full_range.tflite", threads=1)


def test_a_changed_file_is_refused(tmp_path):
    (tmp_path / "model.tflite").write_bytes((WEIGHTS / "mien" / "model.tflite").read_bytes() + b"\0")
    meta = load_bundle("mien").meta
    with pytest.raises(BundleError, match="sha256 is"):
        build_engine(Bundle(tmp_path, meta))


def test_loading_leaves_the_stderr_of_other_threads_alone(tmp_path):
    code = """
import os, threading
from mien.inference.detector import Detector
written, done = 0, threading.Event()
def write():
    global written
    while not done.is_set():
        written += os.write(2, b"*")
writer = threading.Thread(target=write)
writer.start()
for _ in range(3):
    Detector()
done.set()
writer.join()
print(written)
"""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stderr.count("*") == int(finished.stdout)
