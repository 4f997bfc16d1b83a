"""How the learning rate goes and when a run ends: functions of the recipe and of what is behind, so nothing is to be saved."""

import math
from collections.abc import Sequence

from mien.training.recipe import Recipe


def learning_rate(recipe: Recipe, done: float, losses: Sequence[float] = ()) -> float:
    """The rate when the share `done` of all steps is behind and these are the validation losses of the epochs so far.

    cosine: linear warm-up to the peak, then half a cosine to zero. plateau: the peak, times `decay` after each `patience`
    epochs without a better loss, no lower than `least_rate`. steps: the peak until the first of `drops`, then its rate.
    """
    if recipe.schedule == "plateau":
        return max(recipe.learning_rate * recipe.decay ** len(plateaus(losses, recipe.patience)), recipe.least_rate)
    if recipe.schedule == "steps":
        passed = [rate for epoch, rate in recipe.drops if len(losses) >= epoch]
        return passed[-1] if passed else recipe.learning_rate
    if done < recipe.warmup:
        return recipe.learning_rate * max(done, 1e-3) / recipe.warmup
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * (done - recipe.warmup) / (1 - recipe.warmup)))


def plateaus(losses: Sequence[float], patience: int) -> list[int]:
    """The epochs, from 1, after which `patience` have gone by without a loss below all before, counting anew each time."""
    best, waited, found = math.inf, 0, []
    for epoch, loss in enumerate(losses, 1):
        best, waited = (loss, 0) if loss < best else (best, waited + 1)
        if waited == patience:
            found.append(epoch)
            waited = 0
    return found


def is_over(recipe: Recipe, losses: Sequence[float]) -> bool:
    """Whether the run ends here: all epochs are behind, or `stop_after` of them in a row without a better loss."""
    return len(losses) >= recipe.epochs or (recipe.stop_after > 0 and bool(plateaus(losses, recipe.stop_after)))
