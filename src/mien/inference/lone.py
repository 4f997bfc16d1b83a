"""A network that is no bundle: any .tflite or .onnx, with a model.json beside it that says what it expects and gives.

    {"labels": ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"],
     "input": {"range": [0, 1]}, "output": {"logits": false}}

labels: the emotion of each output. range: what black and white become, 0 and 255 if not given. logits: whether the outputs
need a softmax, false if not given. Size, channels (1, or 3 that get the same grey) and their place are the graph's own.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mien.emotions import EMOTIONS
from mien.errors import BundleError, UsageError
from mien.inference.engines import BATCH, blamed, load_interpreter, load_session

CONTRACT = 'expected {"labels": [...], "input": {"range": [0, 1]}, "output": {"logits": false}} (docs/own-data.md)'
TOLERANCE = 1e-2
"""Most that a row of probabilities may differ from 1 in sum: int8 outputs are coarse."""


@dataclass(frozen=True)
class Graph:
    """run: float32 of this shape -> float32 [n,classes]. shape: None where any size will do, which of a batch is not said."""

    shape: tuple[int | None, ...]
    classes: int
    run: Callable[[np.ndarray], np.ndarray]


class LoneNetwork:
    """One graph behind Engine's method; crops of any size are brought to its own, `side_px`.

    labels: emotion of each output. meta: what its model.json holds. Raises BundleError where that or the graph is not as
    this module's head says, UsageError where onnxruntime is needed and not installed.
    """

    def __init__(self, path: Path, threads: int | None = None):
        if not path.is_file():
            raise UsageError(f"{path}: no such file; expected a .tflite or .onnx with a model.json beside it.")
        self.meta = _read_meta(path.with_name("model.json"))
        self.labels: tuple[str, ...] = tuple(self.meta["labels"])
        self._low, self._high = self.meta["input"]["range"]
        self._logits = self.meta["output"].get("logits", False)
        self._path, self._graph = path, (_open_onnx if path.suffix == ".onnx" else _open_litert)(path, threads)
        if self._graph.classes != len(self.labels):
            raise BundleError(f"{path}: has {self._graph.classes} outputs, but its model.json names {len(self.labels)} labels.")
        self._batch, self.side_px, self._channels, self._first = self._layout()

    def _layout(self) -> tuple[int | None, int, int, bool]:
        """Batch (None for any), side, channels, and whether the channels stand before the rows."""
        stated = [*self.meta["input"]["shape"], *[None] * 4]
        shape = [size or other for size, other in zip(self._graph.shape, stated, strict=False)]
        if len(shape) == 4 and shape[1] == shape[2] and shape[1] and shape[3] in (1, 3):
            return self._graph.shape[0], shape[1], shape[3], False
        if len(shape) == 4 and shape[2] == shape[3] and shape[2] and shape[1] in (1, 3):
            return self._graph.shape[0], shape[2], shape[1], True
        raise BundleError(
            f"{self._path}: takes {shape}; expected faces as [N,side,side,channels] or [N,channels,side,side] with 1 or 3 "
            'channels. Sizes that the graph leaves open are read from "input": {"shape": [...]} in its model.json.'
        )

    def probs(self, crops: np.ndarray) -> np.ndarray:
        """crops: uint8 [n,side,side], any side -> float32 [n,classes], rows sum to 1. Raises BundleError where they do not."""
        size = self._batch or BATCH
        parts = [self._run(crops[i : i + size]) for i in range(0, len(crops), size)]
        outputs = np.concatenate(parts) if parts else np.empty((0, self._graph.classes), np.float32)
        if not np.isfinite(outputs).all():
            raise BundleError(f"{self._path}: its network answers with what is no number; fetch or export it again.")
        if self._logits:
            powers = np.exp(outputs - outputs.max(1, keepdims=True, initial=-np.inf))
            return powers / powers.sum(1, keepdims=True)
        sums = outputs.sum(1)
        if (np.abs(sums - 1) > TOLERANCE).any() or (outputs < -TOLERANCE).any():
            raise BundleError(
                f"{self._path}: its outputs are no probabilities (a row sums to {sums[np.abs(sums - 1).argmax()]:.3g}); "
                'set "output": {"logits": true} in its model.json if they need a softmax.'
            )
        return np.maximum(outputs, 0) / np.maximum(outputs, 0).sum(1, keepdims=True)

    def _run(self, crops: np.ndarray) -> np.ndarray:
        """A graph with a batch of its own gets it full: the last crop stands in for those that lack."""
        side, n = self.side_px, len(crops)
        if crops.shape[1:] != (side, side):
            crops = np.stack([_resized(crop, side) for crop in crops])
        filled = crops[np.minimum(np.arange(self._batch or n), n - 1)].astype(np.float32)
        faces = self._low + filled / 255 * (self._high - self._low)
        faces = np.repeat(np.expand_dims(faces, 1 if self._first else 3), self._channels, 1 if self._first else 3)
        return self._graph.run(np.ascontiguousarray(faces, np.float32))[:n]


def _resized(crop: np.ndarray, side: int) -> np.ndarray:
    return np.asarray(Image.fromarray(crop).resize((side, side), Image.Resampling.BILINEAR))


def _read_meta(path: Path) -> Mapping[str, Any]:
    """model.json with its numbers as such, and `range` and `shape` of its input where they are not given.

    Raises BundleError where it is not as CONTRACT says.
    """
    try:
        meta = {"input": {}, "output": {}, **json.loads(path.read_text(encoding="utf-8"))}
        labels, shape = meta["labels"], meta["input"].get("shape", [])
        names = isinstance(labels, list) and {*labels} <= {*EMOTIONS} and len({*labels}) == len(labels) > 1
        low, high = map(float, meta["input"].get("range", (0, 255)))
        flag = isinstance(meta["output"].get("logits", False), bool)
        threshold = {"set_threshold": float(meta["set_threshold"])} if "set_threshold" in meta else {}
    except FileNotFoundError:
        raise BundleError(f"{path}: missing; a lone network needs it: {CONTRACT}.") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BundleError(f"{path}: cannot be used ({type(error).__name__}: {error}); {CONTRACT}.") from error
    if not names:
        raise BundleError(
            f"{path}: labels {labels!r:.80}; expected a list of at least two of {', '.join(EMOTIONS)}, each once."
        )
    if not -math.inf < low < high < math.inf or not flag:
        raise BundleError(f"{path}: its range or logits is not as it must be; {CONTRACT}.")
    if not isinstance(shape, list) or not all(size is None or type(size) is int for size in shape):
        raise BundleError(f"{path}: shape {shape!r:.80}; expected a list like [null, 48, 48, 1], null for any size.")
    return {**meta, **threshold, "input": {**meta["input"], "range": (low, high), "shape": shape}}


def _open_litert(path: Path, threads: int | None) -> Graph:
    interpreter = load_interpreter(path, threads)
    with blamed(path):
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    _check_ends(path, len(inputs), len(outputs))
    faces, found = inputs[0], outputs[0]

    def run(values: np.ndarray) -> np.ndarray:
        with blamed(path):
            interpreter.set_tensor(faces["index"], _quantized(values, faces))
            interpreter.invoke()
        return _expanded(interpreter.get_tensor(found["index"]), found).reshape(len(values), -1)

    return Graph(tuple(faces["shape"].tolist()), int(found["shape"][-1]), run)


def _quantized(values: np.ndarray, tensor: Mapping[str, Any]) -> np.ndarray:
    scale, zero = tensor["quantization"]
    if tensor["dtype"] == np.float32 or not scale:
        return values.astype(tensor["dtype"])
    limits = np.iinfo(tensor["dtype"])
    return np.clip(np.rint(values / scale) + zero, limits.min, limits.max).astype(tensor["dtype"])


def _expanded(values: np.ndarray, tensor: Mapping[str, Any]) -> np.ndarray:
    scale, zero = tensor["quantization"]
    return ((values.astype(np.float32) - zero) * scale if scale else values).astype(np.float32)


def _open_onnx(path: Path, threads: int | None) -> Graph:
    session = load_session(path, threads)
    inputs, outputs = session.get_inputs(), session.get_outputs()
    _check_ends(path, len(inputs), len(outputs))
    name, shape = inputs[0].name, tuple(size if isinstance(size, int) else None for size in inputs[0].shape)
    if inputs[0].type != "tensor(float)":
        raise BundleError(f"{path}: takes {inputs[0].type}; expected tensor(float).")
    return Graph(shape, outputs[0].shape[-1], lambda values: session.run(None, {name: values})[0].reshape(len(values), -1))


def _check_ends(path: Path, inputs: int, outputs: int) -> None:
    if (inputs, outputs) != (1, 1):
        raise BundleError(f"{path}: has {inputs} inputs and {outputs} outputs; expected one of each, faces and their classes.")
