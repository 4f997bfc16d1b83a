"""What a label mode minimises: logits [n,c] and targets [n,c] -> one loss a face [n], and its balanced variants."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from mien.training.recipe import Recipe

Loss = Callable[[Tensor, Tensor], Tensor]
EPSILON = 0.001  # of the FER+ reference code's multi-target loss


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Against a distribution; a one-hot target gives the ordinary loss."""
    return F.cross_entropy(logits, targets, reduction="none")


def sampled_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Against one label drawn from each target distribution, anew at each call."""
    return F.cross_entropy(logits, torch.multinomial(targets, 1)[:, 0], reduction="none")


def multi_target_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """-log max(t * p), t = 1 for target classes and epsilon for the others (arXiv:1608.01041, eq. 6, as in its code)."""
    weights = torch.where(targets > 0, 1.0, EPSILON)
    return -(F.log_softmax(logits, 1) + weights.log()).amax(1)


LOSSES: dict[str, Loss] = {
    "distribution": cross_entropy,
    "majority": cross_entropy,
    "fer2013": cross_entropy,
    "sampled": sampled_cross_entropy,
    "multi_target": multi_target_loss,
}


def prior_of(targets: Tensor) -> Tensor:
    """Each class's share of the targets [n,c], float [c]; a class that none has counts as one target, so that none is 0."""
    counts = targets.sum(0).clamp(min=1)
    return counts / counts.sum()


def build_loss(recipe: Recipe, prior: Tensor) -> Loss:
    """The loss of the recipe's label mode under its `balance`, whose strength s is 0 for none and 1 for all of it.

    prior: [c], each class's share of the training targets (prior_of). `weights`: each face counts by its classes' prior ** -s,
    1 in the mean. `logits`: s * log(prior) is added to the logits in training alone (arXiv:2007.07314, eq. 10).
    """
    loss_of = LOSSES[recipe.labels]
    if recipe.balance == "weights":
        weights = prior**-recipe.balance_strength
        weights = weights / (weights * prior).sum()
        return lambda logits, targets: loss_of(logits, targets) * (targets @ weights)
    if recipe.balance == "logits":
        shift = recipe.balance_strength * prior.log()
        return lambda logits, targets: loss_of(logits + shift, targets)
    return loss_of


def shuffle_rows(recipe: Recipe, targets: Tensor, prior: Tensor) -> Tensor:
    """The rows of one epoch, int [n], from torch's global generator: each once; under balanced `sampling` as often as drawn.

    A face is then drawn in proportion to its classes' prior ** -s.
    """
    if recipe.balance == "sampling":
        return torch.multinomial(targets @ prior**-recipe.balance_strength, len(targets), replacement=True)
    return torch.randperm(len(targets), device=targets.device)
