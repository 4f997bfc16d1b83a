"""What recipes/*.toml say of themselves in words: which are one training with another network or labels."""

import math
from pathlib import Path
from typing import Any

import pytest

from mien.training.recipe import as_values, read_recipe

FOLDER = Path(__file__).parents[1] / "recipes"


def values(name: str) -> dict[str, Any]:
    return as_values(read_recipe(FOLDER / f"{name}.toml"))


@pytest.mark.parametrize(
    ("name", "differing"),
    [("seed-majority", {"labels"}), ("seed-fer2013", {"labels", "dropout"}), ("double_channel", {"model"}),
     ("shcnn", {"model", "dropout", "learning_rate", "least_rate"})],
)  # fmt: skip
def test_a_recipe_by_the_seeds_training_differs_from_it_as_it_says(name: str, differing: set[str]) -> None:
    seed, recipe = values("seed"), values(name)
    assert {key for key in seed if seed[key] != recipe[key]} == {"name", *differing}


def test_vgg13s_rates_are_those_of_its_code_with_cntks_momentum() -> None:
    """CNTK: step = rate * v, v = momentum v + (1 - momentum) gradient; torch: the same without (1 - momentum)."""
    recipe = values("vgg13")
    rates = [recipe["learning_rate"], *(rate for _, rate in recipe["drops"])]
    momentum = math.exp(-32 / (-32 / math.log(0.9)))  # its time constant, in batches of 32
    assert recipe["momentum"] == pytest.approx(momentum)
    assert rates == pytest.approx([rate * (1 - momentum) for rate in (0.05, 0.05 / 2, 0.05 / 10)])
    assert [epoch for epoch, _ in recipe["drops"]] == [20, 40]
