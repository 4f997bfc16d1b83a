"""`mien train`: a recipe and the data in, checkpoints, their history and their scores out."""

import json
from collections.abc import Callable
from contextlib import contextmanager, nullcontext, redirect_stderr, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.output import make_folder
from mien.errors import UsageError, lacking
from mien.files import replaced_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from mien.data.dataset import Dataset
    from mien.data.own import OwnFaces
    from mien.training.recipe import Recipe
    from mien.training.start import Start


def train(
    recipe: Annotated[Path, typer.Argument(help="A TOML file, such as recipes/nimble.toml.")],
    data: Annotated[Path, typer.Option(help="Folder with FER2013 and fer2013new.csv, or with a folder of pictures a class.")],
    cropped: Annotated[bool, typer.Option("--cropped", help="Each picture is one face already cropped.")] = False,
    classes: Annotated[str, typer.Option(help="What numbered folders mean: rafdb, affectnet, ckplus or fer2013.")] = "",
    start: Annotated[Path | None, typer.Option(help="A checkpoint whose weights to begin with: fine-tuning.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the (first) run.")] = 0,
    seeds: Annotated[int, typer.Option(min=1, help="How many runs, with seeds from --seed upwards.")] = 1,
    out: Annotated[Path, typer.Option(help="Each run gets a folder RECIPE-SEED in it.")] = Path("mien-runs"),
    results: Annotated[Path, typer.Option(help="Each finished run's scores and answers go here.")] = Path("results"),
    valid_only: Annotated[bool, typer.Option("--valid-only", help="Leave the test split alone: for development.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last whole epoch, if any.")] = False,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a recipe key.")] = None,
    teacher: Annotated[list[Path] | None, typer.Option(help="A checkpoint to distil from; several are averaged.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto (measured), float32 or bfloat16.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads, 0 for all cores.")] = 0,
) -> None:
    """Train a network by a recipe; safe to kill, and to go on with --resume. By torchrun, in several processes."""
    try:
        import torch
    except ModuleNotFoundError:
        raise lacking("training needs torch", "lab") from None
    from mien.cli.own import open_faces
    from mien.evaluation.runs import run_name
    from mien.machine import keep_memory
    from mien.training.parallel import is_first, process_group, wait
    from mien.training.recipe import read_recipe
    from mien.training.start import read_start

    if bad := [text for text in set_ or [] if "=" not in text]:
        raise UsageError(f"--set {bad[0]}: expected KEY=VALUE.")
    stated, settings = read_recipe(recipe), read_recipe(recipe, dict(text.split("=", 1) for text in set_ or []))
    if bool(teacher) != (settings.distillation > 0):
        raise UsageError("distillation needs both: `distillation` above 0 in the recipe, and a --teacher.")
    if device not in ("auto", "cpu", "cuda") or (device == "cuda" and not torch.cuda.is_available()):
        raise UsageError(f"--device {device}: expected auto, cpu or, where there is such a GPU, cuda.")
    device = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    begin = read_start(start, settings.model) if start else None
    keep_memory()
    folders = {run_seed: out / run_name(settings.name, run_seed) for run_seed in range(seed, seed + seeds)}
    with process_group(device) as place:
        if is_first():
            for folder in folders.values():
                if (folder / "checkpoint.pt").exists() and not resume:
                    raise UsageError(f"{folder}: holds a run already; go on with --resume, or choose another --out.")
            for folder in folders.values():
                check_result(results / f"{folder.name}.json", settings, resume)
            for folder in folders.values():
                make_folder(folder, "--out")
            make_folder(results, "--results")
        wait()
        with nullcontext() if is_first() else redirect_stderr(StringIO()):
            faces = open_faces(data, classes, cropped, settings.labels)
        job = Job(settings, recipe.name, stated, faces, teacher or [], begin, place, precision, threads)
        for run_seed, folder in folders.items():
            content = job.train(run_seed, folder)
            if is_first():
                print(json.dumps(job.finish(content, folder, results, ("valid",) if valid_only else ("valid", "test"))))


