"""Checkpoints of several runs as one, whose network is the mean of theirs."""

import shlex
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from mien.errors import CheckpointError
from mien.files import sha256
from mien.training.checkpoint import describe_run, load_network, without_weights, write_checkpoint
from mien.training.recipe import Recipe


def write_joined(checkpoints: Sequence[Path], path: Path) -> None:
    """Writes the ensemble of these checkpoints' networks (models.ensemble), to score, to export or to teach.

    What each says of its run stands under `members`. Raises CheckpointError for one that is an ensemble already or was trained
    on faces of one's own, and for two that are the same, tell other classes apart or were trained on other files; FER2013 may
    have been packed in several ways, beside the same fer2013new.csv.
    """
    loaded = [load_network(checkpoint) for checkpoint in checkpoints]
    files = [{"checkpoint": str(checkpoint), "sha256": sha256(checkpoint)} for checkpoint in checkpoints]
    runs = [file | run for file, (_, _, run) in zip(files, loaded, strict=True)]
    for checkpoint, run in zip(checkpoints, runs, strict=True):
        if "members" in run:
            raise CheckpointError(f"{checkpoint}: is several networks already; give the checkpoints that it was made of.")
        if run.get("faces"):
            raise CheckpointError(f"{checkpoint}: was trained on faces of one's own; export it alone.")
    for one, other in combinations(runs, 2):
        if problem := _difference(one, other):
            words = f"{problem} {one['checkpoint']}; join different networks that answer the same question."
            raise CheckpointError(f"{other['checkpoint']}: {words}")
    first, name = runs[0], "+".join(recipe.model for _, recipe, _ in loaded)
    recipe, about = Recipe(name=name, model=name), (first["data"], first["labels"])
    weights = [network.state_dict().items() for network, _, _ in loaded]
    content = {
        **describe_run(recipe, first["seed"], first["classes"], "float32", *about),
        "recipe": {"name": name, "model": name, "epochs": sum(recipe.epochs for _, recipe, _ in loaded)},
        "epoch": sum(run["epoch"] for run in runs),
        "history": [],
        "kept": {f"networks.{i}.{key}": value for i, state in enumerate(weights) for key, value in state},
        "members": [without_weights(run) for run in runs],
        "command": shlex.join(["mien", "export", *map(str, checkpoints), "--data", "DIR", "--out", "OUT"]),
    }
    write_checkpoint(path, content)


def _difference(one: dict[str, Any], other: dict[str, Any]) -> str:
    """What keeps the second from being joined with the first, to be followed by its name; empty where nothing does."""
    if one["sha256"] == other["sha256"]:
        return "is the same as"
    if one["labels"] != other["labels"]:
        return "tells other classes apart than"
    common = one["data"].keys() & other["data"].keys()
    if not common or any(one["data"][file] != other["data"][file] for file in common):
        return "was trained on other files than"
    return ""
