"""Scores laid out as tables, the same for the terminal and for model cards."""

from collections.abc import Mapping
from typing import Any

ROWS = {"n": "faces", "accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "macro_f1": "macro F1",
        "log_loss": "log loss (nats)", "brier": "Brier score", "ece": "calibration error (15 bins)",
        "classwise_ece": "calibration error, by class", "set_coverage": "coverage of 90% prediction sets",
        "set_size": "mean size of these sets", "raters_kl": "divergence from raters (nats)",
        "human_accuracy": "accuracy of one held-out rater"}  # fmt: skip
COMPARED = ("accuracy", "balanced_accuracy", "log_loss", "ece")


def score_table(summaries: Mapping[str, dict[str, Any]], per_class: bool = True) -> list[list[str]]:
    """Rows of cells, the first row a header: a column for each of the summaries (metrics.summarise), by its title.

    Rows that no column has are left out. Below a score stands its interval, where there is one (intervals.bootstrap).
    per_class: with the recall and precision of each emotion.
    """
    columns = list(summaries.values())
    rows = [["", *summaries]]
    for key, title in ROWS.items():
        if any(key in column for column in columns):
            rows.append([title, *(_number(column.get(key)) for column in columns)])
        if any(key in column.get("interval", {}) for column in columns):
            rows.append(["  95% interval", *(_interval(column.get("interval", {}).get(key)) for column in columns)])
    if not per_class:
        return rows
    for label in columns[0]["recall"]:
        cells = [column["recall"][label] for column in columns]
        rows.append([f"recall of {label} (faces)", *(f"{_number(cell['recall'], 3)} ({cell['n']:,})" for cell in cells)])
    if "precision" in columns[0]:
        rows += [[f"precision of {label}", *(_number(column.get("precision", {}).get(label), 3) for column in columns)]
                 for label in columns[0]["precision"]]  # fmt: skip
    return rows


def comparison_table(found: Mapping[str, Any], name: str, other: str) -> list[list[str]]:
    """Rows of cells, the first row a header, of a comparison (intervals.compare) of two networks by their names."""
    rows = [["", name, other, "difference", "95% interval"]]
    for key in COMPARED:
        value, another = _number(found["value"][key]), _number(found["other"][key])
        rows.append([ROWS[key], value, another, f"{found['difference'][key]:+.4f}", _interval(found["interval"][key], "+")])
    return rows


def flatten(scores: Mapping[str, Mapping[str, dict[str, Any]]], prefix: str = "") -> dict[str, dict[str, Any]]:
    """split -> protocol -> summary, as one column for each, titled `test, leak-free`; where it has one protocol: `valid`."""
    return {
        prefix + (split if len(protocols) == 1 and protocol in ("published", "all") else f"{split}, {protocol}"): summary
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


def _interval(ends: list[float] | None, sign: str = "") -> str:
    return f"{ends[0]:{sign}.4f} to {ends[1]:{sign}.4f}" if ends else ""
