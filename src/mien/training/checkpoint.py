"""A run on disk: written whole or not at all, and enough to go on from or to export."""

import os
import platform
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mien.emotions import EMOTIONS
from mien.errors import CheckpointError
from mien.machine import processor_name
from mien.models import build_model
from mien.training.recipe import Recipe, as_values, build_recipe

FORMAT = 1


def write_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Writes atomically: after a kill at any moment `path` holds the old content or the new."""
    partial = path.with_suffix(".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            torch.save({"format": FORMAT, **content}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as RuntimeError
        with suppress(OSError):
            partial.unlink()
        kept = "the last good checkpoint is still there" if path.is_file() else "choose another folder"
        raise CheckpointError(f"{path}: cannot be written ({error}); {kept}.") from error


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The content that was written. Raises CheckpointError for a missing, cut or foreign file."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such checkpoint.") from None
    except (PermissionError, IsADirectoryError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror}).") from error
    except Exception as error:  # torch raises many kinds for a file that is not its own, some without a word
        raise CheckpointError(f"{path}: is cut short or not a checkpoint of mien ({type(error).__name__}).") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CheckpointError(f"{path}: is not a checkpoint of mien, format {FORMAT}.")
    return content


def load_network(path: Path) -> tuple[nn.Module, Recipe, dict[str, Any]]:
    """The kept network of a run, in evaluation mode, with its recipe and the checkpoint's whole content."""
    content = read_checkpoint(path)
    recipe = build_recipe(content["recipe"])
    model = build_model(recipe.model, content["classes"], recipe.dropout)
    model.load_state_dict(content["kept"])
    return model.eval(), recipe, content


def describe_run(recipe: Recipe, seed: int, classes: int, precision: str, checksums: dict[str, str]) -> dict[str, Any]:
    """What a run must state of itself: recipe in full, seed, class names, git commit, machine, versions, data checksums."""
    return {
        "recipe": as_values(recipe),
        "seed": seed,
        "classes": classes,
        "labels": list(EMOTIONS[:classes]),
        "commit": git_commit(),
        "environment": {
            "precision": precision,
            "threads": torch.get_num_threads(),
            "torch": str(torch.__version__),
            "python": platform.python_version(),
            "machine": machine_name(),
        },
        "data": checksums,
    }


def git_commit() -> str | None:
    """The checkout's commit, `+dirty` where files differ from it, None outside a checkout."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + ("+dirty" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def machine_name() -> str:
    """The GPU where there is one, else the processor."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else processor_name()
