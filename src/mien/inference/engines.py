"""Engines: one exported graph each, behind one method. What they run needs no torch."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from mien.errors import BundleError, lacking, unknown
from mien.inference.weights import FILES, Bundle

BATCH = 8
"""Most faces that go through a graph at once: with 64, what lies between its layers outgrows the caches (docs/LOG.md)."""


class Engine(Protocol):
    """crops: uint8 or float32 [n,48,48], grey levels 0 to 255 -> probs float32 [n,classes], calibrated, rows sum to 1."""

    def probs(self, crops: np.ndarray) -> np.ndarray: ...


def build_engine(bundle: Bundle, engine: str = "litert", threads: int | None = None) -> Engine:
    """The engine that runs one of the bundle's files: one of FILES, by name.

    threads: 1 where None, since these networks are too small to gain from more. Raises UsageError for an unknown engine or
    one whose package is not installed, BundleError for a graph that does not fit the bundle's labels.
    """
    if engine not in FILES:
        raise unknown("engine", engine, FILES)
    path, labels = bundle.path(engine), bundle.labels
    runner = OnnxEngine(path, threads) if engine == "onnx" else LiteRTEngine(path, threads)
    if runner.classes != len(labels):
        raise BundleError(f"{path}: gives {runner.classes} probabilities for {len(labels)} labels; export the bundle again.")
    return runner


def load_interpreter(path: Path, threads: int | None) -> Any:
    """A LiteRT interpreter for a .tflite file, ready to run. Raises BundleError if the file is no such graph."""
    from ai_edge_litert.interpreter import Interpreter

    with blamed(path):
        interpreter = Interpreter(str(path), num_threads=threads or 1)
        interpreter.allocate_tensors()
    return interpreter


@contextmanager
def blamed(path: Path) -> Iterator[None]:
    """Raises BundleError where LiteRT stumbles over a graph, which it may when it reads it, asks it, or runs it."""
    try:
        yield
    except (ValueError, RuntimeError, MemoryError, IndexError) as error:
        raise BundleError(f"{path}: is not a LiteRT graph ({error}).") from error


def load_session(path: Path, threads: int | None) -> Any:
    """An onnxruntime session for an .onnx file. Raises UsageError without onnxruntime, BundleError for no such graph."""
    try:
        import onnxruntime
    except ModuleNotFoundError:
        raise lacking(f"{path}: an .onnx file needs onnxruntime", "onnx") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 1
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no base class of their own
        raise BundleError(f"{path}: is not an ONNX graph ({error}).") from error


def _check_shapes(path: Path, faces: Sequence, probs: Sequence) -> None:
    """Raises BundleError for a graph that is not one from faces [N,48,48,1] to probs [N,classes]."""
    if list(faces[1:]) != [48, 48, 1] or len(probs) != 2:
        raise BundleError(f"{path}: takes {list(faces)} and gives {list(probs)}; expected [N,48,48,1] and [N,classes].")


class LiteRTEngine:
    """A .tflite with input float32 [N,48,48,1] and output probs [N,classes]. Safe to call from several threads."""

    def __init__(self, path: Path, threads: int | None = None):
        self._path, self._interpreter = path, load_interpreter(path, threads)
        with blamed(path):
            faces, probs = self._interpreter.get_input_details()[0], self._interpreter.get_output_details()[0]
        _check_shapes(path, faces["shape"].tolist(), probs["shape"].tolist())
        self._index, self.classes = faces["index"], int(probs["shape"][-1])
        self._faces, self._probs = (self._interpreter.tensor(tensor["index"]) for tensor in (faces, probs))
        self._batch: int | None = None
        self._lock = threading.Lock()

    def probs(self, crops: np.ndarray) -> np.ndarray:
        probs = np.empty((len(crops), self.classes), np.float32)
        with self._lock, blamed(self._path):
            for i in range(0, len(crops), BATCH):
                self._run(crops[i : i + BATCH], probs[i : i + BATCH])
        return probs

    def _run(self, crops: np.ndarray, probs: np.ndarray) -> None:
        """Reads and writes the graph's tensors in place, which saves copies."""
        if self._batch != len(crops):
            self._interpreter.resize_tensor_input(self._index, (*crops.shape, 1))
            self._interpreter.allocate_tensors()
            self._batch = len(crops)
        self._faces()[..., 0] = crops
        self._interpreter.invoke()
        probs[:] = self._probs()


class OnnxEngine:
    """A .onnx with the same input and output, by onnxruntime (extra `onnx`). Safe to call from several threads."""

    def __init__(self, path: Path, threads: int | None = None):
        self._session = load_session(path, threads)
        faces, probs = self._session.get_inputs()[0], self._session.get_outputs()[0]
        _check_shapes(path, faces.shape, probs.shape)
        self._input, self.classes = faces.name, probs.shape[-1]

    def probs(self, crops: np.ndarray) -> np.ndarray:
        faces = np.ascontiguousarray(crops, np.float32)[..., None]
        parts = [self._session.run(None, {self._input: faces[i : i + BATCH]})[0] for i in range(0, len(faces), BATCH)]
        return np.concatenate(parts) if parts else np.empty((0, self.classes), np.float32)
