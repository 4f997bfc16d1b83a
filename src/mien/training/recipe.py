"""A training recipe: everything that decides the result but the data, the seed and the machine."""

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.errors import UsageError, unknown

BALANCES = ("none", "weights", "sampling", "logits")
SHARES = (
    "warmup",
    "dropout",
    "averaging",
    "momentum",
    "scale",
    "shear",
    "shift",
    "brightness",
    "contrast",
    "erasing",
    "blur",
    "noise",
)


@dataclass(frozen=True)
class Recipe:
    """The defaults are the shipped model's; `recipes/*.toml` hold only what differs from them."""

    name: str = "nimble"
    model: str = "nimble"
    labels: str = "distribution"
    """How votes become targets: majority, distribution, sampled, multi_target or fer2013."""

    epochs: int = 160
    batch_size: int = 128
    optimizer: str = "adamw"
    """adamw, adam or sgd."""
    learning_rate: float = 0.004
    """Its peak."""
    momentum: float = 0.9
    """Of sgd."""
    weight_decay: float = 0.02
    """Of adamw and sgd, on convolution and dense weights alone."""
    schedule: str = "cosine"
    """How the rate goes (schedule.learning_rate): cosine, plateau or steps."""
    warmup: float = 0.05
    """cosine: share of all steps in which the rate rises."""
    patience: int = 20
    """plateau: epochs without a better validation loss until the rate is multiplied by `decay`."""
    decay: float = 0.5
    least_rate: float = 0.0
    drops: tuple = ()
    """steps: pairs of the epochs that are behind and the rate from then on."""
    stop_after: int = 0
    """End after so many epochs without a better validation loss; 0: never."""
    dropout: float = 0.1
    averaging: float = 0.999
    """Weights and norm statistics are averaged with this decay a step, no more than (1 + step) / (10 + step), so that the
    random start is soon forgotten; the averages are what is validated and kept. 0: off."""
    select: str = "last"
    """Which epoch's weights are kept: the last, or the best by validation accuracy."""
    balance: str = "none"
    """How rare classes are strengthened: none, weights or logits (losses.build_loss), or sampling (losses.shuffle_rows)."""
    balance_strength: float = 1.0
    """0: not at all, 1: as if all classes were equally frequent."""

    distillation: float = 0.0
    """Share of the loss that the teachers give, the labels the rest; 0: no teacher."""
    distillation_temperature: float = 1.0
    """Divisor of the teachers' and the student's logits in that share."""
    views: int = 0
    """After so many epochs the random views repeat, and with them the teachers' answers; 0: never."""

    rotation_deg: float = 20.0
    """Greatest change in each face's random view: rotation is uniform in ± this, and so on below."""
    scale: float = 0.15
    shear: float = 0.1
    shift: float = 0.12
    """Share of the side."""
    flip: bool = True
    brightness: float = 0.2
    """Share of the grey range, 255."""
    contrast: float = 0.4
    light_low: float = 1.0
    light_high: float = 1.0
    """All grey levels are multiplied by a factor from this range."""
    erasing: float = 0.25
    """Share of faces of which a rectangle of 2 to 20% is replaced by one grey level."""
    blur: float = 0.1
    """Share of faces that a Gaussian of 0.5 to 2.5 pixels makes unsharp."""
    noise: float = 0.1
    """Share of faces that get Gaussian noise with a deviation of up to 25 grey levels."""
    mixing: float = 0.0
    """Each face is blended with another, in a share from the distribution Beta(mixing, mixing); 0: off."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type is float and type(value) is int:
                object.__setattr__(self, field.name, float(value))
            elif field.type is tuple and type(value) is list:
                object.__setattr__(self, field.name, tuple(tuple(pair) if type(pair) is list else pair for pair in value))
            elif type(value) is not field.type:
                raise UsageError(f"recipe {self.name!r}: {field.name} = {value!r} is not of type {field.type.__name__}.")  # type: ignore[union-attr]
        self._check(
            "name", not {*self.name} & {*"/\\"} and self.name not in ("", ".", ".."), "a name for files, without / and \\"
        )
        self._check("epochs", self.epochs >= 1, "at least 1")
        self._check("batch_size", self.batch_size >= 2, "at least 2")
        self._check("learning_rate", self.learning_rate > 0, "above 0")
        self._check("weight_decay", self.weight_decay >= 0, "0 or more")
        self._check("select", self.select in ("last", "best"), "last or best")
        self._check("optimizer", self.optimizer in ("adamw", "adam", "sgd"), "adamw, adam or sgd")
        self._check("schedule", self.schedule in ("cosine", "plateau", "steps"), "cosine, plateau or steps")
        self._check("patience", self.patience >= 1, "at least 1")
        self._check("stop_after", self.stop_after >= 0, "0 or more")
        self._check("drops", _are_drops(self.drops), "pairs of an epoch and the rate from then on, in the epochs' order")
        self._check("decay", 0 < self.decay <= 1, "above 0 and at most 1")
        self._check("least_rate", self.least_rate >= 0, "0 or more")
        self._check("light_high", 0 <= self.light_low <= self.light_high, "at least light_low, which is 0 or more")
        self._check("balance", self.balance in BALANCES, "none, weights, sampling or logits")
        self._check("balance_strength", self.balance_strength >= 0, "0 or more")
        self._check("distillation", 0 <= self.distillation <= 1, "from 0 to 1")
        self._check("distillation_temperature", self.distillation_temperature > 0, "above 0")
        self._check("views", self.views >= 0, "0 or more")
        self._check("mixing", self.mixing >= 0, "0 or more")
        for share in SHARES:
            self._check(share, 0 <= getattr(self, share) < 1, "from 0 to below 1")

    def _check(self, key: str, holds: bool, expected: str) -> None:
        if not holds:
            raise UsageError(f"recipe {self.name!r}: {key} = {getattr(self, key)!r}, expected {expected}.")


def _are_drops(drops: tuple) -> bool:
    pairs = [pair for pair in drops if type(pair) is tuple and [type(part) for part in pair] in ([int, float], [int, int])]
    return len(pairs) == len(drops) and pairs == sorted(pairs) and all(epoch >= 0 and rate > 0 for epoch, rate in pairs)


KEYS = {field.name: field.type for field in dataclasses.fields(Recipe)}


def build_recipe(values: Mapping[str, Any]) -> Recipe:
    """A recipe from keys and values. Raises UsageError for an unknown key, naming the nearest, and for a wrong value."""
    for key in values:
        if key not in KEYS:
            raise unknown("recipe key", key, KEYS)
    return Recipe(**values)


def as_values(recipe: Recipe) -> dict[str, Any]:
    """The keys and values that `build_recipe` takes back, as JSON has them: no tuples."""
    return json.loads(json.dumps(dataclasses.asdict(recipe)))


def read_recipe(path: Path, overrides: Mapping[str, str] | None = None) -> Recipe:
    """The recipe in a TOML file; `overrides` are `key: value`, strings as they stand, all else in TOML notation."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        near = ", ".join(sorted(str(p) for p in Path("recipes").glob("*.toml")))
        raise UsageError(f"{path}: cannot be read ({error.strerror}). Recipes here: {near or 'none'}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: is not TOML ({error}).") from error
    recipe = build_recipe({"name": path.stem, **values, **{k: _parse(k, v) for k, v in (overrides or {}).items()}})
    if "+" in recipe.model:
        raise UsageError(f"model {recipe.model}: train its networks one by one; `mien export` joins their checkpoints.")
    return recipe


def _parse(key: str, text: str) -> Any:
    if KEYS.get(key) is str:
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
