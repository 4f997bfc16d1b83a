"""Double channel: a compact trunk on the face, a second on its local binary pattern picture; 342,274 parameters, eight classes.

Source: Yang et al. 2017, "Facial Expression Recognition Using Weighted Mixture Deep Neural Network Based on Double-Channel
Facial Images", IEEE Access 6: the channels' class scores are added with a weight, then comes the softmax. Its channels were
VGG16, trained on ImageNet, and a shallow network; here both are the compact one, as in the seed's own trial.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.models import register
from mien.models.compact import Compact

NEIGHBOURS = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))
"""Pixels down and right of the centre, counter-clockwise from the right; bit k of a code belongs to the k-th."""
REACH = 0.70711
"""Pixels down and across to a diagonal neighbour at distance 1: cos 45 degrees, rounded as scikit-image does."""
STEEPNESS = 2000.0
"""Of the ramp from 0 to 1 that tells darker from not darker: between whole levels no step is in (-0.001, 0)."""


class LocalBinaryPattern(nn.Module):
    """Grey levels [n,1,h,w] -> codes 0 to 255, float32 [n,1,h,w]: scikit-image's `local_binary_pattern(picture, 8, 1)`.

    Bit k is set where the k-th neighbour, at distance 1, is no darker than the centre. Diagonal ones are interpolated
    bilinearly; outside the picture all is 0. Levels between whole ones, as random views have, are rounded first, so that in
    flat places neighbours are equal in training as they are in use.

    Convolutions take the differences of pixels and add the bits up: whole numbers to 255, so exact in bfloat16 and with int8
    weights too. Slices, comparisons and sums would be exported for one face at a time.
    """

    kernel_size, stride, padding = 3, 1, 1  # what a code sees of the picture

    def __init__(self) -> None:
        super().__init__()
        differences = torch.zeros(24, 1, 3, 3)  # to the centre: of the nearest pixels, and of the diagonal ones' two sides
        for bit, (down, right) in enumerate(NEIGHBOURS):
            for kernel, (y, x) in enumerate([(down, right), (down, 0), (0, right)] if down and right else [(down, right)]):
                differences[8 * kernel + bit, 0, 1 + y, 1 + x] = 1
                differences[8 * kernel + bit, 0, 1, 1] = -1
        self.register_buffer("differences", differences, persistent=False)
        self.register_buffer("powers", 2.0 ** torch.arange(8).view(1, 8, 1, 1), persistent=False)
        self.register_buffer("total", torch.ones(1, 8, 1, 1), persistent=False)

    def forward(self, faces: Tensor) -> Tensor:
        levels = faces.round()
        kernels = self.get_buffer("differences").split(8)
        nearest, above, beside = (F.conv2d(levels, kernel, padding=1).float() for kernel in kernels)
        steps = nearest + (1 - REACH) / REACH * (above + beside)  # the interpolated difference, over REACH squared
        bits = (steps * STEEPNESS + 1).clamp(0, 1)
        return F.conv2d(bits * self.get_buffer("powers"), self.get_buffer("total")).float()


@register("double_channel")
class DoubleChannel(nn.Module):
    """Input float32 [n,1,48,48], grey levels 0 to 255; output logits [n,classes].

    weight: the pattern's share in the sum of scores; one half in training, then what `choose_weight` sets.
    """

    def __init__(self, classes: int = 8, dropout: float = 0.1):
        super().__init__()
        self.face = Compact(classes, dropout)
        self.to_pattern = LocalBinaryPattern()
        self.pattern = Compact(classes, dropout)
        self.register_buffer("weight", torch.tensor(0.5))

    def forward(self, faces: Tensor) -> Tensor:
        weight = 0.5 if self.training else self.get_buffer("weight")
        return (1 - weight) * self.face(faces) + weight * self.pattern(self.to_pattern(faces))


@torch.inference_mode()
def choose_weight(model: nn.Module, faces: Tensor, targets: Tensor, batch: int = 512) -> None:
    """Gives a DoubleChannel the weight, of 0, 0.01 to 1, whose scores have the least cross-entropy; leaves others as they are.

    faces: uint8 or float32 [n,1,48,48] of the validation split, and targets, float32 [n,classes], where the model is. The
    loss is convex in the weight, so there is one minimum.
    """
    if not isinstance(model, DoubleChannel):
        return
    model.eval()
    parts = [part.float() for part in faces.split(batch)]
    face = torch.cat([model.face(part) for part in parts])
    pattern = torch.cat([model.pattern(model.to_pattern(part)) for part in parts])
    weights = torch.linspace(0, 1, 101, device=faces.device)
    losses = torch.stack([F.cross_entropy((1 - weight) * face + weight * pattern, targets) for weight in weights])
    model.get_buffer("weight").copy_(weights[losses.argmin()])
