"""The learning rate and the end of a run: by hand, and against torch's own schedulers."""

import math

import numpy as np
import pytest
import torch

from mien.training.recipe import Recipe
from mien.training.schedule import is_over, learning_rate, plateaus


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        (0.0, 0.004 * 0.001 / 0.2),  # not quite zero, so that the first step counts
        (0.1, 0.002),
        (0.2, 0.004),
        (0.4, 0.004 * (0.5 + math.sqrt(2) / 4)),  # a quarter of the cosine: 45 degrees
        (0.6, 0.002),
        (1.0, 0.0),
    ],
)
def test_learning_rate_warms_up_and_follows_half_a_cosine(done: float, expected: float) -> None:
    assert learning_rate(Recipe(learning_rate=0.004, warmup=0.2), done) == pytest.approx(expected, abs=1e-12)


def test_plateau_is_what_torch_would_do() -> None:
    recipe = Recipe(schedule="plateau", learning_rate=0.005, patience=3, decay=0.5, least_rate=0.001)
    losses = np.random.default_rng(0).uniform(0.5, 1, 60).tolist()
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.005)
    oracle = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=2, threshold=0, min_lr=0.001)
    for epoch in range(len(losses)):
        assert learning_rate(recipe, 0.3, losses[:epoch]) == pytest.approx(optimizer.param_groups[0]["lr"])
        oracle.step(losses[epoch])
    assert optimizer.param_groups[0]["lr"] == 0.001  # so that the floor was reached


def test_plateaus_by_hand() -> None:
    assert plateaus([5, 4, 4, 4, 3, 3, 3, 3, 2], 2) == [4, 7]
    assert plateaus([1, 1, 1, 1, 1], 2) == [3, 5]
    assert plateaus([], 2) == []


def test_steps_drop_when_their_epochs_are_behind() -> None:
    recipe = Recipe(schedule="steps", learning_rate=0.05, drops=[[20, 0.025], [40, 0.005]])  # type: ignore[arg-type]
    rates = [learning_rate(recipe, 0.5, [1.0] * epochs) for epochs in (0, 19, 20, 39, 40, 99)]
    assert rates == [0.05, 0.05, 0.025, 0.025, 0.005, 0.005]


@pytest.mark.parametrize(
    ("losses", "stop_after", "over"),
    [([], 0, False), ([1.0] * 9, 0, False), ([1.0] * 10, 0, True), ([3, 2, 2, 2], 2, True), ([3, 2, 2, 1], 2, False)],
)
def test_a_run_ends_with_its_epochs_or_when_nothing_improves(losses: list[float], stop_after: int, over: bool) -> None:
    assert is_over(Recipe(epochs=10, stop_after=stop_after), losses) is over


@pytest.mark.parametrize("wrong", [{"schedule": "cosin"}, {"optimizer": "lion"}, {"drops": [[1, 2, 3]]}, {"patience": 0},
                                   {"light_low": 1.2, "light_high": 0.2}, {"momentum": 1.0}])  # fmt: skip
def test_a_recipe_that_makes_no_sense_is_refused(wrong: dict) -> None:  # type: ignore[type-arg]
    from mien.errors import UsageError

    with pytest.raises(UsageError, match=next(iter(wrong)).replace("light_low", "light_high")):
        Recipe(**wrong)


def test_learning_rate_without_warm_up_starts_at_its_peak() -> None:
    assert learning_rate(Recipe(learning_rate=0.004, warmup=0), 0) == 0.004
