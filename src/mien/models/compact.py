"""The seed's compact network: separable 3x3 convolutions, 171,137 parameters with eight classes.

It follows the master's thesis whose app mien grew from: 48, 96, 192 and 384 channels at 48, 24, 12 and 6 pixels; each
stage ends in norm, 2x2 max-pooling, spatial dropout, activation.
"""

import torch
from torch import Tensor, nn

from mien.models import register

STAGES = ((48, 3), (96, 3), (192, 2), (384, 1))  # channels, convolutions


def separable(inputs: int, outputs: int, size: int) -> nn.Sequential:
    """Depthwise `size` x `size` convolution without bias, then a 1x1 convolution with bias (Keras's SeparableConv2D)."""
    depthwise = nn.Conv2d(inputs, inputs, size, padding=size // 2, groups=inputs, bias=False)
    return nn.Sequential(depthwise, nn.Conv2d(inputs, outputs, 1))


def norm(channels: int) -> nn.BatchNorm2d:
    """Batch norm with Keras's constants."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


@register("compact")
class Compact(nn.Module):
    """Input float32 [n,1,48,48], grey levels 0 to 255, divided by 255 inside; output logits [n,classes]."""

    def __init__(self, classes: int = 8, dropout: float = 0.1):
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 1
        for channels, convolutions in STAGES:
            for i in range(convolutions):
                layers += [separable(inputs, channels, 3), norm(channels)]
                if i == convolutions - 1:
                    layers += [nn.MaxPool2d(2), nn.Dropout2d(dropout)]
                layers.append(nn.LeakyReLU(0.02))
                inputs = channels
        self.features = nn.Sequential(*layers)
        self.head = separable(inputs, classes, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, faces: Tensor) -> Tensor:
        return torch.mean(self.head(self.features(faces / 255)), dim=(2, 3))
