"""Checkpoint and data -> bundle: calibrated, converted, proved equal, scored, and described."""

import json
from collections.abc import Callable
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from mien.data.dataset import Dataset
from mien.data.own import OwnFaces
from mien.errors import CheckpointError, UsageError
from mien.evaluation.calibration import fit_temperature, prediction_set_threshold, set_coverage, softmax
from mien.evaluation.runs import COVERAGE
from mien.evaluation.score import Predictions, score_protocols, split_part
from mien.export.card import card_text
from mien.export.graph import INPUT, OUTPUT, Graph
from mien.export.litert import write_litert
from mien.export.onnx import write_onnx
from mien.export.parity import INT8_AGREEMENT, OWN_AGREEMENT, check_parity, compare
from mien.export.quantize import write_int8
from mien.files import replaced_folder, sha256
from mien.inference.crop import FRAME
from mien.inference.engines import build_engine
from mien.inference.weights import FILES, SCHEMA, Bundle, load_bundle
from mien.models import count_multiply_adds, count_parameters
from mien.models.engine import TorchEngine
from mien.training.checkpoint import load_network, train_command

SCORED = ("litert", "litert-int8")
PROVED_VIEWS = 3000
"""Views of one's own faces on which the engines are compared with torch."""
CONVERTERS = ("torch", "litert-torch", "ai-edge-quantizer", "onnx", "onnxscript")


def export_bundle(
    checkpoint: Path,
    dataset: Dataset | OwnFaces,
    folder: Path,
    name: str | None = None,
    threads: int | None = None,
    on_step: Callable[[str], None] = lambda text: None,
) -> Bundle:
    """Writes the bundle of a checkpoint to `folder`, whole or not at all, in place of one that is there.

    The temperature and the prediction-set threshold are fitted on validation; the test split is only scored. name: the
    recipe's where None. Raises CheckpointError for a run on other data, BundleError where an engine differs from torch,
    UsageError where `folder` holds something that is no bundle.
    """
    _check_place(folder)
    model, recipe, run = load_network(checkpoint)
    if dataset.checksums not in [part["data"] for part in (run, *run.get("members", ()))]:
        trained = " + ".join(part["checkpoint"] for part in run.get("members", ())) or checkpoint
        options = ", read in the same way (--cropped, --classes)" if "faces" in run else ""
        raise CheckpointError(f"{trained}: was trained on other files; export it with the folder it was trained on{options}.")
    on_step("fitting the temperature on validation")
    valid = split_part(dataset, "valid", run["labels"]).split
    logits, classes = TorchEngine(model).logits(valid.images), valid.targets.argmax(1)
    temperature = fit_temperature(logits, classes)
    probs = softmax(logits, temperature).astype(np.float32)
    with replaced_folder(folder) as partial:
        on_step("converting")
        write_graphs(Graph(model, temperature), partial)
        meta = {
            **describe(name or recipe.name, run),
            "parameters": count_parameters(model),
            "multiply_adds": count_multiply_adds(model),
            "temperature": temperature,
            "set_threshold": prediction_set_threshold(probs, classes, COVERAGE),
            "files": {file: sha256(partial / file) for file in FILES.values()},
            "sizes": {file: (partial / file).stat().st_size for file in FILES.values()},
        }
        on_step("comparing the engines with torch")
        own = isinstance(dataset, OwnFaces)
        views, agreement = (enough_views(valid.images), OWN_AGREEMENT) if own else (valid.images, INT8_AGREEMENT)
        reference = TorchEngine(model, temperature).probs(views)
        meta["parity"] = prove_parity(Bundle(partial, meta), views, reference, threads, agreement)
        on_step("scoring")
        meta |= score_bundle(Bundle(partial, meta), dataset, threads)
        (partial / "model.json").write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
        (partial / "CARD.md").write_text(card_text(meta), encoding="utf-8")
    return load_bundle(folder)


def write_graphs(graph: Graph, folder: Path) -> None:
    """Writes the three files of FILES."""
    write_litert(graph, folder / FILES["litert"])
    write_int8(folder / FILES["litert"], folder / FILES["litert-int8"])
    write_onnx(graph, folder / FILES["onnx"])


