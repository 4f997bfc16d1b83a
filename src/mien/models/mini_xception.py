"""Mini-Xception: 58,423 parameters with seven classes, of which 1,472 are norm statistics that are not trained.

Source: Arriaga et al. 2017, "Real-time Convolutional Neural Networks for Emotion and Gender Classification", arXiv:1710.07557.
"""

import torch
from torch import Tensor, nn

from mien.models import glorot, register
from mien.models.compact import norm

SIDE_PX = 64
CHANNELS = (16, 32, 64, 128)


def separable(inputs: int, outputs: int) -> nn.Sequential:
    """Depthwise 3x3 and pointwise convolution without biases, then norm."""
    depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
    return nn.Sequential(depthwise, nn.Conv2d(inputs, outputs, 1, bias=False), norm(outputs))


class Module(nn.Module):
    """Two separable convolutions and max-pooling beside a 1x1 convolution; both halve the side."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        # The 1x1 convolution's stride stands apart: torch 2.13's backward of both in one crashes on AVX-512 with 8 channels.
        self.shortcut = nn.Sequential(nn.AvgPool2d(1, stride=2), nn.Conv2d(inputs, outputs, 1, bias=False), norm(outputs))
        pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.main = nn.Sequential(separable(inputs, outputs), nn.ReLU(), separable(outputs, outputs), pool)

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.main(x)


@register("mini_xception")
class MiniXception(nn.Module):
    """Input float32 [n,1,48,48], grey levels 0 to 255, scaled to -1 to 1 and enlarged to 64x64 inside; output [n,classes]."""

    def __init__(self, classes: int = 7, dropout: float = 0.0):
        super().__init__()
        self.enlarge = nn.Upsample((SIDE_PX, SIDE_PX), mode="bilinear")
        first, second = nn.Conv2d(1, 8, 3, bias=False), nn.Conv2d(8, 8, 3, bias=False)
        self.stem = nn.Sequential(first, norm(8), nn.ReLU(), second, norm(8), nn.ReLU())
        widths = (8, *CHANNELS)
        self.stages = nn.Sequential(*(Module(i, o) for i, o in zip(widths, CHANNELS, strict=False)))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Conv2d(CHANNELS[-1], classes, 3, padding=1)
        glorot(self)

    def forward(self, faces: Tensor) -> Tensor:
        x = self.stages(self.stem(self.enlarge(faces / 127.5 - 1)))
        return torch.mean(self.head(self.dropout(x)), dim=(2, 3))
