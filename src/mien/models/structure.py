"""What a network's graph says of it: how far a cell of its last feature map sees, and the stages of its picture."""

import math
import operator
from collections.abc import Iterable
from copy import deepcopy
from typing import NamedTuple

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from mien.models import Layer, list_layers
from mien.models.double_channel import LocalBinaryPattern

GEOMETRY = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1}
"""Which cells a layer reads, and what holds for one that does not say."""


class Slab(NamedTuple):
    """One layer as the picture shows it; side: cells on a side of its output, 0 for a dense layer."""

    kind: str
    """convolution, depthwise, pointwise, dense, pooling, or fixed for what has no weights."""
    channels: int
    side: int


class Stage(NamedTuple):
    """Layers that stand together: a block with a name of its own, or a run of plain ones up to a pooling."""

    name: str
    slabs: tuple[Slab, ...]
    shortcut: str | None
    """None: there is none. Else the kinds of its layers that have weights; empty: the stage's input itself."""
    channel: int
    """1 for what stands only on the second of two trunks that are added at the end, else 0."""
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


class _WholeLeaves(fx.Tracer):
    """Takes a module without children as one step, whoever wrote it."""

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return not list(module.children())


def trace(model: nn.Module, side_px: int = 48) -> fx.GraphModule:
    """A copy of the network, in evaluation mode, whose graph says the shape of each step for one face."""
    copy = deepcopy(model).cpu().eval()
    traced = fx.GraphModule(copy, _WholeLeaves().trace(copy))
    with torch.inference_mode():
        ShapeProp(traced).propagate(torch.zeros(1, 1, side_px, side_px))
    return traced


def receptive_field(model: nn.Module, side_px: int = 48) -> int:
    """Pixels on a side of the square that the middle cell of the last feature map sees; it may exceed the face.

    Goes back through the graph, all branches included, with the range of cells that each step reads. What a mean over the
    whole map tells (squeeze-excitation) is left out.
    """
    traced = trace(model, side_px)
    reads: dict[fx.Node, tuple[int, int]] = {}
    for node in reversed(traced.graph.nodes):
        if _side(node) > 1 and any(len(_shape(user)) < 4 for user in node.users):  # it is averaged or flattened next
            reads[node] = _side(node) // 2, _side(node) // 2
        for source in node.all_input_nodes if node in reads else ():
            if _side(source) > 1:
                low, high = _before(node, source, traced, *reads[node])
                also_low, also_high = reads.get(source, (low, high))
                reads[source] = min(low, also_low), max(high, also_high)
    low, high = next(reads[node] for node in traced.graph.nodes if node.op == "placeholder")
    return high - low + 1


def _shape(node: fx.Node) -> tuple[int, ...]:
    return tuple(getattr(node.meta.get("tensor_meta"), "shape", ()))


def _side(node: fx.Node) -> int:
    """Cells on a side of the step's feature map; 0 where it has none."""
    return _shape(node)[3] if len(_shape(node)) == 4 else 0


def _before(node: fx.Node, source: fx.Node, traced: fx.GraphModule, low: int, high: int) -> tuple[int, int]:
    """The first and last cell of `source` that cells `low` to `high` of `node` are computed from; they may be padding."""
    if node.op != "call_module":
        return low, high
    module = traced.get_submodule(str(node.target))
    if isinstance(module, nn.Upsample):
        scale = _side(source) / _side(node)
        return math.floor((low + 0.5) * scale - 0.5), math.ceil((high + 0.5) * scale - 0.5)
    values = (getattr(module, key, default) for key, default in GEOMETRY.items())
    size, stride, padding, dilation = (value[0] if isinstance(value, tuple) else value for value in values)
    return low * stride - padding, high * stride - padding + dilation * (size - 1)