def describe(name: str, run: dict[str, Any]) -> dict[str, Any]:
    """The part of model.json that the checkpoint knows: what goes in and out, and how to make the weights again."""
    return {
        "schema": SCHEMA,
        "name": name,
        "labels": run["labels"],
        "input": {"name": INPUT, "shape": [None, 48, 48, 1], "dtype": "float32", "range": [0, 255]},
        "output": {"name": OUTPUT, "shape": [None, len(run["labels"])], "dtype": "float32"},
        "frame": FRAME,
        **describe_making(run),
        "exported_with": {package: version(package) for package in CONVERTERS},
    }


def describe_making(run: dict[str, Any]) -> dict[str, Any]:
    """How a network's weights came about, and those of each of an ensemble's `members`."""
    recipe, members = run["recipe"], [describe_making(member) for member in run.get("members", ())]
    return {
        "network": recipe["model"],
        **{key: run[key] for key in ("recipe", "seed", "epoch", "commit", "environment", "data")},
        **{key: run[key] for key in ("start", "before", "faces", "teachers", "checkpoint", "sha256") if run.get(key)},
        "training_s": round(sum(entry["time_s"] for entry in run["history"])) + sum(member["training_s"] for member in members),
        "command": run.get("command") or train_command(f"{recipe['name']}.toml", run),
        **({"members": members} if members else {}),
    }


def enough_views(faces: np.ndarray, least: int = PROVED_VIEWS) -> np.ndarray:
    """uint8 [n,48,48] -> about as many as that: few faces are also mirrored and moved by up to 3 px.

    So one face on the edge between two emotions does not decide whether int8 weights leave the top class as it was.
    """
    moves = sorted(product(range(-3, 4), range(-3, 4)), key=lambda move: abs(move[0]) + abs(move[1]))
    wide = np.pad(faces, ((0, 0), (3, 3), (3, 3)), "edge")
    views = [faces]
    for down, right in moves[1:]:
        if sum(map(len, views)) >= least:
            break
        moved = wide[:, 3 + down : 51 + down, 3 + right : 51 + right]
        views += [moved, moved[:, :, ::-1]]
    return np.concatenate(views)


def prove_parity(
    bundle: Bundle, faces: np.ndarray, reference: np.ndarray, threads: int | None, agreement: float = INT8_AGREEMENT
) -> dict[str, Any]:
    """How far each engine is from the network's own probs on these faces. Raises BundleError where one is too far."""
    parity = {}
    for engine in FILES:
        parity[engine] = compare(build_engine(bundle, engine, threads).probs(faces), reference)
        check_parity(engine, parity[engine], agreement)
    return parity


def score_bundle(bundle: Bundle, dataset: Dataset | OwnFaces, threads: int | None) -> dict[str, Any]:
    """`scores` by engine, split and protocol, and `prediction_sets` by engine and split (all of its faces)."""
    scores: dict[str, Any] = {}
    sets: dict[str, Any] = {}
    for name in SCORED:
        engine = build_engine(bundle, name, threads)
        results = {split: score_protocols(engine, dataset, split, bundle.labels) for split in ("valid", "test")}
        scores[name] = {split: summaries for split, (_, summaries) in results.items()}
        sets[name] = {split: _sets(found, bundle.meta["set_threshold"]) for split, (found, _) in results.items()}
    return {"scores": scores, "prediction_sets": {"target_coverage": COVERAGE, **sets}}


def _sets(predictions: Predictions, threshold: float) -> dict[str, Any]:
    coverage, size = set_coverage(predictions.probs, predictions.classes, threshold)
    ambiguous = float(np.mean(predictions.probs.max(1) < threshold))
    return {"n": len(predictions.probs), "coverage": coverage, "mean_size": size, "ambiguous": ambiguous}


def _check_place(folder: Path) -> None:
    """Raises UsageError where `folder` holds something that is no bundle."""
    if folder.exists() and not (folder / "model.json").is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: holds something that is not a bundle; choose another --out.")
    if folder.resolve() == Path.cwd():
        raise UsageError(f"{folder}: is the folder that this runs in, which cannot be replaced; choose another --out.")
