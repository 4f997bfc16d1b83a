"""Which calibration to fit: one temperature, that with a bias a class, vector or matrix scaling (arXiv:1706.04599, 4.2).

    python -m benchmarks.calibration results/mien-0.npz --out results/calibration.json

Each is fitted on four fifths of the validation faces with a majority and measured on the rest, in turn; test is not read.
"""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from benchmarks.answers import read_valid
from scipy.optimize import minimize

from mien.cli.table import print_table
from mien.evaluation.calibration import softmax
from mien.evaluation.metrics import (
    accuracy,
    balanced_accuracy,
    classwise_calibration_error,
    expected_calibration_error,
    log_loss,
)

KINDS = {"temperature": 0.0, "temperature and bias": 0.001, "vector": 0.001, "matrix": 0.003}
"""Kind -> penalty on squared biases and on what lies off the diagonal (without: worse, most so for the matrix)."""
METRICS = {"log loss": log_loss, "accuracy": accuracy, "balanced accuracy": balanced_accuracy,
           "ece": expected_calibration_error, "class-wise ece": classwise_calibration_error}  # fmt: skip


def main(
    runs: Annotated[list[Path], typer.Argument(help="Answers of finished runs, .npz.")],
    folds: int = 5,
    seed: int = 0,
    out: Path | None = None,
) -> None:
    """Prints a table for each run, and writes all as JSON."""
    report = {}
    for path in runs:
        logits, classes = read_valid(path)
        found = {kind: measure(logits, classes, kind, folds, seed) for kind in KINDS}
        report[path.stem] = {"n": len(classes), "folds": folds, "seed": seed, **found}
        body = [[kind, *(f"{one[name]:.4f}" for name in METRICS)] for kind, one in found.items()]
        print_table(f"{path.stem}, valid, n {len(classes):,}, {folds} folds", [["", *METRICS], *body])
    if out:
        out.write_text(json.dumps(report, indent=1) + "\n")


def measure(logits: np.ndarray, classes: np.ndarray, kind: str, folds: int, seed: int) -> dict[str, float]:
    """METRICS of the held-out fifths together. logits: float [n,c]; classes: int [n]."""
    fold_of = np.random.default_rng(seed).permutation(len(classes)) % folds
    probs = np.empty_like(logits)
    for fold in range(folds):
        held = fold_of == fold
        matrix, bias = fit(logits[~held], classes[~held], kind)
        probs[held] = softmax(logits[held] @ matrix.T + bias)
    return {name: metric(probs, classes) for name, metric in METRICS.items()}


def fit(logits: np.ndarray, classes: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """The matrix [c,c] and bias [c] with the smallest log loss and penalty of `logits @ matrix.T + bias`."""
    c, penalty = logits.shape[1], KINDS[kind]

    def parts(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if kind.startswith("temperature"):
            return np.eye(c) * values[0], values[1:] if len(values) > 1 else np.zeros(c)
        return (np.diag(values[:c]) if kind == "vector" else values[:-c].reshape(c, c)), values[-c:]

    def loss(values: np.ndarray) -> float:
        matrix, bias = parts(values)
        off = matrix - np.diag(np.diag(matrix))
        return log_loss(softmax(logits @ matrix.T + bias), classes) + penalty * ((off**2).sum() + (bias**2).sum())

    starts = {"temperature": [1.0], "temperature and bias": [1.0, *[0.0] * c], "vector": [*[1.0] * c, *[0.0] * c],
              "matrix": [*np.eye(c).ravel(), *[0.0] * c]}  # fmt: skip
    return parts(minimize(loss, np.array(starts[kind]), method="L-BFGS-B").x)


if __name__ == "__main__":
    typer.run(main)
