"""Networks by name. Each maps grey faces, float32 [n,1,48,48] with levels 0 to 255, to logits [n,classes]."""

from collections.abc import Callable

from torch import nn

from mien.errors import unknown

MODELS: dict[str, Callable[..., nn.Module]] = {}


def register(name: str) -> Callable[[Callable[..., nn.Module]], Callable[..., nn.Module]]:
    """Decorator that enters a builder under `name`; refuses a name that is taken."""

    def enter(builder: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
        if name in MODELS:
            raise ValueError(f"two networks are called {name!r}")
        MODELS[name] = builder
        return builder

    return enter


def build_model(name: str, classes: int = 8, dropout: float = 0.0) -> nn.Module:
    """A freshly initialised network. Raises UsageError for an unknown name, naming the nearest."""
    from mien.models import compact, slim  # noqa: F401  (they register themselves)

    if name not in MODELS:
        raise unknown("network", name, MODELS)
    return MODELS[name](classes=classes, dropout=dropout)


def count_parameters(model: nn.Module) -> int:
    """Trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
