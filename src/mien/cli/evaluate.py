"""`mien evaluate`: a bundle or a checkpoint against FER2013 and FER+, as numbers."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.output import make_folder
from mien.errors import UsageError, unknown

if TYPE_CHECKING:
    from mien.evaluation.score import Predictor

FORMATS = ("table", "json")


def evaluate(
    model: Annotated[str, typer.Argument(help="A bundle's name, its folder, or a checkpoint (.pt).")],
    data: Annotated[Path, typer.Option(help="Folder with FER2013 and fer2013new.csv.")],
    split: Annotated[str, typer.Option(help="Of train, valid, test; several with commas.")] = "valid,test",
    protocol: Annotated[str, typer.Option(help="Of published, leak-free (test alone has it).")] = "published,leak-free",
    engine: Annotated[str, typer.Option(help="Of litert, litert-int8, onnx; torch for a checkpoint.")] = "",
    flip: Annotated[bool, typer.Option("--flip", help="Average with the mirrored face's answer.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for predictions (.npz) and metrics.json.")] = None,
    format_: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads, 0 for all cores.")] = 0,
) -> None:
    """Score a network on the data: accuracy, balanced accuracy, log loss, calibration error, recall by class."""
    from mien.data.dataset import SPLITS, read_dataset
    from mien.evaluation.score import PROTOCOLS, score_protocols, write_predictions

    splits, protocols = _choices("split", split, SPLITS), _choices("protocol", protocol, PROTOCOLS)
    _choices("format", format_, FORMATS)
    if "published" not in protocols and splits != ["test"]:
        raise UsageError("--protocol leak-free: only the test split has such a part; add --split test.")
    report, predictors = _open(model, engine, threads or os.cpu_count() or 1)
    if out:
        make_folder(out, "--out")
    dataset = read_dataset(data)
    report |= {"flip": flip, "data": dataset.checksums, "scores": {name: {} for name in predictors}}
    for name, predictor in predictors.items():
        for part in splits:
            found, scores = score_protocols(predictor, dataset, part, report["labels"], protocols, flip)
            report["scores"][name][part] = scores
            if out:
                write_predictions(out / f"{name}-{part}{'-flip' if flip else ''}.npz", found)
    text = json.dumps(report, indent=1)
    if out:
        (out / "metrics.json").write_text(text + "\n", encoding="utf-8")
    print(text) if format_ == "json" else _print_tables(report)


def _choices(kind: str, text: str, known: Iterable[str]) -> list[str]:
    chosen = [word.strip() for word in text.split(",")]
    for word in chosen:
        if word not in known:
            raise unknown(kind, word, known)
    return chosen


def _open(model: str, engine: str, threads: int) -> tuple[dict[str, Any], "dict[str, Predictor]"]:
    """What is known of the model (name, labels, calibration, sha256 by engine), and a predictor for each engine asked for."""
    if Path(model).is_file() or model.endswith(".pt"):
        return _open_checkpoint(Path(model), engine, threads)
    from mien.inference.engines import build_engine
    from mien.inference.weights import FILES, load_bundle

    bundle = load_bundle(model)
    if engine == "torch":
        raise UsageError(f"--engine torch: a bundle holds no torch network; give its checkpoint, or one of {', '.join(FILES)}.")
    engines = _choices("engine", engine or "litert", FILES)
    report = {
        "model": bundle.name,
        "labels": list(bundle.labels),
        "calibration": f"temperature {bundle.meta['temperature']:.3f}, fitted on validation",
        "sha256": {name: bundle.sha256(name) for name in engines},
    }
    return report, {name: build_engine(bundle, name, threads) for name in engines}


def _open_checkpoint(path: Path, engine: str, threads: int) -> tuple[dict[str, Any], "dict[str, Predictor]"]:
    if engine not in ("", "torch"):
        raise UsageError(f"--engine {engine}: a checkpoint runs on torch alone; `mien export` makes a bundle for the others.")
    try:
        import torch
    except ModuleNotFoundError:
        raise UsageError(f"{path}: a checkpoint needs torch: pip install 'mien[lab]'.") from None
    from mien.data.cache import sha256
    from mien.models.engine import TorchEngine
    from mien.training.checkpoint import load_network

    torch.set_num_threads(threads)
    network, recipe, run = load_network(path)
    report = {
        "model": recipe.name,
        "labels": run["labels"],
        "calibration": "temperature 1, not calibrated",
        "sha256": {"torch": sha256(path)},
        "epoch": run["epoch"],
    }
    return report, {"torch": TorchEngine(network)}


def _print_tables(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    from mien.evaluation.report import flatten, score_table

    for name, scores in report["scores"].items():
        header, *rows = score_table(flatten(scores))
        passes = "mean of face and mirror image" if report["flip"] else "single pass"
        table = Table(title=f"{report['model']} on {name}, {passes}\n{report['calibration']}")
        for i, title in enumerate(header):
            table.add_column(title, justify="right" if i else "left", no_wrap=True)
        for row in rows:
            table.add_row(*row)
        width = Console(width=1000).measure(table).maximum  # whole numbers, even where lines then wrap
        Console(width=max(width, Console().width)).print(table)
