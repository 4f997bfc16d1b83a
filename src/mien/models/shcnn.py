"""SHCNN, three convolutions and two wide dense layers: 8,711,988 parameters with eight classes.

Source: Miao et al. 2019, "Recognizing Facial Expressions Using a Shallow Convolutional Neural Network", IEEE Access 7.
"""

from torch import Tensor, nn

from mien.models import glorot, register

STAGES = ((44, 5), (44, 3), (88, 5))  # channels, kernel side


@register("shcnn")
class SHCNN(nn.Module):
    """Input float32 [n,1,48,48], grey levels 0 to 255, scaled to 0 to 1 inside; output logits [n,classes].

    dropout: of the two dense layers, published as 0.4.
    """

    def __init__(self, classes: int = 8, dropout: float = 0.4):
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 1
        for channels, side in STAGES:
            layers += [nn.Conv2d(inputs, channels, side, padding=side // 2), nn.LeakyReLU(0.02), nn.MaxPool2d(2)]
            inputs = channels
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(inputs * 6 * 6, 2048),
            nn.LeakyReLU(0.02),
            nn.Dropout(dropout),
            nn.Linear(2048, 1024),
            nn.LeakyReLU(0.02),
            nn.Dropout(dropout),
            nn.Linear(1024, classes),
        )
        glorot(self)

    def forward(self, faces: Tensor) -> Tensor:
        return self.head(self.features(faces / 255))
