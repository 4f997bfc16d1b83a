"""A training recipe: everything that decides the result but the data, the seed and the machine."""

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.errors import UsageError, unknown


@dataclass(frozen=True)
class Recipe:
    """The defaults are the shipped model's; `recipes/*.toml` hold only what differs from them."""

    name: str = "mien"
    model: str = "slim"
    labels: str = "distribution"
    """How votes become targets: majority, distribution, sampled, multi_target or fer2013."""

    epochs: int = 100
    batch_size: int = 128
    learning_rate: float = 0.004
    """Peak of AdamW's rate: linear warm-up, then half a cosine to zero."""
    warmup: float = 0.05
    """Share of all steps in which the rate rises."""
    weight_decay: float = 0.02
    """On convolution and dense weights alone."""
    dropout: float = 0.1
    averaging: float = 0.998
    """Weights and norm statistics are averaged with this decay a step; the averages are what is validated and kept. 0: off."""
    select: str = "last"
    """Which epoch's weights are kept: the last, or the best by validation accuracy."""

    rotation_deg: float = 15.0
    """Greatest change in each face's random view: rotation is uniform in ± this, and so on below."""
    scale: float = 0.12
    shear: float = 0.08
    shift: float = 0.08
    """Share of the side."""
    flip: bool = True
    brightness: float = 0.15
    """Share of the grey range, 255."""
    contrast: float = 0.3
    erasing: float = 0.25
    """Share of faces of which a rectangle of 2 to 20% is replaced by one grey level."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type is float and type(value) is int:
                object.__setattr__(self, field.name, float(value))
            elif type(value) is not field.type:
                raise UsageError(f"recipe {self.name!r}: {field.name} = {value!r} is not of type {field.type.__name__}.")  # type: ignore[union-attr]
        self._check("epochs", self.epochs >= 1, "at least 1")
        self._check("batch_size", self.batch_size >= 2, "at least 2")
        self._check("learning_rate", self.learning_rate > 0, "above 0")
        self._check("weight_decay", self.weight_decay >= 0, "0 or more")
        self._check("select", self.select in ("last", "best"), "last or best")
        for share in ("warmup", "dropout", "averaging", "scale", "shear", "shift", "brightness", "contrast", "erasing"):
            self._check(share, 0 <= getattr(self, share) < 1, "from 0 to below 1")

    def _check(self, key: str, holds: bool, expected: str) -> None:
        if not holds:
            raise UsageError(f"recipe {self.name!r}: {key} = {getattr(self, key)!r}, expected {expected}.")


KEYS = {field.name: field.type for field in dataclasses.fields(Recipe)}


def build_recipe(values: Mapping[str, Any]) -> Recipe:
    """A recipe from keys and values. Raises UsageError for an unknown key, naming the nearest, and for a wrong value."""
    for key in values:
        if key not in KEYS:
            raise unknown("recipe key", key, KEYS)
    return Recipe(**values)


def read_recipe(path: Path, overrides: Mapping[str, str] | None = None) -> Recipe:
    """The recipe in a TOML file; `overrides` are `key: value` in TOML notation, where a bare word is a string."""
    try:
        values = tomllib.loads(path.read_text())
    except OSError as error:
        near = ", ".join(sorted(str(p) for p in Path("recipes").glob("*.toml")))
        raise UsageError(f"{path}: cannot be read ({error.strerror}). Recipes here: {near or 'none'}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: is not TOML ({error}).") from error
    return build_recipe({"name": path.stem, **values, **{k: _parse(k, v) for k, v in (overrides or {}).items()}})


def _parse(key: str, text: str) -> Any:
    if KEYS.get(key) is str:
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
