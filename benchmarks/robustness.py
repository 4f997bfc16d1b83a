"""How a network does on faces made worse, in twelve ways and three strengths, and otherwise framed, against clean ones.

    python -m benchmarks.robustness mien --data DIR --out results/robustness-valid.json

Every figure is of the majority faces of one split, single pass, published protocol. Ratios are against the clean faces.
"""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from mien.cli.model import open_model
from mien.cli.table import print_table
from mien.data.dataset import read_dataset
from mien.evaluation.corruptions import CORRUPTIONS, FRAMINGS, STRENGTHS, corrupt, reframe
from mien.evaluation.metrics import accuracy, balanced_accuracy, expected_calibration_error, log_loss
from mien.evaluation.score import Aligned, split_part


def main(
    models: Annotated[list[str], typer.Argument(help="Bundles, checkpoints, or .tflite and .onnx files.")],
    data: Annotated[Path, typer.Option(help="Folder with FER2013 and fer2013new.csv.")],
    split: str = "valid",
    seed: int = 0,
    threads: int = 1,
    out: Path | None = None,
) -> None:
    """Prints a table for each network, and writes all as JSON."""
    dataset, report = read_dataset(data), {"date": time.strftime("%Y-%m-%d"), "split": split, "seed": seed, "networks": {}}
    for name in models:
        opened = open_model(name, "", threads)
        engine = next(iter(opened.engines))
        predictor = opened.engines[engine]
        faces = split_part(dataset, split, predictor.labels).split
        found = measure(predictor, faces.images, faces.targets.argmax(1), seed)
        report["networks"][name] = {**opened.about, "engine": engine, **found}
        print_table(f"{name}, {split}, n {len(faces.rows):,}", rows(found))
    if out:
        out.write_text(json.dumps(report, indent=1) + "\n")


def measure(predictor: Aligned, images: np.ndarray, classes: np.ndarray, seed: int) -> dict[str, Any]:
    """`clean`, `corrupted` by name and strength, `framed` by name, and what they come to. images: uint8 [n,48,48]."""

    def one(worse: np.ndarray) -> dict[str, float]:
        probs = predictor.probs(worse)
        return {"accuracy": accuracy(probs, classes), "balanced_accuracy": balanced_accuracy(probs, classes),
                "log_loss": log_loss(probs, classes), "ece": expected_calibration_error(probs, classes),
                "confidence": float(probs.max(1).mean())}  # fmt: skip

    clean = one(images)
    corrupted = {
        name: {strength: one(corrupt(images, name, i, seed)) for i, strength in enumerate(STRENGTHS)} for name in CORRUPTIONS
    }
    framed = {name: one(reframe(images, *how)) for name, how in FRAMINGS.items()}
    means = {
        strength: {key: float(np.mean([by[strength][key] for by in corrupted.values()])) for key in clean}
        for strength in STRENGTHS
    }
    return {
        "n": len(images),
        "clean": clean,
        "corrupted": corrupted,
        "framed": framed,
        "mean": means,
        "accuracy_kept": {strength: mean["accuracy"] / clean["accuracy"] for strength, mean in means.items()},
        "most_lost_by_framing": clean["accuracy"] - min(framed[name]["accuracy"] for name in framed if "%" in name),
    }


def rows(found: dict[str, Any]) -> list[list[str]]:
    """Accuracy and calibration error at each strength, the first row a header."""
    table = [["", *(f"{what}, {strength}" for what in ("accuracy", "ece") for strength in STRENGTHS)]]
    parts = {**found["corrupted"], "mean": found["mean"]}
    table += [[name, *(f"{by[s][key]:.3f}" for key in ("accuracy", "ece") for s in STRENGTHS)] for name, by in parts.items()]
    table.append(["mean, share of clean", *(f"{found['accuracy_kept'][s]:.3f}" for s in STRENGTHS), "", "", ""])
    for name, one in {"clean": found["clean"], **found["framed"]}.items():
        table.append([name, "", f"{one['accuracy']:.3f}", "", "", f"{one['ece']:.3f}", ""])
    return table


if __name__ == "__main__":
    typer.run(main)
