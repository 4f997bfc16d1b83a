"""VGG13 as the FER+ paper modified it: 8,757,704 parameters with eight classes, no batch norm.

Source: Barsoum et al. 2016, arXiv:1608.01041, figure 4 and section 5.
"""

from torch import Tensor, nn

from mien.models import glorot, register

SIDE_PX = 64
STAGES = ((64, 2), (128, 2), (256, 3), (256, 3))  # channels, convolutions


@register("vgg13")
class VGG13(nn.Module):
    """Input float32 [n,1,48,48], grey levels 0 to 255, scaled to 0 to 1 and enlarged to 64x64 inside; output [n,classes].

    dropout: of the two dense layers; half of it follows each stage, as published (0.5 and 0.25).
    """

    def __init__(self, classes: int = 8, dropout: float = 0.5):
        super().__init__()
        self.enlarge = nn.Upsample((SIDE_PX, SIDE_PX), mode="bilinear")
        layers: list[nn.Module] = []
        inputs = 1
        for channels, convolutions in STAGES:
            for _ in range(convolutions):
                layers += [nn.Conv2d(inputs, channels, 3, padding=1), nn.ReLU()]
                inputs = channels
            layers += [nn.MaxPool2d(2), nn.Dropout(dropout / 2)]
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(inputs * (SIDE_PX // 16) ** 2, 1024),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(1024, 1024),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(1024, classes),
        )
        glorot(self)

    def forward(self, faces: Tensor) -> Tensor:
        return self.head(self.features(self.enlarge(faces / 255)))