def list_stages(model: nn.Module, side_px: int = 48) -> list[Stage]:
    """The stages in the order in which a face passes them."""
    groups: dict[tuple[str, int], list[Layer]] = {}
    poolings = 0
    for layer in list_layers(model, side_px):
        owner, rest = _place(layer.name)
        groups.setdefault((owner, poolings if rest.isdigit() else 0), []).append(layer)
        poolings += _kind(model.get_submodule(layer.name)) == "pooling"
    owners = [owner for owner, _ in groups]
    branches = find_branches(trace(model, side_px))
    stages = []
    for (owner, _), layers in groups.items():
        run = f".{_place(layers[0].name)[1]}-{_place(layers[-1].name)[1]}" if owners.count(owner) > 1 else ""
        stages.append(_build_stage(owner + run, layers, model, branches))
    return stages


class Branches(NamedTuple):
    """Names of layers."""

    aside: set[str]
    """On shortcuts."""
    around: set[str]
    """Those that a shortcut leads around."""
    second: set[str]
    """On the second of two trunks."""


def find_branches(traced: fx.GraphModule) -> Branches:
    """What is added to what: a branch with at most one layer that has weights is a shortcut, else both are trunks."""
    found = Branches(set(), set(), set())
    behind: dict[fx.Node, set[fx.Node]] = {}
    for node in traced.graph.nodes:
        behind[node] = {node}.union(*(behind[source] for source in node.all_input_nodes))
        if node.target is operator.add and len(node.all_input_nodes) == 2:
            one, other = (behind[source] for source in node.all_input_nodes)
            first, second = (_layer_names(branch) for branch in (one - other, other - one))
            short, long = sorted((first, second), key=lambda names: _count_weighted(names, traced))
            if _count_weighted(short, traced) > 1:
                found.second.update(second)
            else:
                found.aside.update(short)
                found.around.update(long)
    return found


def _layer_names(steps: Iterable[fx.Node]) -> set[str]:
    return {str(step.target) for step in steps if step.op == "call_module"}


def _count_weighted(names: Iterable[str], model: nn.Module) -> int:
    return sum(isinstance(model.get_submodule(name), nn.Conv2d | nn.Linear) for name in names)


def _place(name: str) -> tuple[str, str]:
    """`blocks.0.first.1` -> the block `blocks.0` and `first.1`; `features.3` -> the run `features` and `3`; `head` -> it."""
    parts = name.split(".")
    numbers = [i for i, part in enumerate(parts) if part.isdigit()]
    cut = len(parts) if not numbers else numbers[0] if numbers[0] == len(parts) - 1 else numbers[0] + 1
    return ".".join(parts[:cut]), ".".join(parts[cut:])


def _build_stage(name: str, layers: list[Layer], model: nn.Module, branches: Branches) -> Stage:
    kinds = {layer: _kind(model.get_submodule(layer.name)) for layer in layers}
    main = [layer for layer in layers if layer.name not in branches.aside]
    around = any(layer.name in branches.around for layer in layers)
    aside = ", ".join(kinds[layer] for layer in layers if layer.name in branches.aside and kinds[layer])
    return Stage(
        name,
        tuple(Slab(kinds[layer], layer.shape[0], (*layer.shape, 0)[1]) for layer in main if kinds[layer]),
        aside if around else None,
        int(any(layer.name in branches.second for layer in layers)),
        [layer for layer in main if layer.shape[1:] != (1, 1)][-1].shape,  # not that of factors for whole channels
        sum(layer.parameters for layer in layers),
        sum(layer.multiply_adds for layer in layers),
    )


def _kind(layer: nn.Module) -> str:
    """Of a slab; empty for what the picture leaves out: norms, activations, flattening."""
    if isinstance(layer, nn.Conv2d):
        if layer.groups > 1:
            return "depthwise"
        return "convolution" if max(layer.kernel_size) > 1 else "pointwise"
    kinds = {
        nn.Linear: "dense",
        nn.MaxPool2d: "pooling",
        nn.AvgPool2d: "pooling",
        nn.Upsample: "fixed",
        LocalBinaryPattern: "fixed",
    }
    return kinds.get(type(layer), "")
