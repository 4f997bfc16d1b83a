"""The figures that the README states of the shipped bundles are those of their model.json."""

from pathlib import Path

from mien.inference.weights import bundle_names, load_bundle

ROWS = {"accuracy": "accuracy", "balanced accuracy": "balanced_accuracy", "log loss (nats)": "log_loss",
        "calibration error (ECE, 15 bins)": "ece"}  # fmt: skip


def test_the_readmes_table() -> None:
    lines = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8").split("## How good it is")[1].splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")]
    table = {row[0]: row[1:] for row in cells}
    columns = [title.split(", ") for title in table[""]]
    assert {name for name, _ in columns} == set(bundle_names())

    def stated(engine: str, key: str, form: str = ".4f") -> list[str]:
        scores = {name: load_bundle(name).meta["scores"][engine]["test"] for name in bundle_names()}
        return [format(scores[name][protocol][key], form) for name, protocol in columns]

    assert table["test faces"] == stated("litert", "n", ",")
    assert table["accuracy, int8"] == stated("litert-int8", "accuracy")
    assert {title: table[title] for title in ROWS} == {title: stated("litert", key) for title, key in ROWS.items()}
