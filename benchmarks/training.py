"""How fast training is here: views, whole steps, what is lost outside the network, and against a tutorial's loop; in turns.

python benchmarks/training.py recipes/nimble.toml --faces 12800 --out results/bench_training.json
"""

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from torch import Tensor
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset

from mien.machine import processor_name, provenance
from mien.models import build_model
from mien.training.augment import augment
from mien.training.checkpoint import describe_run
from mien.training.loop import build_optimizer, fit
from mien.training.precision import PRECISIONS, choose_precision
from mien.training.recipe import Recipe, read_recipe

CLASSES = 8
WORKERS = 2
PARTS = {
    "views": "batches gathered, turned into random views and laid out for the network, alone",
    "forward and backward": "on views that are ready",
    "optimiser": "its steps alone",
    "averages": "of the weights, alone",
    "mien": "an epoch of mien.training.loop.fit, whole",
    "tutorial": f"float32, a DataLoader with {WORKERS} workers that make the same views picture by picture; no averages",
}


def main(
    recipe: Annotated[Path, typer.Argument(help="A TOML file, such as recipes/nimble.toml.")],
    faces: Annotated[int, typer.Option(help="Faces an epoch; FER+ has 27,956.")] = 12_800,
    rounds: Annotated[int, typer.Option(min=3, help="Epochs of each that count.")] = 5,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads, 0 for all cores.")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    precision: Annotated[str, typer.Option(help="auto (measured), float32 or bfloat16; the tutorial's is float32.")] = "auto",
    out: Annotated[Path | None, typer.Option(help="Where the report goes as JSON, too.")] = None,
) -> None:
    """Times an epoch of each of PARTS on random faces, in turns, after one round that does not count."""
    torch.set_num_threads(threads or os.cpu_count() or 1)
    settings = replace(read_recipe(recipe), epochs=1, labels="distribution", distillation=0.0, balance="none")
    precision = choose_precision(precision, build_model(settings.model, CLASSES).to(device), device)
    steps = faces // settings.batch_size
    with tempfile.TemporaryDirectory() as folder:
        calls = build_calls(settings, steps, device, precision, Path(folder))
        times_s = alternate(calls, rounds)
    report = {
        **provenance("numpy", "torch"),
        "machine": torch.cuda.get_device_name() if device == "cuda" else processor_name(),
        "settings": {"recipe": settings.name, "model": settings.model, "faces": steps * settings.batch_size, "rounds": rounds,
                     "threads": torch.get_num_threads(), "device": device, "precision": precision},
        "parts": PARTS,
        **conclude(times_s, steps * settings.batch_size),
    }  # fmt: skip
    print(as_text(report))
    if out:
        out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def alternate(calls: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """The seconds that each call says it took, in turns, so that what disturbs the machine disturbs all alike."""
    times_s: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + 1):
        for name, call in calls.items():
            taken = call()
            if number:
                times_s[name].append(taken)
    return times_s


def build_calls(recipe: Recipe, steps: int, device: str, precision: str, folder: Path) -> dict[str, Callable[[], float]]:
    """A function for each of PARTS that does an epoch of it and returns its seconds."""
    rng, count = np.random.default_rng(0), steps * recipe.batch_size
    images = rng.integers(0, 256, (count, 48, 48), np.uint8)
    targets = rng.dirichlet(np.ones(CLASSES), count).astype(np.float32)
    faces, answers = torch.from_numpy(images)[:, None].to(device), torch.from_numpy(targets).to(device)
    model = build_model(recipe.model, CLASSES, recipe.dropout).to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimizer, average = (
        build_optimizer(model, recipe),
        AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(), use_buffers=True),
    )
    ready = faces[: recipe.batch_size].float().contiguous(memory_format=torch.channels_last)
    run = describe_run(recipe, 0, CLASSES, precision, {})

    def make_views(rows: Tensor) -> None:
        augment(faces[rows], recipe).contiguous(memory_format=torch.channels_last)

    def learn(rows: Tensor) -> None:
        with torch.autocast(device, PRECISIONS[precision], enabled=precision != "float32"):
            logits = model(ready)
        optimizer.zero_grad()
        F.cross_entropy(logits.float(), answers[rows]).backward()

    def time_epoch(step: Callable[[Tensor], Any]) -> float:
        batches = torch.randperm(count, device=device).split(recipe.batch_size)
        return time_call(lambda: [step(rows) for rows in batches], device)

    def time_whole() -> float:
        path = folder / "checkpoint.pt"
        path.unlink(missing_ok=True)
        few = images[:2], targets[:2]
        return fit(recipe, (images, targets), few, run, path, device)["history"][-1]["time_s"]

    tutorial = build_tutorial(recipe, faces.cpu(), answers.cpu(), device)
    return {
        "views": lambda: time_epoch(make_views),
        "forward and backward": lambda: time_epoch(learn),
        "optimiser": lambda: time_epoch(lambda rows: optimizer.step()),
        "averages": lambda: time_epoch(lambda rows: average.update_parameters(model)),
        "mien": time_whole,
        "tutorial": lambda: time_call(tutorial, device),
    }


