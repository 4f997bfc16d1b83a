"""The notebook's cells, run in order as Colab would, shortened by its parameters.

Without Jupyter: what it installs cannot stand beside litert-torch's own requirements (typing-extensions).
"""

import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "mien.ipynb"
CELLS = [cell for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def run_cells(parameters: dict[str, Any]) -> dict[str, Any]:
    """Executes the code cells in one namespace, which is returned; a %magic does nothing."""
    namespace: dict[str, Any] = {}
    for cell in CELLS:
        lines = ["    pass" if line.strip().startswith("%") else line for line in "".join(cell["source"]).splitlines()]
        exec("\n".join(lines), namespace)
        if "parameters" in cell["metadata"].get("tags", ()):
            assert parameters.keys() <= namespace.keys()
            namespace |= parameters
    return namespace


def test_nothing_that_it_printed_or_drew_is_committed() -> None:
    assert len(CELLS) > 8
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in CELLS)


@pytest.mark.slow
@pytest.mark.data
def test_it_runs_from_the_data_to_a_face_in_a_photo(
    data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.chdir(tmp_path)
    made = run_cells({
        "DATA": str(data_folder.resolve()),
        "PHOTO": str(NOTEBOOK.parents[1] / "examples" / "astronaut.jpg"),
        "OUT": str(tmp_path / "run"),
        "RECIPE": {"model": "swift", "epochs": 2},
        "FACES": 1024,
    })  # fmt: skip
    printed = capsys.readouterr().out
    assert "train  27,956 faces: neutral" in printed
    assert "'epoch': 2" in printed
    assert "test, leak-free: accuracy 0." in printed
    assert "model.int8.tflite" in printed
    assert len(made["result"].faces) == 1
    assert made["bundle"].meta["epoch"] == 2
