"""benchmarks/answers.py on planted answers: what it says of them together and shifted."""

from pathlib import Path

import numpy as np
import pytest
from benchmarks.answers import app
from typer.testing import CliRunner


def write(path: Path, rows: list[tuple[float, float]], classes: list[int]) -> str:
    np.savez(path, valid_logits=np.log(np.array(rows)), valid_classes=np.array(classes))
    return str(path)


def read(text: str) -> dict[str, list[float]]:
    """Name -> accuracy, balanced accuracy, log loss, ECE, of the table's rows."""
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if line.startswith("│")]
    return {name: list(map(float, values)) for name, *values in cells}


def test_two_that_err_on_different_faces_are_right_together(tmp_path: Path) -> None:
    classes = [0] * 20 + [1] * 20 + [-1] * 3  # the last have no majority, and count for nothing
    first = [(0.9, 0.1)] * 18 + [(0.4, 0.6)] * 2 + [(0.1, 0.9)] * 20 + [(0.5, 0.5)] * 3
    second = [(0.9, 0.1)] * 20 + [(0.1, 0.9)] * 18 + [(0.6, 0.4)] * 2 + [(0.5, 0.5)] * 3
    runs = [write(tmp_path / "a.npz", first, classes), write(tmp_path / "b.npz", second, classes)]
    said = CliRunner().invoke(app, ["together", *runs])
    found = read(said.stdout)
    assert [found[name][:2] for name in ("a", "b", "together")] == [[0.95, 0.95], [0.95, 0.95], [1.0, 1.0]]
    assert "n 40" in said.stdout


def test_a_shift_by_one_undoes_the_classes_shares(tmp_path: Path) -> None:
    """Nine in ten are of the first class: by Bayes' rule odds of 8 to 1 become 8 to 9."""
    run = write(tmp_path / "a.npz", [(8 / 9, 1 / 9)] * 10 + [(0.999, 0.001)] * 8 + [(0.02, 0.98)] * 2, [0] * 18 + [1] * 2)
    found = read(CliRunner().invoke(app, ["shift", run, "--by", "0", "--by", "1"]).stdout)
    assert found["0"][:2] == [1.0, 1.0]
    assert found["1"][0] == pytest.approx(0.5)
