"""Bundle and labelled faces of another domain -> the bundle with another temperature and prediction-set threshold.

The weights stay, and with them each face's order of emotions; no torch is needed.
"""

import json
import re
import tempfile
from collections.abc import Collection, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import BundleError, DataError, UsageError
from mien.evaluation.calibration import (
    TEMPERATURES,
    cross_validate,
    fit_temperature,
    prediction_set_threshold,
    softmax,
)
from mien.evaluation.intervals import bootstrap
from mien.evaluation.metrics import summarise
from mien.evaluation.report import markdown, score_table
from mien.evaluation.runs import COVERAGE
from mien.export.card import files_table
from mien.export.parity import FLOAT_DIFFERENCE
from mien.export.temperature import scale_litert, scale_onnx
from mien.files import replaced_folder, sha256
from mien.inference.engines import LiteRTEngine, OnnxEngine
from mien.inference.weights import FILES, Bundle, load_bundle

FEWEST_FACES = 100
"""Fewest faces to refit on: with 100, ten lie outside a prediction set of 90%."""
FOLDS = 5
PROVED_FACES = 200
"""Faces on which each changed file is shown to answer as it should."""
STALE = ("scores", "prediction_sets", "parity", "calibration")
"""What a bundle says of its old temperature."""
KEPT = ("Intended use, and what is not", "Training", "Terms")
"""Sections of the old card that hold for the new one."""

CARD = """# {name}

`{base}` with its probabilities refitted to other faces: the same weights, another temperature and prediction-set threshold.
Which emotion comes first is never changed by that; how sure it is, is.

## Files

{files}

## Calibration

Fitted on {n:,} faces of `{folder}`:
{classes}{absent}.
Temperature {old_temperature:.4f} became {temperature:.4f}, and prediction-set threshold {old_threshold:.4f} became
{set_threshold:.4f}. Before and after, on these faces: *after* by cross-validation in {folds} parts, each face scored with what
was fitted on the other parts. The bundle's own two values are fitted on all of them.

{table}

{sections}"""


def recalibrate(
    bundle: Bundle,
    faces: np.ndarray,
    emotions: Sequence[str],
    about: Mapping[str, Any],
    folder: Path,
    name: str,
    without: Collection[str] = (),
) -> Bundle:
    """Writes the refitted bundle to `folder`, whole or not at all; model.onnx only where the package onnx is installed.

    faces: uint8 [n,48,48]; emotions: of each, one of the bundle's labels; about: what model.json says of them. without:
    emotions of which there need be no face. Raises DataError for too few faces, UsageError where `folder` exists.
    """
    check_new(folder)
    _check_faces(emotions, bundle.labels, without, str(about["folder"]))
    classes = np.array([bundle.labels.index(emotion) for emotion in emotions])
    content = bundle.path("litert").read_bytes()
    logits = flat_logits(content, faces)
    factor = fit_temperature(logits, classes)
    calibration = {
        "data": {**about, "n": len(faces)},
        "without": sorted(set(bundle.labels) - set(emotions)),
        "base": {"name": bundle.name, "sha256": bundle.sha256("litert"),
                 **{key: bundle.meta[key] for key in ("temperature", "set_threshold")}},
        "coverage": COVERAGE,
        "folds": FOLDS,
        **_score(logits, classes, bundle),
    }  # fmt: skip
    with replaced_folder(folder) as partial:
        for engine in ("litert", "litert-int8", "onnx"):
            if FILES[engine] in bundle.meta["files"] and (engine != "onnx" or find_spec("onnx")):
                _write_graph(bundle, engine, factor, faces[:PROVED_FACES], partial)
        meta = {
            **{key: value for key, value in bundle.meta.items() if key not in STALE},
            "name": name,
            "temperature": bundle.meta["temperature"] * factor,
            "set_threshold": prediction_set_threshold(softmax(logits, factor).astype(np.float32), classes, COVERAGE),
            "files": {path.name: sha256(path) for path in sorted(partial.iterdir())},
            "sizes": {path.name: path.stat().st_size for path in sorted(partial.iterdir())},
            "calibration": calibration,
        }
        (partial / "model.json").write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
        (partial / "CARD.md").write_text(card_text(meta, bundle.folder / "CARD.md"), encoding="utf-8")
        check_new(folder)  # nor was it made meanwhile
    return load_bundle(folder)


