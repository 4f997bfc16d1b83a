"""docs/networks.md against the networks themselves."""

import re
from pathlib import Path

import pytest

from mien.models import MODELS, build_model, count_multiply_adds, count_parameters
from mien.models.structure import receptive_field

ROOT = Path(__file__).parents[2]
ROWS = re.findall(
    r"^\| `(\w+)` \| ([\d,]+) \| ([\d.]+) \| (\d+) \| ([^|]*) \|", (ROOT / "docs/networks.md").read_text(encoding="utf-8"), re.M
)


def test_each_network_has_a_row() -> None:
    assert sorted(name for name, *_ in ROWS) == sorted(MODELS)


@pytest.mark.parametrize("row", ROWS, ids=[name for name, *_ in ROWS])
def test_a_rows_numbers_are_the_networks(row: tuple[str, ...]) -> None:
    name, parameters, millions, field_px, recipes = row
    model = build_model(name)
    assert parameters == f"{count_parameters(model):,}"
    assert millions == f"{count_multiply_adds(model) / 1e6:.1f}"
    assert int(field_px) == receptive_field(model)
    for recipe in re.findall(r"`([\w-]+)`", recipes):
        text = (ROOT / "recipes" / f"{recipe}.toml").read_text(encoding="utf-8")
        assert f'model = "{name}"' in text or (name, recipe) == ("nimble", "nimble")