class Views(Dataset):
    """A random view of one face at a time, as a tutorial's data set gives it to the loader's workers."""

    def __init__(self, faces: Tensor, targets: Tensor, recipe: Recipe):
        self.faces, self.targets, self.recipe = faces, targets, recipe

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        return augment(self.faces[row : row + 1], self.recipe)[0], self.targets[row]


def build_tutorial(recipe: Recipe, faces: Tensor, targets: Tensor, device: str) -> Callable[[], None]:
    """An epoch as tutorials write it; the workers live on between epochs, so that starting them does not count."""
    model = build_model(recipe.model, CLASSES, recipe.dropout).to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    loader = DataLoader(Views(faces, targets, recipe), recipe.batch_size, shuffle=True, num_workers=WORKERS, drop_last=True,
                        persistent_workers=True, pin_memory=device == "cuda")  # fmt: skip

    def run_epoch() -> None:
        total = 0.0
        for views, wanted in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(views.to(device)), wanted.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item()

    return run_epoch


def time_call(call: Callable[[], Any], device: str) -> float:
    """Seconds, with what was left on the GPU."""
    start = time.perf_counter()
    call()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def conclude(times_s: dict[str, list[float]], faces: int) -> dict[str, Any]:
    """Faces a second of each part (median and quartiles), and the ratios that the goals are stated in, round by round."""
    by_round = [dict(zip(times_s, values, strict=True)) for values in zip(*times_s.values(), strict=True)]
    network = ("forward and backward", "optimiser")
    ratios = {
        "share outside the network": [1 - sum(taken[part] for part in network) / taken["mien"] for taken in by_round],
        "share of the views": [taken["views"] / taken["mien"] for taken in by_round],
        "share of the averages": [taken["averages"] / taken["mien"] for taken in by_round],
        "times as fast as the tutorial": [taken["tutorial"] / taken["mien"] for taken in by_round],
    }
    return {
        "faces_per_second": {part: summary([faces / taken for taken in values]) for part, values in times_s.items()},
        "ratios": {name: summary(values) for name, values in ratios.items()},
    }


def summary(values: list[float]) -> dict[str, float]:
    """Median, quartiles, and how many were measured."""
    low, middle, high = statistics.quantiles(values, n=4)
    return {"median": middle, "low": low, "high": high, "n": len(values)}


def as_text(report: dict[str, Any]) -> str:
    """The report as lines."""
    lines = [report["machine"], ", ".join(f"{name} {value}" for name, value in report["settings"].items())]
    lines.append(f"{'faces a second':<32}{'median':>10}  [quartiles]")
    for part, found in report["faces_per_second"].items():
        lines.append(f"{part:<32}{found['median']:>10,.0f}  [{found['low']:,.0f}, {found['high']:,.0f}]")
    for name, found in report["ratios"].items():
        lines.append(f"{name:<32}{found['median']:>10.3f}  [{found['low']:.3f}, {found['high']:.3f}]")
    lines.append("goals: at most 0.100 outside the network; 1.5 times as fast as the tutorial, 3 with bf16 units")
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
