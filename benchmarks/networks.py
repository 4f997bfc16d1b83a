"""How long the networks take when exported the same way: untrained, float32 LiteRT, one thread, timed in turns.

python benchmarks/networks.py nimble slim swift deft mini_xception compact_residual double_channel compact --rounds 100 --out results/bench_networks.json
"""  # noqa: E501

import json
import statistics
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from mien.cli.bench import alternate, summary
from mien.export.graph import Graph
from mien.export.litert import write_litert
from mien.inference.engines import LiteRTEngine
from mien.machine import provenance
from mien.models import build_model, count_multiply_adds, count_parameters
from mien.training.augment import augment
from mien.training.loop import build_optimizer
from mien.training.losses import cross_entropy
from mien.training.recipe import Recipe


def main(
    names: Annotated[list[str], typer.Argument(help="Networks; ratios are against the last.")],
    rounds: int = 200,
    out: Path | None = None,
) -> None:
    """Times each network on one face and 64, and a training step of 128 faces, in turns."""
    torch.set_num_threads(1)
    faces = np.random.default_rng(0).integers(0, 256, (64, 48, 48), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        engines = {name: convert(name, Path(folder)) for name in names}
        timed = {
            "one face": alternate({n: lambda e=e: e.probs(faces[:1]) for n, e in engines.items()}, rounds),
            "64 faces": alternate({n: lambda e=e: e.probs(faces) for n, e in engines.items()}, max(5, rounds // 5)),
        }
    timed["training step of 128 faces"] = alternate({name: training_step(name) for name in names}, max(5, rounds // 20))
    report = {
        **provenance("numpy", "torch", "ai-edge-litert", "litert-torch"),
        "networks": {name: facts(name) for name in names},
        "times_ms": {what: {name: summary(values) for name, values in t.items()} for what, t in timed.items()},
        "time_against_last": {
            what: {name: statistics.median(t[name]) / statistics.median(t[names[-1]]) for name in names[:-1]}
            for what, t in timed.items()
        },
    }
    text = json.dumps(report, indent=1)
    print(text)
    if out:
        out.write_text(text + "\n")


def convert(name: str, folder: Path) -> LiteRTEngine:
    """The untrained network as a float32 LiteRT graph, on one thread."""
    path, model = folder / f"{name}.tflite", build_model(name)
    for norm in (m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)):
        torch.nn.init.uniform_(norm.weight, 0.5, 1.5)  # a block that starts at zero would be optimised away
    write_litert(Graph(model, 1.0), path)
    return LiteRTEngine(path, threads=1)


def training_step(name: str):  # type: ignore[no-untyped-def]
    """A call that does what training does with one batch: augment, forward, backward, step."""
    recipe = Recipe(model=name)
    model = build_model(name, dropout=recipe.dropout).to(memory_format=torch.channels_last)
    optimizer = build_optimizer(model, recipe)
    faces = torch.randint(0, 256, (128, 1, 48, 48), dtype=torch.uint8)
    targets = torch.softmax(torch.randn(128, 8), 1)

    def step() -> None:
        views = augment(faces, recipe).contiguous(memory_format=torch.channels_last)
        optimizer.zero_grad()
        cross_entropy(model(views), targets).mean().backward()
        optimizer.step()

    return step


def facts(name: str) -> dict[str, int]:
    """Parameters and multiply-adds."""
    model = build_model(name)
    return {"parameters": count_parameters(model), "multiply_adds": count_multiply_adds(model)}


if __name__ == "__main__":
    typer.run(main)