def check_new(folder: Path) -> None:
    """Raises UsageError where there is something already."""
    if folder.exists():
        raise UsageError(f"--out {folder}: exists; choose a new folder, since a bundle is never changed in place.")


def flat_logits(content: bytes, faces: np.ndarray) -> np.ndarray:
    """The logits [n,c] of a .tflite that gives probabilities, up to a constant a row, over its present temperature.

    They are read where the softmax is flattened as far as it goes, since in a steep one small probabilities are 0.
    """
    flat = TEMPERATURES[1]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flat.tflite"
        path.write_bytes(scale_litert(content, flat))
        return flat * np.log(LiteRTEngine(path).probs(faces).astype(float))


def _check_faces(emotions: Sequence[str], labels: Sequence[str], without: Collection[str], folder: str) -> None:
    if len(emotions) < FEWEST_FACES:
        raise DataError(
            f"{folder}: {len(emotions)} faces to refit on, expected at least {FEWEST_FACES}; a few hundred are better."
        )
    if absent := [label for label in labels if label not in {*emotions, *without}]:
        raise DataError(
            f"{folder}: holds no face of {', '.join(absent)}, of which the refitted probabilities would then say nothing. Add "
            f"such faces, or accept it with --without {','.join(absent)}."
        )
    if len(set(emotions)) < 2:
        raise DataError(f"{folder}: holds {emotions[0]} alone; a temperature is fitted on faces of several emotions.")


def _score(logits: np.ndarray, classes: np.ndarray, bundle: Bundle) -> dict[str, Any]:
    """`before` and `after`, by cross-validation: metrics.summarise with intervals."""
    probs, thresholds = cross_validate(logits, classes, COVERAGE, FOLDS)
    ways = {"before": (softmax(logits), bundle.meta["set_threshold"]), "after": (probs, thresholds)}
    return {
        way: {**summarise(p, classes, bundle.labels, threshold), "interval": bootstrap(p, classes)}
        for way, (p, threshold) in ways.items()
    }


def _write_graph(bundle: Bundle, engine: str, factor: float, faces: np.ndarray, folder: Path) -> None:
    """Writes one of FILES with the temperature scaled. Raises BundleError unless its answers are the old ones so scaled."""
    old, path = bundle.path(engine), folder / FILES[engine]
    content = old.read_bytes()
    path.write_bytes((scale_onnx if engine == "onnx" else scale_litert)(content, factor))
    if engine != "onnx":
        logits = flat_logits(content, faces)
    elif find_spec("onnxruntime"):
        logits = flat_logits(bundle.path("litert").read_bytes(), faces)
    else:
        return
    found = (OnnxEngine if engine == "onnx" else LiteRTEngine)(path).probs(faces)
    if (difference := np.abs(found - softmax(logits, factor)).max()) > FLOAT_DIFFERENCE:
        raise BundleError(f"{old}: changed by {difference:.1e} more than its temperature says; export its checkpoint again.")


def card_text(meta: Mapping[str, Any], old_card: Path) -> str:
    """The Markdown for a refitted bundle's model.json, with what holds of the card of the bundle it came from."""
    found, base = meta["calibration"], meta["calibration"]["base"]
    sections = re.split(r"^## ", old_card.read_text(encoding="utf-8"), flags=re.M) if old_card.is_file() else []
    return CARD.format(
        name=meta["name"],
        base=base["name"],
        files=files_table(meta),
        n=found["data"]["n"],
        folder=found["data"]["folder"],
        classes=", ".join(f"{label} {cell['n']:,}" for label, cell in found["before"]["recall"].items() if cell["n"]),
        absent=f"; none of {', '.join(found['without'])}, for which it says nothing" if found["without"] else "",
        old_temperature=base["temperature"],
        old_threshold=base["set_threshold"],
        temperature=meta["temperature"],
        set_threshold=meta["set_threshold"],
        folds=found["folds"],
        table=markdown(score_table({"before": found["before"], "after": found["after"]})),
        sections="".join(f"## {section}" for section in sections if section.startswith(KEPT)),
    )  # fmt: skip
