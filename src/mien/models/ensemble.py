"""Several networks that answer together: the mean of their probabilities."""

from collections.abc import Iterable

from torch import Tensor, nn

LEAST = 1e-20
"""No probability is taken for less, so that each has a logarithm."""


class Ensemble(nn.Module):
    """Input as of its networks; output logits [n,classes], the logarithms of their mean probabilities.

    Source: Lakshminarayanan et al. 2017, arXiv:1612.01474.
    """

    def __init__(self, networks: Iterable[nn.Module]):
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, faces: Tensor) -> Tensor:
        probs = sum(network(faces).softmax(1) for network in self.networks) / len(self.networks)
        return probs.clamp_min(LEAST).log()
