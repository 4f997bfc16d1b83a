"""What finished runs' answers to the validation faces say together, or shifted towards rare classes; test is not read.

    python -m benchmarks.answers together results/nimble-0.npz results/teacher-wide-0.npz
    python -m benchmarks.answers shift results/nimble-0.npz

together: each run, calibrated by a temperature, and the mean of their probabilities: what they would be worth as teachers.
shift: calibrated logits less t times the log of each class's share (logit adjustment, arXiv:2007.07314, after training).
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from mien.cli.table import print_table
from mien.evaluation.calibration import fit_temperature, softmax
from mien.evaluation.metrics import accuracy, balanced_accuracy, expected_calibration_error, log_loss

METRICS = {"accuracy": accuracy, "balanced accuracy": balanced_accuracy, "log loss": log_loss,
           "ece": expected_calibration_error}  # fmt: skip
app = typer.Typer(help=__doc__, pretty_exceptions_enable=False)


def read_valid(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Logits float [n,c] and classes int [n] of the validation faces with a majority."""
    with np.load(path) as stored:
        logits, classes = stored["valid_logits"].astype(float), stored["valid_classes"].astype(int)
    decided = (classes >= 0) & (classes < logits.shape[1])
    return logits[decided], classes[decided]


def read_calibrated(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The same, with the logits divided by a temperature fitted on them."""
    logits, classes = read_valid(path)
    return logits / fit_temperature(logits, classes), classes


def tell(rows: dict[str, np.ndarray], classes: np.ndarray) -> None:
    """A table of METRICS. rows: name -> probabilities [n,c]."""
    body = [[name, *(f"{metric(probs, classes):.4f}" for metric in METRICS.values())] for name, probs in rows.items()]
    print_table(f"valid, n {len(classes):,}, single pass", [["", *METRICS], *body])


@app.command()
def together(runs: Annotated[list[Path], typer.Argument(help="Finished runs' .npz, of the same labels.")]) -> None:
    """Each run, and the mean of all."""
    found = {path.stem: read_calibrated(path) for path in runs}
    rows = {name: softmax(logits) for name, (logits, _) in found.items()}
    tell(rows | {"together": np.mean(list(rows.values()), axis=0)}, next(iter(found.values()))[1])


@app.command()
def shift(
    run: Annotated[Path, typer.Argument(help="A finished run's .npz.")],
    strengths: Annotated[list[float], typer.Option("--by")] = [0.0, 0.1, 0.2, 0.3, 0.5, 1.0],  # noqa: B006
) -> None:
    """A run, shifted by each strength."""
    logits, classes = read_calibrated(run)
    shares = np.bincount(classes, minlength=logits.shape[1]) / len(classes)
    tell({f"{by:g}": softmax(logits - by * np.log(shares)) for by in strengths}, classes)


if __name__ == "__main__":
    app()
