"""The teacher: what it says, that it says it once for each view, and that a student learns from it alone."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mien.training.distill import Teacher
from mien.training.recipe import Recipe


class Brightness(nn.Module):
    """Logits from the mean grey level of the left half alone; counts its calls."""

    def __init__(self, slope: float):
        super().__init__()
        self.slope, self.calls = slope, 0

    def forward(self, views: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        level = views[..., :2].mean(dim=(1, 2, 3)) / 255 - 0.5
        return torch.stack([self.slope * level, -self.slope * level], 1)


VIEWS = torch.rand(6, 1, 4, 4, generator=torch.Generator().manual_seed(0)) * 255


def test_several_teachers_and_both_mirror_images_are_averaged_at_the_temperature() -> None:
    networks = [Brightness(3.0), Brightness(-1.0)]
    found = Teacher(networks, Recipe(distillation=0.5, distillation_temperature=2.0)).probs(VIEWS, 0, 0)
    halves = VIEWS[..., :2].mean((1, 2, 3)) / 255 - 0.5, VIEWS[..., 2:].mean((1, 2, 3)) / 255 - 0.5
    expected = sum(1 / (1 + np.exp(-slope * level.numpy())) for slope in (3.0, -1.0) for level in halves) / 4  # 2 levels / 2
    np.testing.assert_allclose(found, np.stack([expected, 1 - expected], 1), rtol=1e-5)


def test_views_that_repeat_are_answered_once() -> None:
    network = Brightness(5.0)
    teacher = Teacher([network], Recipe(distillation=0.5, views=3))
    first = [teacher.probs(VIEWS + epoch, epoch, 0) for epoch in range(3)]
    again = [teacher.probs(VIEWS, epoch, 0) for epoch in range(3, 6)]
    assert network.calls == 6
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one, other)
    assert not torch.allclose(first[0], first[2])
    teacher.probs(VIEWS, 0, 1)
    assert network.calls == 8


def test_a_run_that_goes_on_takes_over_the_answers_of_whole_epochs(tmp_path: Path) -> None:
    network, recipe, folder = Brightness(5.0), Recipe(distillation=0.5, views=2), tmp_path / "answers"
    teacher = Teacher([network], recipe, folder=folder)
    said = {(epoch, step): teacher.probs(VIEWS + 9 * epoch + step, epoch, step) for epoch in range(2) for step in range(3)}
    for epoch in (0, 1, 2):
        teacher.write_answers(epoch)
    assert sorted(path.name for path in folder.iterdir()) == ["0.npy", "1.npy"]
    np.save(folder / "2.npy", np.ones((3, 6, 2), np.float16))  # another run's, which went further
    (folder / "notes.npy").write_text("not ours")
    later = Teacher([network], recipe, folder=folder, epoch=2)
    calls = network.calls
    for (epoch, step), probs in said.items():
        assert torch.equal(later.probs(VIEWS, epoch + 2, step), probs)
    assert network.calls == calls


def test_fresh_views_leave_nothing_behind(tmp_path: Path) -> None:
    teacher = Teacher([Brightness(1.0)], Recipe(distillation=0.5), folder=tmp_path / "answers")
    teacher.probs(VIEWS, 0, 0)
    teacher.write_answers(0)
    assert not (tmp_path / "answers").exists()


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_the_blend_is_both_losses_in_their_shares(temperature: float) -> None:
    teacher = Teacher([], Recipe(distillation=0.75, distillation_temperature=temperature))
    logits, probs, loss = torch.randn(5, 3), torch.softmax(torch.randn(5, 3), 1), torch.rand(5)
    taught = temperature**2 * -(probs * F.log_softmax(logits / temperature, 1)).sum(1)
    torch.testing.assert_close(teacher.blend(loss, logits, probs), 0.25 * loss + 0.75 * taught)
