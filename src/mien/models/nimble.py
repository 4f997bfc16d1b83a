"""mien's own network: separable 3x3 convolutions on a quarter of the pixels, behind a plain one on all of them.

`nimble`, 153,448 parameters; `stout`, 868,456, has plain convolutions throughout and is a teacher. Of what was tried
(docs/LOG.md, 2026-11-27) two things matter most for how fast a small network learns: that the first convolution sees every
pixel and max-pooling chooses among its answers, where a strided one skips three of four; and that residual branches start at
full strength, where `slim`'s start at nothing.
"""

from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from mien.models import register
from mien.models.slim import MEAN, SCALE, conv

Unit = Callable[[int, int], nn.Sequential]
"""Input and output channels to a 3x3 convolution with batch norm."""
STAGES = ((48, 2, True), (96, 3, True), (192, 3, False))  # channels, convolutions, whether they end in pooling
STOUT = ((64, 2, True), (128, 2, True), (192, 2, False))


def plain(inputs: int, outputs: int) -> nn.Sequential:
    """3x3 convolution, then batch norm."""
    return nn.Sequential(*conv(inputs, outputs, 3))


def separable(inputs: int, outputs: int) -> nn.Sequential:
    """Depthwise 3x3 and pointwise convolution, then batch norm."""
    depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
    nn.init.kaiming_normal_(depthwise.weight, nonlinearity="relu")
    return nn.Sequential(depthwise, *conv(inputs, outputs, 1))


class Stage(nn.Module):
    """3x3 convolutions with ReLU between, beside a 1x1 one. Pooled: those by maxima at the end, this by means first."""

    def __init__(self, unit: Unit, inputs: int, outputs: int, convolutions: int, pooled: bool):
        super().__init__()
        layers: list[nn.Module] = [unit(inputs, outputs)]
        for _ in range(convolutions - 1):
            layers += [nn.ReLU(), unit(outputs, outputs)]
        self.main = nn.Sequential(*layers, nn.MaxPool2d(2) if pooled else nn.Identity())
        self.shortcut = nn.Sequential(nn.AvgPool2d(2) if pooled else nn.Identity(), *conv(inputs, outputs, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.main(x) + self.shortcut(x))


class Nimble(nn.Module):
    """Input float32 [n,1,48,48], grey levels 0 to 255, normalised inside; output logits [n,classes]."""

    def __init__(
        self,
        classes: int = 8,
        dropout: float = 0.1,
        stem: int = 16,
        stages: Sequence[tuple[int, int, bool]] = STAGES,
        unit: Unit = separable,
    ):
        super().__init__()
        self.stem = nn.Sequential(*conv(1, stem, 3), nn.ReLU(), nn.MaxPool2d(2))
        widths = (stem, *(channels for channels, _, _ in stages))
        self.stages = nn.Sequential(*(Stage(unit, i, *stage) for i, stage in zip(widths, stages, strict=False)))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(widths[-1], classes)

    def forward(self, faces: Tensor) -> Tensor:
        x = self.stages(self.stem((faces - MEAN) / SCALE))
        return self.head(self.dropout(x.mean(dim=(2, 3))))


register("nimble")(Nimble)


@register("stout")
def build_stout(classes: int = 8, dropout: float = 0.1) -> Nimble:
    """Plain convolutions in place of separable ones, and twice the channels at the start."""
    return Nimble(classes, dropout, stem=32, stages=STOUT, unit=plain)
