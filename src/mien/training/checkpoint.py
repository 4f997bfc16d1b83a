"""A run on disk: written whole or not at all, and enough to go on from or to export."""

import json
import platform
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mien.emotions import EMOTIONS
from mien.errors import CheckpointError, UsageError
from mien.files import replaced_file
from mien.machine import git_commit, processor_name
from mien.models import build_model
from mien.training.parallel import count_processes
from mien.training.recipe import Recipe, as_values, build_recipe

FORMAT = 1
STATE = ("model", "average", "optimizer")
"""What a checkpoint holds for going on alone; without it, it is the run's weights."""


def write_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Writes atomically: after a kill at any moment `path` holds the old content or the new."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replaced_file(path) as partial, partial.open("wb") as file:
            torch.save({"format": FORMAT, **content}, file)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as RuntimeError
        kept = "the last good checkpoint is still there" if path.is_file() else "choose another folder"
        raise CheckpointError(f"{path}: cannot be written ({error}); {kept}.") from error


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The content that was written. Raises CheckpointError for a missing, cut or foreign file."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such checkpoint; give the checkpoint.pt of a run's folder.") from None
    except (PermissionError, IsADirectoryError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror}); give a file that you may read.") from error
    except Exception as error:  # torch raises many kinds for a file that is not its own, some without a word
        raise CheckpointError(f"{path}: is cut short or not a checkpoint of mien ({type(error).__name__}).") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CheckpointError(f"{path}: is not a checkpoint of mien, format {FORMAT}.")
    return content


def load_network(path: Path) -> tuple[nn.Module, Recipe, dict[str, Any]]:
    """The kept network of a run, in evaluation mode, with its recipe and the checkpoint's whole content.

    Raises CheckpointError as `read_checkpoint` does, and where the weights are not those of this version's network.
    """
    content = read_checkpoint(path)
    try:
        recipe = build_recipe(content["recipe"])
        model = build_model(recipe.model, content["classes"], recipe.dropout)
        model.load_state_dict(content["kept"])
    except (UsageError, KeyError, TypeError, RuntimeError) as error:
        text = f"{path}: holds no weights that fit its network in this version of mien; use the version that wrote it."
        raise CheckpointError(text) from error
    return model.eval(), recipe, content


def without_weights(content: dict[str, Any]) -> dict[str, Any]:
    """What a checkpoint says of its run and all epochs, ready for JSON."""
    return {key: value for key, value in content.items() if key not in ("format", "kept", *STATE)}


def write_weights(checkpoint: Path, path: Path) -> None:
    """Writes a checkpoint without what a run needs to go on: to score, export or start from, a quarter of its size."""
    content = load_network(checkpoint)[2]
    write_checkpoint(path, {key: value for key, value in content.items() if key not in STATE})


def describe_run(
    recipe: Recipe, seed: int, classes: int, precision: str, checksums: dict[str, str], labels: Sequence[str] = ()
) -> dict[str, Any]:
    """What a run must state of itself: recipe in full, seed, class names, git commit, machine, versions, data checksums.

    labels: the emotion of each class; the first of EMOTIONS if not given.
    """
    return {
        "recipe": as_values(recipe),
        "seed": seed,
        "classes": classes,
        "labels": list(labels or EMOTIONS[:classes]),
        "commit": git_commit(),
        "environment": {
            "precision": precision,
            "threads": torch.get_num_threads(),
            "processes": count_processes(),
            "torch": str(torch.__version__),
            "python": platform.python_version(),
            "machine": machine_name(),
        },
        "data": checksums,
    }


def train_command(file: str, run: dict[str, Any], stated: Recipe | None = None) -> str:
    """The `mien train` command that gives a run's weights again, on the same machine and commit. file: its name in recipes/.

    stated: what that file says. Keys whose values are not Recipe's defaults are set in full, whatever the file says of them,
    and so are those that the file says otherwise.
    """
    usual = as_values(Recipe(name=Path(file).stem))
    said = as_values(stated) if stated else usual
    overrides = [
        "--set " + shlex.quote(f"{key}={value if isinstance(value, str) else json.dumps(value)}")
        for key, value in run["recipe"].items()
        if value != usual[key] or value != said[key]
    ]
    settings = f"--seed {run['seed']} --precision {run['environment']['precision']} --threads {run['environment']['threads']}"
    faces = run.get("faces", {})
    own = ["--cropped"] * faces.get("cropped", False) + [f"--classes {name}" for name in [faces.get("numbering")] if name]
    others = [f"--teacher {shlex.quote(path)}" for path in run.get("teachers", ())]
    others += [f"--start {shlex.quote(run['start']['path'])}"] if run.get("start") else []
    return " ".join([f"mien train recipes/{file} --data DIR", *own, settings, *overrides, *others])


def machine_name() -> str:
    """The GPU where there is one, else the processor."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else processor_name()
