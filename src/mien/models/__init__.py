"""Networks by name. Each maps grey faces, float32 [n,1,48,48] with levels 0 to 255, to logits [n,classes]."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

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
    from mien.models import compact, mini_xception, shcnn, slim, vgg13  # noqa: F401  (they register themselves)

    if name not in MODELS:
        raise unknown("network", name, MODELS)
    return MODELS[name](classes=classes, dropout=dropout)


def glorot(model: nn.Module) -> None:
    """Glorot's uniform start for all weights and zero for all biases, as Keras and CNTK begin (norms keep their own)."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def count_parameters(model: nn.Module) -> int:
    """Trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def count_multiply_adds(model: nn.Module, side_px: int = 48) -> int:
    """Multiply-adds of the convolutions and dense layers for one face; norms, pooling and activations are not counted."""
    total = 0

    def count(layer: nn.Module, _: object, output: Tensor) -> None:
        nonlocal total  # each output value is a sum over one filter
        total += output.numel() * layer.get_parameter("weight")[0].numel()

    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    training = model.training
    with torch.inference_mode():
        model.eval()(torch.zeros(1, 1, side_px, side_px, device=next(model.parameters()).device))
    model.train(training)
    for hook in hooks:
        hook.remove()
    return total
