"""Checkpoints of several runs as one, whose network is the mean of theirs."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from mien.errors import CheckpointError
from mien.files import sha256
from mien.training.checkpoint import describe_run, load_network, without_weights, write_checkpoint
from mien.training.recipe import Recipe

ADVICE = "join networks that answer the same question."


def write_joined(checkpoints: Sequence[Path], path: Path) -> None:
    """Writes the ensemble of these checkpoints' networks (models.ensemble), to score, to export or to teach.

    What each says of its run stands under `members`. Raises CheckpointError where they tell other classes apart, or were
    not trained on the same files; FER2013 may have been packed in several ways, beside the same fer2013new.csv.
    """
    loaded = [load_network(checkpoint) for checkpoint in checkpoints]
    runs = [run for _, _, run in loaded]
    first = runs[0]
    for checkpoint, run in zip(checkpoints, runs, strict=True):
        if run["labels"] != first["labels"]:
            raise CheckpointError(f"{checkpoint}: tells other classes apart than {checkpoints[0]}; {ADVICE}")
        if not run["data"].items() & first["data"].items() or any(first["data"].get(k, v) != v for k, v in run["data"].items()):
            raise CheckpointError(f"{checkpoint}: was trained on other files than {checkpoints[0]}; {ADVICE}")
    name, epochs = "+".join(recipe.model for _, recipe, _ in loaded), sum(recipe.epochs for _, recipe, _ in loaded)
    recipe, about = Recipe(name=name, model=name), (first["data"], first["labels"])
    weights = [network.state_dict().items() for network, _, _ in loaded]
    content = {
        **describe_run(recipe, first["seed"], first["classes"], "float32", *about),
        "recipe": {"name": name, "model": name, "epochs": epochs},
        "epoch": sum(run["epoch"] for run in runs),
        "history": [],
        "kept": {f"networks.{i}.{key}": value for i, state in enumerate(weights) for key, value in state},
        "members": [
            {"checkpoint": str(checkpoint), "sha256": sha256(checkpoint), **without_weights(run)}
            for checkpoint, run in zip(checkpoints, runs, strict=True)
        ],
        "command": shlex.join(["mien", "export", *map(str, checkpoints), "--data", "DIR", "--out", "OUT"]),
    }
    write_checkpoint(path, content)
