"""The training loop: data resident on the device, batched augmentation, cosine schedule, averaged weights.

An epoch draws all its randomness from a generator seeded by (seed, epoch), so a run that is killed and resumed from the
last whole epoch gives, on the same machine, precision and threads, the weights of the run that was not, bit for bit.
"""

import logging
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mien.errors import CheckpointError, UsageError
from mien.models import build_model
from mien.models.double_channel import choose_weight
from mien.training.augment import mix, spoil, view
from mien.training.checkpoint import STATE, read_checkpoint, write_checkpoint
from mien.training.distill import Teacher
from mien.training.losses import build_loss, prior_of, shuffle_rows
from mien.training.parallel import from_first, is_first, mean, share, shared
from mien.training.precision import PRECISIONS
from mien.training.recipe import Recipe, as_values, build_recipe
from mien.training.schedule import is_over, learning_rate
from mien.training.start import Start, take_over

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
    teachers: Sequence[nn.Module] = (),
    start: Start | None = None,
    on_step: Callable[[int, int], None] = lambda step, steps: None,
    on_epoch: Report = lambda content: None,
) -> dict[str, Any]:
    """Trains to `recipe.epochs` and returns the last checkpoint's content; goes on from `path` where it holds this run.

    run: what `describe_run` says, with seed and precision. teachers: networks that give `recipe.distillation` of the loss.
    start: weights to begin with; their validation is then the content's `before`. on_epoch gets the content just written;
    its `history` says how each epoch went. In a process group the first process alone writes and calls it. Raises
    CheckpointError if `path` is another run's, UsageError for too few faces.
    """
    (faces, targets), held_out = _resident(train, device), _resident(valid, device)
    steps, part = count_steps(recipe, len(faces)), share(recipe.batch_size)
    model, average, optimizer, content = _begin(recipe, run, path, device, start, held_out)
    loss_of, shared_model = build_loss(recipe, prior := prior_of(targets)), shared(model)
    teacher = Teacher(teachers, recipe, device, path.with_name("answers"), content["epoch"]) if teachers else None
    kind, dtype = torch.device(device).type, PRECISIONS[run["environment"]["precision"]]
    kept = average.module if recipe.averaging else model

    while not is_over(recipe, losses := [entry["valid_loss"] for entry in content["history"]]):
        began_s, epoch = time.perf_counter(), content["epoch"]
        torch.manual_seed(run["seed"] * 1_000_003 + (epoch % recipe.views if recipe.views else epoch) + 1)
        order, total = shuffle_rows(recipe, targets, prior), torch.zeros((), device=device)
        model.train()
        for step in range(steps):
            rows = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
            _set_rate(optimizer, learning_rate(recipe, (epoch * steps + step) / (recipe.epochs * steps), losses))
            views, spoilt = _make_views(faces[rows], recipe, run["seed"], epoch, step)
            with torch.autocast(kind, dtype, enabled=dtype is not torch.float32):
                answers = [teacher.probs(views[part], epoch, step)] if teacher else []
                mixed, labels, *answers = mix(recipe, spoilt[part], targets[rows][part], *answers)
                logits = shared_model(mixed.contiguous(memory_format=torch.channels_last))
            loss = loss_of(logits.float(), labels)
            if teacher:
                loss = teacher.blend(loss, logits.float(), *answers)
            optimizer.zero_grad()
            loss.mean().backward()
            optimizer.step()
            average.update_parameters(model)
            total += loss.detach().mean()
            on_step(step + 1, steps)
        choose_weight(kept, *held_out)
        valid_loss, accuracy = from_first(_checked(validate(kept, *held_out), epoch))
        entry = {"epoch": epoch + 1, "loss": mean(total).item() / steps, "learning_rate": optimizer.param_groups[0]["lr"],
                 "valid_loss": valid_loss, "valid_accuracy": accuracy, "time_s": time.perf_counter() - began_s}  # fmt: skip
        _take_in(content, entry, recipe, model, average, optimizer)
        if is_first():
            if teacher:
                teacher.write_answers(epoch)
            write_checkpoint(path, content)
            on_epoch(content)
    return content


