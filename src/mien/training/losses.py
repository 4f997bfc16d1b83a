"""What a label mode minimises. logits [n,c] and targets [n,c] -> scalar."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

EPSILON = 0.001  # of the FER+ reference code's multi-target loss


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Against a distribution; a one-hot target gives the ordinary loss."""
    return F.cross_entropy(logits, targets)


def sampled_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Against one label drawn from each target distribution, anew at each call."""
    return F.cross_entropy(logits, torch.multinomial(targets, 1)[:, 0])


def multi_target_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """-log max(t * p), t = 1 for target classes and epsilon for the others (arXiv:1608.01041, eq. 6, as in its code)."""
    weights = torch.where(targets > 0, 1.0, EPSILON)
    return -(F.log_softmax(logits, 1) + weights.log()).amax(1).mean()


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "distribution": cross_entropy,
    "majority": cross_entropy,
    "fer2013": cross_entropy,
    "sampled": sampled_cross_entropy,
    "multi_target": multi_target_loss,
}
