"""Scores laid out as tables, the same for the terminal and for model cards."""

from collections.abc import Mapping
from typing import Any

ROWS = {"n": "faces", "accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "log_loss": "log loss (nats)",
        "ece": "calibration error (15 bins)"}  # fmt: skip


def score_table(summaries: Mapping[str, dict[str, Any]]) -> list[list[str]]:
    """Rows of cells, the first row a header: a column for each of the summaries (metrics.summarise), by its title."""
    columns = list(summaries.values())
    rows = [["", *summaries]]
    rows += [[title, *(_number(column[key]) for column in columns)] for key, title in ROWS.items()]
    for label in columns[0]["recall"]:
        cells = [column["recall"][label] for column in columns]
        rows.append([f"recall of {label} (faces)", *(f"{_number(cell['recall'], 3)} ({cell['n']:,})" for cell in cells)])
    return rows


def flatten(scores: Mapping[str, Mapping[str, dict[str, Any]]], prefix: str = "") -> dict[str, dict[str, Any]]:
    """split -> protocol -> summary, as one column for each, titled `test, leak-free`; valid has one protocol: `valid`."""
    return {
        prefix + (split if len(protocols) == 1 and protocol == "published" else f"{split}, {protocol}"): summary
        for split, protocols in scores.items()
        for protocol, summary in protocols.items()
    }


def markdown(rows: list[list[str]]) -> str:
    """The rows as a Markdown table, numbers to the right."""
    header, *body = rows
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, rule, *body])


def _number(value: float | None, digits: int = 4) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.{digits}f}"
