"""The local binary pattern against scikit-image and whole-number arithmetic, and the weight of the two channels."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from skimage.feature import local_binary_pattern
from torch import nn

from mien.export.graph import Graph
from mien.export.litert import write_litert
from mien.export.onnx import write_onnx
from mien.export.quantize import write_int8
from mien.inference.engines import LiteRTEngine, OnnxEngine
from mien.models import build_model
from mien.models.double_channel import DoubleChannel, LocalBinaryPattern, choose_weight
from mien.models.engine import TorchEngine


def codes(pictures: np.ndarray) -> np.ndarray:
    """uint8 or float32 [n,h,w] -> what the module makes of them, [n,h,w]."""
    return LocalBinaryPattern()(torch.from_numpy(pictures)[:, None].float())[:, 0].numpy()


def slow_code(picture: np.ndarray, y: int, x: int) -> int:
    """The code of one pixel in whole numbers: neighbours at cos 45 degrees = 70711 / 100000, levels times its square."""
    far, near, whole = 70711, 29289, 100_000
    padded = np.pad(picture.astype(int), 1)
    at = lambda down, right: int(padded[y + 1 + down, x + 1 + right])  # noqa: E731
    code = 0
    for bit, (down, right) in enumerate([(0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1)]):
        if down and right:
            mixed = far * far * at(down, right) + far * near * (at(down, 0) + at(0, right)) + near * near * at(0, 0)
        else:
            mixed = whole * whole * at(down, right)
        code |= (mixed >= whole * whole * at(0, 0)) << bit
    return code


def test_codes_are_scikit_images_border_included() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (40, 48, 48), np.uint8)
    expected = np.stack([local_binary_pattern(picture, 8, 1) for picture in pictures])
    assert (codes(pictures) == expected).all()


def test_flat_pictures_are_all_ones_but_for_a_bright_ones_border() -> None:
    black, grey = codes(np.stack([np.zeros((48, 48), np.uint8), np.full((48, 48), 7, np.uint8)]))
    assert (black == 255).all()
    assert (grey == local_binary_pattern(np.full((48, 48), 7, np.uint8), 8, 1)).all()
    assert (grey[1:-1, 1:-1] == 255).all()


@pytest.mark.parametrize("levels", [2, 4, 256])
def test_ties_and_near_ties_count_as_in_whole_numbers(levels: int) -> None:
    """Where scikit-image's own rounding decides ties; few levels give many."""
    picture = np.random.default_rng(levels).integers(0, levels, (24, 24), np.uint8) * (255 // (levels - 1))
    expected = [[slow_code(picture, y, x) for x in range(24)] for y in range(24)]
    assert (codes(picture[None].astype(np.uint8))[0] == expected).all()


def test_levels_between_whole_ones_are_rounded_first() -> None:
    picture = np.random.default_rng(1).uniform(0, 255, (3, 48, 48)).astype(np.float32)
    assert (codes(picture) == codes(picture.round())).all()


def test_codes_are_exact_in_bfloat16() -> None:
    pictures = np.random.default_rng(2).integers(0, 256, (4, 48, 48), np.uint8)
    with torch.autocast("cpu", torch.bfloat16):
        low = codes(pictures)
    assert (low == codes(pictures)).all()


class Row(nn.Module):
    """Scores that stand in one row of each face, 128 for 0 and 20 levels a nat."""

    def __init__(self, row: int):
        super().__init__()
        self.row = row

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        return (faces[:, 0, self.row, :8] - 128) / 20


@pytest.fixture
def planted() -> DoubleChannel:
    model = build_model("double_channel")
    model.face, model.to_pattern, model.pattern = Row(0), nn.Identity(), Row(1)
    return model


def test_scores_are_added_half_and_half_in_training_and_by_the_weight_afterwards(planted: DoubleChannel) -> None:
    planted.weight.fill_(0.2)
    faces = torch.randint(0, 256, (5, 1, 48, 48)).float()
    face, pattern = Row(0)(faces), Row(1)(faces)
    torch.testing.assert_close(planted.train()(faces), (face + pattern) / 2)
    torch.testing.assert_close(planted.eval()(faces), 0.8 * face + 0.2 * pattern)


@pytest.mark.parametrize(("good", "bad"), [(0, 1), (1, 0)])
def test_the_weight_is_that_of_the_least_loss(planted: DoubleChannel, good: int, bad: int) -> None:
    """Over several batches; one row of each face knows its class better than the other."""
    rng = np.random.default_rng(3)
    classes = rng.integers(0, 8, 700)
    faces = rng.integers(98, 159, (700, 1, 48, 48)).astype(np.uint8)
    faces[np.arange(700), 0, good, classes] += 20
    faces[np.arange(700), 0, bad, classes] += 10
    scores = [Row(row)(torch.from_numpy(faces).float()).double() for row in (0, 1)]

    def loss(weight: float) -> float:
        return nn.functional.cross_entropy((1 - weight) * scores[0] + weight * scores[1], torch.from_numpy(classes)).item()

    best = minimize_scalar(loss, bounds=(0, 1), method="bounded").x
    targets = torch.eye(8)[torch.from_numpy(classes)]
    choose_weight(planted, torch.from_numpy(faces), targets)
    assert planted.weight.item() == pytest.approx(best, abs=0.0051)
    assert 0.02 < best < 0.98
    assert "weight" in planted.state_dict()


def test_other_networks_are_left_as_they_are() -> None:
    model = build_model("slim").train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    choose_weight(model, torch.zeros(4, 1, 48, 48), torch.eye(8)[:4])
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert model.training


@pytest.mark.slow
def test_every_engine_gives_torchs_answers_for_any_number_of_faces(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = build_model("double_channel")
    for parameter in model.parameters():
        if parameter.ndim == 1:
            nn.init.uniform_(parameter, -0.5, 0.5)
    model.get_buffer("weight").fill_(0.3)
    write_litert(Graph(model, 0.7), tmp_path / "x.tflite")
    write_int8(tmp_path / "x.tflite", tmp_path / "x.int8.tflite")
    write_onnx(Graph(model, 0.7), tmp_path / "x.onnx")
    faces = np.random.default_rng(0).integers(0, 256, (65, 48, 48), np.uint8)
    expected = TorchEngine(model, 0.7).probs(faces)
    for n in (1, 3, 65):
        assert LiteRTEngine(tmp_path / "x.tflite", 1).probs(faces[:n]) == pytest.approx(expected[:n], abs=1e-5)
        assert OnnxEngine(tmp_path / "x.onnx", 1).probs(faces[:n]) == pytest.approx(expected[:n], abs=1e-5)
        assert LiteRTEngine(tmp_path / "x.int8.tflite", 1).probs(faces[:n]) == pytest.approx(expected[:n], abs=0.01)