def _checked(found: tuple[float, float], epoch: int) -> tuple[float, float]:
    """Loss and accuracy, as they are. Raises UsageError for a loss that is no number: nothing can be learnt from there."""
    if not math.isfinite(found[0]):
        raise UsageError(f"the loss is no number any more after epoch {epoch + 1}; lower learning_rate.")
    return found


def _begin(
    recipe: Recipe, run: dict[str, Any], path: Path, device: str, start: Start | None, valid: tuple[Tensor, Tensor]
) -> tuple[nn.Module, AveragedModel, torch.optim.Optimizer, dict[str, Any]]:
    """The model, its averages, their optimiser and the checkpoint's content, as at the start or as `path` has them."""
    torch.manual_seed(run["seed"])
    model = build_model(recipe.model, run["classes"], recipe.dropout).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    content = {**run, "epoch": 0, "history": [], "kept": None}
    if start and not path.exists():
        take_over(model, run["labels"], start)
        content["before"] = dict(zip(("valid_loss", "valid_accuracy"), validate(model, *valid), strict=True))
    average = AveragedModel(model, multi_avg_fn=_average(recipe.averaging), use_buffers=True)
    optimizer = build_optimizer(model, recipe)
    if path.exists():
        content = _resume(path, run, model, average, optimizer)
    return model, average, optimizer, content


def count_steps(recipe: Recipe, faces: int) -> int:
    """Whole batches in an epoch. Raises UsageError where there is none."""
    if faces < recipe.batch_size:
        raise UsageError(f"{faces:,} faces do not fill a batch of {recipe.batch_size}; lower batch_size.")
    return faces // recipe.batch_size


@torch.inference_mode()
def validate(model: nn.Module, faces: Tensor, targets: Tensor, batch: int = 512) -> tuple[float, float]:
    """Mean cross-entropy and accuracy of `model`, in evaluation mode, on uint8 faces [n,1,48,48]."""
    model.eval()
    views = faces.float().contiguous(memory_format=torch.channels_last)
    logits = torch.cat([model(part).float() for part in views.split(batch)])
    accuracy = (logits.argmax(1) == targets.argmax(1)).float().mean()
    return F.cross_entropy(logits, targets).item(), accuracy.item()


def _set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def _take_in(
    content: dict[str, Any], entry: dict[str, Any], recipe: Recipe, model: nn.Module, average: AveragedModel,
    optimizer: torch.optim.Optimizer,
) -> None:  # fmt: skip
    """Brings a checkpoint's content up to the epoch that `entry` tells of."""
    if recipe.select == "last" or all(entry["valid_accuracy"] > before["valid_accuracy"] for before in content["history"]):
        content["kept"] = _state(average.module if recipe.averaging else model)
    content |= {"epoch": entry["epoch"], "history": [*content["history"], entry], "model": _state(model),
                "average": _state(average), "optimizer": optimizer.state_dict()}  # fmt: skip


def _make_views(faces: Tensor, recipe: Recipe, seed: int, epoch: int, step: int) -> tuple[Tensor, Tensor]:
    """What the teachers see, the same after recipe.views epochs, and what is left of it for the student, which is not."""
    if not recipe.views:
        return (views := view(faces, recipe)), spoil(views, recipe)
    torch.manual_seed(_mixed(seed, epoch % recipe.views, step))
    views = view(faces, recipe)
    torch.manual_seed(_mixed(seed, epoch, step))
    return views, spoil(views, recipe)


def _mixed(*numbers: int) -> int:
    """A seed for the generator from several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def _average(decay: float) -> Callable[[Any, Any, Any], None]:
    """Averages with `decay` a step, less in the first steps: the random start is soon forgotten."""

    def update(averages: Any, values: Any, steps: Any) -> None:
        get_ema_multi_avg_fn(min(decay, (1 + float(steps)) / (10 + float(steps))))(averages, values, steps)

    return update


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
    if not content.keys() >= {*STATE}:
        raise CheckpointError(f"{path}: holds weights alone, from which no run goes on; give it to a new run as --start.")
    try:
        content["recipe"] = as_values(build_recipe(content["recipe"]))  # keys that it did not know have their defaults
    except UsageError as error:
        raise CheckpointError(f"{path}: is of another version of mien ({error}); go on with that one.") from error
    for key in ("recipe", "seed", "classes", "data", "teachers", "start"):
        if content.get(key) != run.get(key) and (content.get(key) or run.get(key)):
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
