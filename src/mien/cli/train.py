"""`mien train`: a recipe and the data in, checkpoints and their history out."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.output import make_folder
from mien.errors import UsageError

if TYPE_CHECKING:
    from mien.data.dataset import Dataset
    from mien.training.recipe import Recipe


def train(
    recipe: Annotated[Path, typer.Argument(help="A TOML file, such as recipes/mien.toml.")],
    data: Annotated[Path, typer.Option(help="Folder with FER2013 and fer2013new.csv.")],
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the (first) run.")] = 0,
    seeds: Annotated[int, typer.Option(min=1, help="How many runs, with seeds from --seed upwards.")] = 1,
    out: Annotated[Path, typer.Option(help="Each run gets a folder RECIPE-SEED in it.")] = Path("mien-runs"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last whole epoch, if any.")] = False,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a recipe key.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto (measured), float32 or bfloat16.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads, 0 for all cores.")] = 0,
) -> None:
    """Train a network by a recipe; safe to kill, and to go on with --resume."""
    try:
        import torch
    except ModuleNotFoundError:
        raise UsageError("training needs torch: pip install 'mien[lab]'.") from None
    from mien.data.dataset import read_dataset
    from mien.training.recipe import read_recipe

    if bad := [text for text in set_ or [] if "=" not in text]:
        raise UsageError(f"--set {bad[0]}: expected KEY=VALUE.")
    settings = read_recipe(recipe, dict(text.split("=", 1) for text in set_ or []))
    if device not in ("auto", "cpu", "cuda") or (device == "cuda" and not torch.cuda.is_available()):
        raise UsageError(f"--device {device}: expected auto, cpu or, where there is such a GPU, cuda.")
    device = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    folders = {run_seed: out / f"{settings.name}-{run_seed}" for run_seed in range(seed, seed + seeds)}
    for folder in folders.values():
        if (folder / "checkpoint.pt").exists() and not resume:
            raise UsageError(f"{folder}: holds a run already; go on with --resume, or choose another --out.")
        make_folder(folder, "--out")
    dataset = read_dataset(data)
    for run_seed, folder in folders.items():
        _train_one(settings, dataset, run_seed, folder, device, precision, threads)


def _train_one(
    recipe: "Recipe", dataset: "Dataset", seed: int, folder: Path, device: str, precision: str, threads: int
) -> None:
    """One run; a resumed one goes on with the precision and threads that it began with, unless told otherwise."""
    import torch
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from mien.models import build_model
    from mien.training.checkpoint import describe_run, read_checkpoint
    from mien.training.loop import fit
    from mien.training.precision import choose_precision

    train_split = dataset.split("train", recipe.labels)
    valid_split = dataset.split("valid", "fer2013" if recipe.labels == "fer2013" else "majority")
    classes = train_split.targets.shape[1]
    path = folder / "checkpoint.pt"
    began: dict[str, Any] = read_checkpoint(path) if path.exists() else {"epoch": 0, "environment": {}}
    torch.set_num_threads(threads or began["environment"].get("threads") or os.cpu_count() or 1)
    wanted = began["environment"].get("precision", precision) if precision == "auto" else precision
    chosen = choose_precision(wanted, build_model(recipe.model, classes).to(device), device)
    run = describe_run(recipe, seed, classes, chosen, dataset.checksums)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task(f"{recipe.name}-{seed}", total=recipe.epochs, completed=began["epoch"])

        def on_epoch(content: dict[str, Any]) -> None:
            write_history(folder / "history.json", content, run)
            entry = content["history"][-1]
            said = f"{recipe.name}-{seed} epoch {entry['epoch']} loss {entry['loss']:.3f} valid {entry['valid_accuracy']:.4f}"
            progress.update(bar, completed=entry["epoch"], description=said)
            if not progress.console.is_terminal:
                progress.console.print(said)

        def on_step(step: int, steps: int) -> None:
            progress.update(bar, completed=int(progress.tasks[bar].completed) + step / (steps + 1))

        content = fit(recipe, (train_split.images, train_split.targets), (valid_split.images, valid_split.targets),
                      run, path, device, on_step, on_epoch)  # fmt: skip
    write_history(folder / "history.json", content, run)  # a run killed after its last checkpoint has none of it yet
    last = content["history"][-1]
    print(json.dumps({"run": str(folder), "n_valid": len(valid_split.rows), **last}))


def write_history(path: Path, content: dict[str, Any], run: dict[str, Any]) -> None:
    """What the checkpoint says of the run and all its epochs, without the weights, as JSON."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps({key: content[key] for key in (*run, "history")}, indent=1) + "\n")
    partial.replace(path)
