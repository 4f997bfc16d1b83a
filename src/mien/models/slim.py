"""mien's own networks: plain narrow 3x3 residual blocks behind a strided stem.

Depthwise convolutions and full-resolution stages cost far more time than their multiply-adds say, so they have neither.
`slim`, 150,368 parameters: 24 channels at 24 pixels, 32 at 12, 56 at 6. `swift`, 145,832 parameters, two thirds of its
multiply-adds: a second strided convolution in place of the blocks at 24 pixels. `deft`, 162,374 parameters: `swift` with one
block more, each of which weighs its channels by squeeze-excitation (arXiv:1709.01507). `wide`, the teacher: the same on
twice the channels and more.
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.models import register

Widths = tuple[tuple[int, int], ...]
MEAN, SCALE = 129.5, 65.0  # grey levels of the training faces


def conv(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Sequential:
    """Convolution without bias, then batch norm."""
    convolution = nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs))


class Excitation(nn.Module):
    """Each channel times a factor from 0 to 1 that is computed from all channels' means."""

    def __init__(self, channels: int, reduction: int = 4):
        super().__init__()
        self.squeeze = nn.Conv2d(channels, channels // reduction, 1)
        self.excite = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.excite(F.relu(self.squeeze(x.mean(dim=(2, 3), keepdim=True)))))


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut: the input itself, or its 2x2 average through a 1x1 convolution."""

    def __init__(self, inputs: int, outputs: int, stride: int, excited: bool = False):
        super().__init__()
        self.first = conv(inputs, outputs, 3, stride)
        self.second = conv(outputs, outputs, 3)
        self.excitation = Excitation(outputs) if excited else nn.Identity()
        nn.init.zeros_(self.second.get_parameter("1.weight"))  # each block starts as its shortcut
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Sequential(nn.AvgPool2d(stride), *conv(inputs, outputs, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.excitation(self.second(F.relu(self.first(x)))) + self.shortcut(x))


class Slim(nn.Module):
    """Input float32 [n,1,48,48], grey levels 0 to 255, normalised inside; output logits [n,classes].

    stem: channels and kernel side of each strided convolution; blocks: channels and stride of each block; excited: whether
    they weigh their channels.
    """

    def __init__(self, stem: Widths, blocks: Widths, excited: bool = False, classes: int = 8, dropout: float = 0.1):
        super().__init__()
        inputs = 1
        layers: list[nn.Module] = []
        for channels, side in stem:
            layers += [*conv(inputs, channels, side, stride=2), nn.ReLU()]
            inputs = channels
        self.stem = nn.Sequential(*layers)
        widths = (inputs, *(channels for channels, _ in blocks))
        self.blocks = nn.Sequential(*(Block(i, o, s, excited) for i, (o, s) in zip(widths, blocks, strict=False)))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(widths[-1], classes)

    def forward(self, faces: Tensor) -> Tensor:
        x = self.blocks(self.stem((faces - MEAN) / SCALE))
        return self.head(self.dropout(x.mean(dim=(2, 3))))


register("slim")(partial(Slim, ((24, 5),), ((24, 1), (32, 2), (32, 1), (56, 2), (56, 1))))
register("swift")(partial(Slim, ((16, 5), (32, 3)), ((32, 1), (32, 1), (56, 2), (56, 1))))
register("deft")(partial(Slim, ((16, 5), (32, 3)), ((32, 1), (32, 1), (32, 1), (54, 2), (54, 1)), True))
register("wide")(partial(Slim, ((32, 5),), ((32, 1), (64, 2), (64, 1), (144, 2), (144, 1)), True))
