"""Networks by name. Each maps grey faces, float32 [n,1,48,48] with levels 0 to 255, to logits [n,classes]."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mien.errors import unknown
from mien.models.ensemble import Ensemble

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
    """A freshly initialised network; `a+b`: an Ensemble. Raises UsageError for an unknown name, naming the nearest."""
    if "+" in name:
        return Ensemble(build_model(part, classes, dropout) for part in name.split("+"))
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


class Layer(NamedTuple):
    """A convolution, dense layer, norm or pooling of a network, and what one face costs there."""

    name: str
    kind: str
    shape: tuple[int, ...]
    """Of its output for one face."""
    parameters: int
    multiply_adds: int
    """Of convolutions and dense layers; norms, pooling and activations are not counted."""


def list_layers(model: nn.Module, side_px: int = 48) -> list[Layer]:
    """The layers in the order in which a face passes them."""
    layers: list[Layer] = []
    names = {module: name for name, module in model.named_modules()}

    def note(layer: nn.Module, _: object, output: Tensor) -> None:
        weighted = isinstance(layer, nn.Conv2d | nn.Linear)  # each output value is a sum over one filter
        cost = output.numel() * layer.get_parameter("weight")[0].numel() if weighted else 0
        layers.append(Layer(names[layer], type(layer).__name__, tuple(output.shape[1:]), count_parameters(layer), cost))

    leaves = [m for m in names if not list(m.children()) and not isinstance(m, nn.Dropout | nn.Dropout2d | nn.Identity)]
    hooks = [leaf.register_forward_hook(note) for leaf in leaves]
    training = model.training
    with torch.inference_mode():
        model.eval()(torch.zeros(1, 1, side_px, side_px, device=next(model.parameters()).device))
    model.train(training)
    for hook in hooks:
        hook.remove()
    return layers


def count_multiply_adds(model: nn.Module, side_px: int = 48) -> int:
    """Multiply-adds of the convolutions and dense layers for one face."""
    return sum(layer.multiply_adds for layer in list_layers(model, side_px))


from mien.models import compact, double_channel, mini_xception, nimble, shcnn, slim, vgg13  # noqa: E402, F401  (they register themselves)
