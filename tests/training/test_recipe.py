"""Recipes: what is refused, and in which words."""

import dataclasses
import re
from pathlib import Path

import pytest

from mien.errors import UsageError
from mien.models import build_model
from mien.training.losses import LOSSES
from mien.training.recipe import Recipe, build_recipe, read_recipe

SHIPPED = sorted((Path(__file__).parents[2] / "recipes").glob("*.toml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_each_shipped_recipe_can_be_trained(path: Path) -> None:
    recipe = read_recipe(path)
    assert recipe.name == path.stem
    assert recipe.labels in LOSSES
    build_model(recipe.model)


def test_only_what_differs_needs_to_be_said(tmp_path: Path) -> None:
    (tmp_path / "long.toml").write_text("epochs = 300\nlearning_rate = 1\n")
    assert read_recipe(tmp_path / "long.toml") == Recipe(name="long", epochs=300, learning_rate=1.0)


def test_a_whole_number_serves_as_a_share() -> None:
    assert type(build_recipe({"erasing": 0}).erasing) is float


@pytest.mark.parametrize(
    ("key", "near"), [("epoch", "'epochs'"), ("learning-rate", "'learning_rate'"), ("eraseing", "'erasing'")]
)
def test_an_unknown_key_gives_the_nearest(key: str, near: str) -> None:
    with pytest.raises(UsageError, match=f"unknown recipe key '{key}'. Did you mean {near}"):
        build_recipe({key: 1})


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [("epochs", "many", "int"), ("epochs", 1.5, "int"), ("epochs", True, "int"), ("flip", 1, "bool"), ("shear", "0.1", "float"),
     ("model", 3, "str"), ("dropout", False, "float")],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(key: str, value: object, kind: str) -> None:
    with pytest.raises(UsageError, match=f"{key} = {value!r} is not of type {kind}"):
        build_recipe({key: value})


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [("epochs", 0, "at least 1"), ("batch_size", 1, "at least 2"), ("learning_rate", 0.0, "above 0"),
     ("learning_rate", float("nan"), "above 0"), ("weight_decay", -0.1, "0 or more"), ("mixing", -0.1, "0 or more"),
     ("select", "worst", "last or best"), ("decay", 3.0, "above 0 and at most 1"), ("least_rate", -1.0, "0 or more"),
     *(("name", name, "a name for files") for name in ("a/b", "", "..", "a\\b")),
     *((share, value, "from 0 to below 1")
       for share in ("warmup", "dropout", "averaging", "scale", "shear", "shift", "brightness", "contrast", "erasing")
       for value in (-0.1, 1.0))],
)  # fmt: skip
def test_a_value_out_of_range_is_refused(key: str, value: object, expected: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"{key} = {value!r}, expected {expected}")):
        build_recipe({key: value})


@pytest.mark.parametrize("drops", [[5], [["a", 1.0]], [[5, 0.1], [2, 0.01]], [[5, 0.0]], [[5, 0.1, 2]], [[-1, 0.1]]])
def test_drops_that_are_no_epochs_and_rates_are_refused(drops: list) -> None:
    with pytest.raises(UsageError, match="expected pairs of an epoch and the rate from then on"):
        build_recipe({"drops": drops})


def test_overrides_are_read_as_toml_where_a_bare_word_is_a_string(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text("epochs = 5\nmodel = 'compact'\n")
    overrides = {"epochs": "7", "flip": "false", "labels": "majority", "learning_rate": "1e-3", "name": "007"}
    read = read_recipe(tmp_path / "r.toml", overrides)
    assert read == Recipe("007", "compact", "majority", epochs=7, learning_rate=1e-3, flip=False)


@pytest.mark.parametrize(("key", "text"), [("epochs", "ten"), ("epochs", ""), ("flip", "no"), ("shift", "[1]")])
def test_an_override_that_makes_no_sense_is_refused(key: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text("")
    with pytest.raises(UsageError, match=f"{key} = .* is not of type"):
        read_recipe(tmp_path / "r.toml", {key: text})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        (b"epochs: 5", "is not TOML"),
        (b"\xff", "is not TOML"),
        (b"model = 'nimble+wide'", "train its networks one by one"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(content: bytes | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "r.toml").write_bytes(content)
    with pytest.raises(UsageError, match=message) as raised:
        read_recipe(tmp_path / "r.toml")
    assert "\n" not in str(raised.value)


def test_a_recipe_does_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Recipe().epochs = 3  # type: ignore[misc]
