"""Faces and networks to export where there are none: random, but with convictions."""

import numpy as np
import torch
from torch import nn

from mien.models import build_model
from mien.models.engine import TorchEngine


def draw_faces(n: int, seed: int = 0) -> np.ndarray:
    """uint8 [n,48,48]: patterns of random coarseness, brightness and contrast."""
    rng = np.random.default_rng(seed)
    levels = rng.uniform(0, 255, (n, 2, 1, 1))
    coarse, fine = rng.uniform(-1, 1, (n, 4, 4)).repeat(12, 1).repeat(12, 2), rng.uniform(-1, 1, (n, 48, 48))
    mixed = rng.uniform(0, 1, (n, 1, 1))
    return np.clip(levels[:, 0] + levels[:, 1] * (mixed * coarse + (1 - mixed) * fine), 0, 255).astype(np.uint8)


def build_random(name: str, seed: int = 0) -> nn.Module:
    """A network with random norm scales and statistics that fit `draw_faces`, whose logits differ clearly."""
    torch.manual_seed(seed)
    model = build_model(name).train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.3)
            module.momentum = 0.9
    faces = draw_faces(128)
    with torch.no_grad():
        for _ in range(2):
            model(torch.from_numpy(faces).float()[:, None])
        logits = TorchEngine(model).logits(faces)
        last = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)][-1]
        factor = torch.from_numpy(np.minimum(3 / logits.std(0), 100))  # beyond, float32 noise shows
        last.weight *= factor.reshape(-1, *[1] * (last.weight.ndim - 1))
        last.bias.copy_((last.bias - torch.from_numpy(logits.mean(0))) * factor)
    return model.eval()
