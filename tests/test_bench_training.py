"""benchmarks/training.py: what it concludes from planted times, and that both loops are given the same views."""

import pytest
import torch
from benchmarks.training import PARTS, Views, alternate, conclude

from mien.training.augment import augment
from mien.training.recipe import Recipe


def test_ratios_are_taken_round_by_round_and_rates_from_faces_and_seconds() -> None:
    rounds = [(1, 7, 1, 0.5, 10, 20), (2, 16, 1, 0.5, 20, 20), (1, 9, 0.5, 0.25, 10, 40)]
    found = conclude({part: [taken[i] for taken in rounds] for i, part in enumerate(PARTS)}, 100)
    medians = {name: values["median"] for name, values in (found["faces_per_second"] | found["ratios"]).items()}
    assert medians["mien"] == 10
    assert medians["views"] == 100
    assert medians["share outside the network"] == pytest.approx(0.15)  # 0.2, 0.15, 0.05
    assert medians["share of the views"] == pytest.approx(0.1)
    assert medians["times as fast as the tutorial"] == 2  # 2, 1, 4


def test_turns_are_taken_and_the_first_does_not_count() -> None:
    said: list[str] = []

    def call(name: str) -> float:
        said.append(name)
        return len(said)

    assert alternate({name: lambda name=name: call(name) for name in "ab"}, 2) == {"a": [3, 5], "b": [4, 6]}
    assert said == list("ababab")


def test_the_tutorials_views_are_the_loops_one_at_a_time() -> None:
    faces, targets = torch.randint(0, 256, (3, 1, 48, 48), dtype=torch.uint8), torch.eye(8)[:3]
    torch.manual_seed(5)
    view, target = Views(faces, targets, Recipe())[1]
    torch.manual_seed(5)
    assert torch.equal(view, augment(faces[1:2], Recipe())[0])
    assert torch.equal(target, targets[1])
