"""The training loop: data resident on the device, batched augmentation, cosine schedule, averaged weights.

An epoch draws all its randomness from a generator seeded by (seed, epoch), so a run that is killed and resumed from the
last whole epoch gives, on the same machine, precision and threads, the weights of the run that was not, bit for bit.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mien.errors import CheckpointError, UsageError
from mien.models import build_model
from mien.training.augment import augment
from mien.training.checkpoint import read_checkpoint, write_checkpoint
from mien.training.losses import LOSSES
from mien.training.precision import PRECISIONS
from mien.training.recipe import Recipe, as_values, build_recipe
from mien.training.schedule import is_over, learning_rate

Arrays = tuple[np.ndarray, np.ndarray]
"""images uint8 [n,48,48] and targets float32 [n,c]"""
Report = Callable[[dict[str, Any]], None]


def fit(
    recipe: Recipe,
    train: Arrays,
    valid: Arrays,
    run: dict[str, Any],
    path: Path,
    device: str = "cpu",
    on_step: Callable[[int, int], None] = lambda step, steps: None,
    on_epoch: Report = lambda content: None,
) -> dict[str, Any]:
    """Trains to `recipe.epochs` and returns the last checkpoint's content; goes on from `path` where it holds this run.

    run: what `describe_run` says, with the seed and the precision to use. on_epoch gets the content that was just written;
    each entry of its `history` holds loss, learning rate, validation loss and accuracy, and seconds. Raises CheckpointError
    if `path` is another run's, UsageError for too few faces.
    """
    faces, targets = _resident(train, device)
    valid_faces, valid_targets = _resident(valid, device)
    torch.manual_seed(run["seed"])
    model = build_model(recipe.model, run["classes"], recipe.dropout).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(recipe.averaging), use_buffers=True)
    optimizer = build_optimizer(model, recipe)
    content = {**run, "epoch": 0, "history": [], "kept": None}
    if path.exists():
        content = _resume(path, run, model, average, optimizer)
    loss_of, dtype = LOSSES[recipe.labels], PRECISIONS[run["environment"]["precision"]]
    kept = average.module if recipe.averaging else model
    if not (steps := len(faces) // recipe.batch_size):
        raise UsageError(f"{len(faces):,} faces do not fill a batch of {recipe.batch_size}; lower batch_size.")

    while not is_over(recipe, losses := [entry["valid_loss"] for entry in content["history"]]):
        start, epoch = time.perf_counter(), content["epoch"]
        torch.manual_seed(run["seed"] * 1_000_003 + epoch + 1)
        order = torch.randperm(len(faces), device=device)
        total = torch.zeros((), device=device)
        model.train()
        for step in range(steps):
            rows = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(recipe, (epoch * steps + step) / (recipe.epochs * steps), losses)
            views = augment(faces[rows], recipe).contiguous(memory_format=torch.channels_last)
            with torch.autocast(device, dtype, enabled=dtype is not torch.float32):
                logits = model(views)
            loss = loss_of(logits.float(), targets[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            average.update_parameters(model)
            total += loss.detach()
            on_step(step + 1, steps)
        valid_loss, accuracy = validate(kept, valid_faces, valid_targets)
        entry = {"epoch": epoch + 1, "loss": total.item() / steps, "learning_rate": optimizer.param_groups[0]["lr"],
                 "valid_loss": valid_loss, "valid_accuracy": accuracy, "time_s": time.perf_counter() - start}  # fmt: skip
        if recipe.select == "last" or all(accuracy > before["valid_accuracy"] for before in content["history"]):
            content["kept"] = _state(kept)
        content |= {"epoch": epoch + 1, "history": [*content["history"], entry], "model": _state(model),
                    "average": _state(average), "optimizer": optimizer.state_dict()}  # fmt: skip
        write_checkpoint(path, content)
        on_epoch(content)
    return content


@torch.inference_mode()
def validate(model: nn.Module, faces: Tensor, targets: Tensor, batch: int = 512) -> tuple[float, float]:
    """Mean cross-entropy and accuracy of `model`, in evaluation mode, on uint8 faces [n,1,48,48]."""
    model.eval()
    views = faces.float().contiguous(memory_format=torch.channels_last)
    logits = torch.cat([model(part).float() for part in views.split(batch)])
    accuracy = (logits.argmax(1) == targets.argmax(1)).float().mean()
    return F.cross_entropy(logits, targets).item(), accuracy.item()


def _resident(arrays: Arrays, device: str) -> tuple[Tensor, Tensor]:
    images, targets = arrays
    return torch.from_numpy(images)[:, None].to(device), torch.from_numpy(targets).to(device)


def build_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimiser, with weight decay on the matrices and kernels, none on norms and biases."""
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": weights, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum, fused=True)
    if recipe.optimizer == "adam":
        return torch.optim.Adam([*weights, *others], lr=recipe.learning_rate, eps=1e-7, fused=True)  # Keras's epsilon
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=True)


def _state(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in module.state_dict().items()}


def _resume(
    path: Path, run: dict[str, Any], model: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer
) -> dict[str, Any]:
    content = read_checkpoint(path)
    content["recipe"] = as_values(build_recipe(content["recipe"]))  # keys that it did not know have their defaults
    for key in ("recipe", "seed", "classes", "data"):
        if content[key] != run[key]:
            raise CheckpointError(f"{path}: belongs to a run with another {key}; resume with that, or use another --out.")
    if content["epoch"] < content["recipe"]["epochs"]:
        _compare_makers(path, content, run)
    model.load_state_dict(content["model"])
    average.load_state_dict(content["average"])
    optimizer.load_state_dict(content["optimizer"])
    return content


def _compare_makers(path: Path, content: dict[str, Any], run: dict[str, Any]) -> None:
    """Warns where the rest of the run is made by another environment or commit, and has `commit` then name all, in order."""
    began, now = ({**made["environment"], "commit": str(made["commit"]).split(", ")[-1]} for made in (content, run))
    if other := [f"{key} {now.get(key)} (began with {began[key]})" for key in began if now.get(key) != began[key]]:
        words = "%s: resumed with %s; the weights may differ from those of an unbroken run."
        logging.getLogger("mien").warning(words, path, ", ".join(other))
    if now["commit"] != began["commit"]:
        content["commit"] = f"{content['commit']}, {now['commit']}"
