"""A torch network behind `probs`, and the count of its multiply-adds."""

import numpy as np
import pytest
import torch
from torch import nn

from mien.models import build_model, count_multiply_adds
from mien.models.engine import TorchEngine


class Brightness(nn.Module):
    """Logits (mean grey level, 0), behind dropout that must be off."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.5)
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, faces):
        level = faces.mean(dim=(1, 2, 3)) * self.scale
        return self.dropout(torch.stack([level, torch.zeros_like(level)], 1))


def constant_faces(*levels: int) -> np.ndarray:
    return np.stack([np.full((48, 48), level, np.uint8) for level in levels])


@pytest.mark.parametrize("temperature", [1, 2.5])
def test_probs_are_softmax_of_logits_over_temperature(temperature):
    probs = TorchEngine(Brightness(), temperature).probs(constant_faces(0, 1, 3))
    expected = 1 / (1 + np.exp(-np.array([0, 1, 3]) / temperature))
    assert probs.dtype == np.float32
    assert probs[:, 0] == pytest.approx(expected, abs=1e-6)


def test_any_number_of_faces_whatever_the_batch():
    faces = np.random.default_rng(0).integers(0, 256, (7, 48, 48), np.uint8)
    engine = TorchEngine(build_model("slim"), batch=3)
    one_by_one = np.concatenate([engine.probs(face[None]) for face in faces])
    assert engine.probs(faces) == pytest.approx(one_by_one, abs=1e-6)
    assert engine.probs(faces[:0]).shape == (0, 8)


def test_multiply_adds_by_hand():
    convolution = nn.Conv2d(1, 6, 5, stride=2, padding=2)  # 24x24 outputs
    grouped = nn.Conv2d(6, 12, 3, padding=1, groups=3, bias=False)
    network = nn.Sequential(convolution, nn.BatchNorm2d(6), grouped, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 8))
    assert count_multiply_adds(network) == 24 * 24 * (6 * 25 + 12 * 2 * 9) + 12 * 8
    assert network.training
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.parametrize(("name", "millions"), [("slim", 15.1), ("compact", 38.3)])
def test_multiply_adds_of_the_networks(name, millions):
    assert count_multiply_adds(build_model(name)) / 1e6 == pytest.approx(millions, abs=0.05)
