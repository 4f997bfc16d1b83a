"""The seed's compact network: separable 3x3 convolutions, 171,137 parameters with eight classes.

It follows the master's thesis whose app mien grew from: 48, 96, 192 and 384 channels at 48, 24, 12 and 6 pixels; each
stage ends in norm, 2x2 max-pooling, spatial dropout, activation.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.models import glorot, register

SLOPE = 0.02  # of the leaky ReLUs
STAGES = ((48, 3), (96, 3), (192, 2), (384, 1))  # channels, convolutions


def separable(inputs: int, outputs: int, size: int) -> nn.Sequential:
    """Depthwise `size` x `size` convolution without bias, then a 1x1 convolution with bias (Keras's SeparableConv2D)."""
    depthwise = nn.Conv2d(inputs, inputs, size, padding=size // 2, groups=inputs, bias=False)
    return nn.Sequential(depthwise, nn.Conv2d(inputs, outputs, 1))


def norm(channels: int) -> nn.BatchNorm2d:
    """Batch norm with Keras's constants."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class Stage(nn.Module):
    """Separable 3x3 convolutions, 2x2 max-pooling and spatial dropout; `residual` adds a strided 1x1 convolution beside."""

    def __init__(self, inputs: int, channels: int, convolutions: int, dropout: float, residual: bool):
        super().__init__()
        layers: list[nn.Module] = [separable(inputs, channels, 3), norm(channels)]
        for _ in range(convolutions - 1):
            layers += [nn.LeakyReLU(SLOPE), separable(channels, channels, 3), norm(channels)]
        self.main = nn.Sequential(*layers, nn.MaxPool2d(2), nn.Dropout2d(dropout))
        self.shortcut = (
            nn.Sequential(nn.Conv2d(inputs, channels, 1, stride=2, bias=False), norm(channels)) if residual else None
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.main(x) if self.shortcut is None else self.main(x) + self.shortcut(x)
        return F.leaky_relu(y, SLOPE)


class Compact(nn.Module):
    """Input float32 [n,1,48,48], grey levels 0 to 255, divided by 255 inside; output logits [n,classes]."""

    def __init__(self, classes: int = 8, dropout: float = 0.1, residual: bool = False):
        super().__init__()
        inputs = (1, *(channels for channels, _ in STAGES))
        self.stages = nn.Sequential(*(Stage(i, c, n, dropout, residual) for i, (c, n) in zip(inputs, STAGES, strict=False)))
        self.head = separable(inputs[-1], classes, 1)
        glorot(self)

    def forward(self, faces: Tensor) -> Tensor:
        return torch.mean(self.head(self.stages(faces / 255)), dim=(2, 3))


register("compact")(Compact)


@register("compact_residual")
def build_residual(classes: int = 8, dropout: float = 0.1) -> Compact:
    """The compact network with a residual connection around each stage (the seed's "gates", after Mini-Xception)."""
    return Compact(classes, dropout, residual=True)
