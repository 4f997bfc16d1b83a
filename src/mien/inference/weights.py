"""Finds a bundle, checks that its files are the ones that were published, and reads its contract, model.json."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.emotions import EMOTIONS
from mien.errors import BundleError, unknown
from mien.files import sha256 as sha256_of

WEIGHTS = Path(__file__).parent.parent / "weights"
FILES = {"litert": "model.tflite", "litert-int8": "model.int8.tflite", "onnx": "model.onnx"}
"""File of a bundle for each engine."""
SCHEMA = 1
NUMBER = float | int
META = {
    "schema": int, "name": str, "labels": [str], "files": {str: str}, "frame": {}, "input": {}, "temperature": NUMBER,
    "set_threshold": NUMBER, "parameters": int, "multiply_adds": int, "recipe": {"name": str, "model": str},
    "seed": int, "commit": str | None,
    "scores": {str: {"test": {str: {"n": int, "accuracy": NUMBER, "balanced_accuracy": NUMBER, "ece": NUMBER}}}},
}  # fmt: skip
"""What the runtime reads of model.json. {key: shape} holds at least these keys, {str: shape} any, [shape] any number."""


@dataclass(frozen=True)
class Bundle:
    """A folder with a network's files and `meta`, the content of its model.json."""

    folder: Path
    meta: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.meta["name"]

    @property
    def labels(self) -> tuple[str, ...]:
        """Emotion of each column of the graph's output."""
        return tuple(self.meta["labels"])

    def path(self, engine: str) -> Path:
        """The file for one of FILES, its sha256 checked. Raises BundleError if it is missing or another file."""
        return checked_file(self.folder / FILES[engine], self.sha256(engine))

    def sha256(self, engine: str) -> str:
        """The published checksum of the file for one of FILES. Raises BundleError if the bundle has none."""
        if FILES[engine] not in self.meta["files"]:
            raise BundleError(f"{self.folder}: has no {FILES[engine]}; choose one of {', '.join(self.meta['files'])}.")
        return self.meta["files"][FILES[engine]]


def checked_file(path: Path, sha256: str) -> Path:
    """`path`, if its content has this SHA-256; BundleError otherwise."""
    if not path.is_file():
        raise BundleError(f"{path}: missing; install mien or fetch the bundle again.")
    if (found := sha256_of(path)) != sha256:
        raise BundleError(f"{path}: sha256 is {found[:12]}…, published as {sha256[:12]}…; fetch the bundle again.")
    return path


def bundle_names() -> list[str]:
    """Bundles that this installation carries."""
    return sorted(path.parent.name for path in WEIGHTS.glob("*/model.json"))


def load_bundle(model: str | Path) -> Bundle:
    """The bundle of that name, or in that folder.

    Raises UsageError for a name that is not known, naming the nearest, and BundleError for a folder that is none.
    """
    folder = Path(model)
    if str(model) in bundle_names():
        folder = WEIGHTS / model
    elif not os.path.isdir(folder):  # unlike Path.is_dir, False where the way there is barred
        raise unknown("model", str(model), bundle_names())
    try:
        meta = {"scores": {}, **json.loads((folder / "model.json").read_text(encoding="utf-8"))}
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise BundleError(f"{folder}: is not a bundle, its model.json cannot be read ({error}).") from error
    _check_meta(meta, f"{folder}/model.json")
    return Bundle(folder, meta)


def _check_meta(meta: dict[str, Any], name: str) -> None:
    if meta.get("schema", SCHEMA) != SCHEMA:
        raise BundleError(f"{name}: schema {meta['schema']!r:.20}, expected {SCHEMA}; use the version of mien that wrote it.")
    _check_shape(meta, META, name)
    if strange := [label for label in meta["labels"] if label not in EMOTIONS or meta["labels"].count(label) > 1]:
        raise BundleError(f"{name}: unknown or repeated labels {', '.join(strange)}; known: {', '.join(EMOTIONS)}.")


def _check_shape(value: Any, shape: Any, name: str) -> None:
    """Raises BundleError unless a JSON value is of the shape, which is written as META is. name: of its place."""
    expected = type(shape) if isinstance(shape, dict | list) else shape
    if not isinstance(value, expected):
        kind = getattr(expected, "__name__", expected)
        raise BundleError(f"{name}: {value!r:.40}, expected {kind}; export it again with this version of mien.")
    if isinstance(shape, list):
        for item in value:
            _check_shape(item, shape[0], name)
    elif isinstance(shape, dict):
        if missing := [key for key in shape if key is not str and key not in value]:
            raise BundleError(f"{name}: lacks {', '.join(missing)}; export it again with this version of mien.")
        for key in value if str in shape else shape:
            _check_shape(value[key], shape[str if str in shape else key], f"{name}, {key}")