@dataclass(frozen=True)
class Job:
    """What the runs of one call have in common.

    recipe: as overridden; file: its name in recipes/; stated: what that says itself; device: this process's own.
    """

    recipe: "Recipe"
    file: str
    stated: "Recipe"
    dataset: "Dataset | OwnFaces"
    teachers: list[Path]
    start: "Start | None"
    device: str
    precision: str
    threads: int

    def train(self, seed: int, folder: Path) -> dict[str, Any]:
        """One run, begun or resumed; the last checkpoint's content."""
        from mien.evaluation.score import split_part
        from mien.training.loop import fit

        labels = self.dataset.emotions(self.recipe.labels)
        train_split = self.dataset.split("train", self.recipe.labels)
        valid_split = split_part(self.dataset, "valid", labels).split
        path = folder / "checkpoint.pt"
        teachers = [load_teacher(teacher, labels) for teacher in self.teachers]
        run = self.describe(seed, path, labels)
        with shown(folder.name, self.recipe.epochs, run.pop("epoch")) as (on_step, said):

            def on_epoch(content: dict[str, Any]) -> None:
                write_history(folder / "history.json", content)
                said(content["history"][-1])

            content = fit(self.recipe, (train_split.images, train_split.targets), (valid_split.images, valid_split.targets),
                          run, path, self.device, teachers, self.start, on_step, on_epoch)  # fmt: skip
        return {**run, **content}

    def describe(self, seed: int, path: Path, labels: tuple[str, ...]) -> dict[str, Any]:
        """What the run must state, and the epoch that is behind.

        A resumed run goes on with the precision and threads that it began with, unless told otherwise.
        """
        import torch

        from mien.data.own import OwnFaces
        from mien.files import sha256
        from mien.machine import count_cores
        from mien.models import build_model
        from mien.training.checkpoint import describe_run, read_checkpoint, train_command
        from mien.training.parallel import count_processes
        from mien.training.precision import choose_precision

        began: dict[str, Any] = read_checkpoint(path) if path.exists() else {"epoch": 0, "environment": {}}
        cores = max(count_cores() // count_processes(), 1)
        torch.set_num_threads(self.threads or began["environment"].get("threads") or cores)
        wanted = began["environment"].get("precision", self.precision) if self.precision == "auto" else self.precision
        kind = torch.device(self.device).type
        chosen = choose_precision(wanted, build_model(self.recipe.model, len(labels)).to(self.device), kind)
        run = describe_run(self.recipe, seed, len(labels), chosen, self.dataset.checksums, labels)
        run["teachers"] = {str(teacher): sha256(teacher) for teacher in self.teachers}
        run["start"] = self.start.about if self.start else {}
        if isinstance(self.dataset, OwnFaces):
            run["faces"] = self.dataset.about
        return {**run, "command": train_command(self.file, run, self.stated), "epoch": began["epoch"]}

    def finish(self, content: dict[str, Any], folder: Path, results: Path, splits: tuple[str, ...]) -> dict[str, Any]:
        """Scores the kept network, once, and writes the run's JSON and answers; the line that is printed."""
        from mien.evaluation.runs import answer, score_answers, write_run
        from mien.evaluation.score import label_mode
        from mien.models import count_multiply_adds, count_parameters
        from mien.models.engine import TorchEngine
        from mien.training.checkpoint import load_network, without_weights

        write_history(folder / "history.json", content)  # one killed after its last checkpoint has none of it yet
        network = load_network(folder / "checkpoint.pt")[0]
        mode = label_mode(content["labels"])
        answers = {name: answer(TorchEngine(network).logits, self.dataset, name, mode) for name in splits}
        run = {
            **without_weights(content),
            "parameters": count_parameters(network),
            "multiply_adds": count_multiply_adds(network),
            "training_s": round(sum(entry["time_s"] for entry in content["history"])),
            **score_answers(answers, content["labels"]),
        }
        path = write_run(results, run, answers)
        return {"run": str(folder), "result": str(path), "n_valid": int((answers["valid"].classes >= 0).sum()),
                **content["history"][-1], **{key: content[key] for key in ["before"] if key in content}}  # fmt: skip


def check_result(path: Path, recipe: "Recipe", resume: bool) -> None:
    """Raises UsageError where a result would be lost: any to a run that begins, that of another recipe to one that goes on."""
    from mien.training.recipe import as_values, build_recipe

    if path.exists():
        with suppress(ValueError, KeyError, TypeError, UsageError):  # what is no result is none of this run either
            if resume and as_values(build_recipe(json.loads(path.read_text(encoding="utf-8"))["recipe"])) == as_values(recipe):
                return
        raise UsageError(f"{path}: holds the result of another run; choose another --results.")


def load_teacher(path: Path, labels: tuple[str, ...]) -> "nn.Module":
    """Raises UsageError for a checkpoint that tells other emotions apart than the student will."""
    from mien.training.checkpoint import load_network

    network, _, run = load_network(path)
    if tuple(run["labels"]) != labels:
        raise UsageError(f"--teacher {path}: names {', '.join(run['labels'])}; expected a teacher of {', '.join(labels)}.")
    return network


Step = Callable[[int, int], None]


@contextmanager
def shown(name: str, epochs: int, behind: int) -> "Iterator[tuple[Step, Callable[[dict[str, Any]], None]]]":
    """A bar on stderr from `behind` to `epochs`, in the first process alone; what to call each step and each epoch."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from mien.training.parallel import is_first

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True, markup=False, emoji=False), disable=not is_first()) as progress:
        bar = progress.add_task(name, total=epochs, completed=behind)

        def on_step(step: int, steps: int) -> None:
            progress.update(bar, completed=int(progress.tasks[bar].completed) + step / (steps + 1))

        def on_epoch(entry: dict[str, Any]) -> None:
            said = f"{name} epoch {entry['epoch']} loss {entry['loss']:.3f} valid {entry['valid_accuracy']:.4f}"
            progress.update(bar, completed=entry["epoch"], description=said)
            if not progress.console.is_terminal:
                progress.console.print(said)

        yield on_step, on_epoch


def write_history(path: Path, content: dict[str, Any]) -> None:
    """What the checkpoint says of the run and all its epochs, without the weights, as JSON."""
    from mien.training.checkpoint import without_weights

    with replaced_file(path) as partial:
        partial.write_text(json.dumps(without_weights(content), indent=1) + "\n")
