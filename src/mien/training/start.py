"""Fine-tuning: a network that begins with the weights of an earlier run, whatever emotions that named."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mien.errors import UsageError
from mien.files import sha256
from mien.models import build_model
from mien.training.checkpoint import load_network


@dataclass(frozen=True)
class Start:
    """The kept weights of a run by name, the emotions that they tell apart, and what a run that begins there says of it."""

    network: str
    labels: tuple[str, ...]
    weights: dict[str, Tensor]
    about: dict[str, Any]


def read_start(path: Path, network: str) -> Start:
    """Raises CheckpointError for what is no checkpoint, UsageError for one of another network than that."""
    model, recipe, run = load_network(path)
    if recipe.model != network:
        raise UsageError(
            f"--start {path}: holds a {recipe.model} network, but the recipe trains {network}; add --set model={recipe.model}, "
            "or start from another checkpoint."
        )
    about = {"path": str(path), "sha256": sha256(path), "data": run["data"], "start": run.get("start", {})}
    return Start(network, tuple(run["labels"]), model.state_dict(), about)


def take_over(model: nn.Module, labels: Sequence[str], start: Start) -> None:
    """Gives the model the start's weights. labels: the emotion of each of its outputs.

    Where weights have a row an output, each goes to the same emotion's; an emotion that the start lacks keeps its own.
    """
    rows = output_rows(start.network)
    both = [(row, start.labels.index(label)) for row, label in enumerate(labels) if label in start.labels]
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if name not in rows:
                value.copy_(start.weights[name])
            elif both:
                here, there = map(list, zip(*both, strict=True))
                value[here] = start.weights[name][there].to(value.device)


def output_rows(network: str) -> set[str]:
    """Names of the weights that have a row for each output."""
    with torch.device("meta"):
        two, three = (build_model(network, outputs).state_dict() for outputs in (2, 3))
    return {name for name in two if two[name].shape != three[name].shape}
