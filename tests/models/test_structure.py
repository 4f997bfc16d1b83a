"""What the graphs say against gradients, sums and arithmetic by hand."""

import contextlib

import pytest
import torch
from torch import Tensor, nn

from mien.models import MODELS, build_model, count_multiply_adds, count_parameters
from mien.models.double_channel import LocalBinaryPattern
from mien.models.slim import Excitation
from mien.models.structure import list_stages, receptive_field

LAST_MAPS = {"compact": ["head"], "compact_residual": ["head"], "deft": ["blocks"],
             "double_channel": ["face.head", "pattern.head"],
             "mini_xception": ["head"], "nimble": ["stages"], "shcnn": ["features"], "slim": ["blocks"], "stout": ["stages"],
             "swift": ["blocks"],
             "vgg13": ["features"], "wide": ["blocks"]}  # fmt: skip
CANVAS_PX = 144  # three faces, so that enlarging meets the same pixels


def open_up(model: nn.Module) -> nn.Module:
    """The network such that the middle cell's gradient shows all that it sees: positive weights, means for maxima."""
    for parameter in model.parameters():
        nn.init.constant_(parameter, 1 / parameter[0].numel() if parameter.ndim > 1 else 1.0)
    for name, module in list(model.named_modules()):
        seeing = None
        if isinstance(module, nn.MaxPool2d):
            seeing = nn.AvgPool2d(module.kernel_size, module.stride, module.padding)
        elif isinstance(module, LocalBinaryPattern):
            seeing = nn.AvgPool2d(3, 1, 1)
        elif isinstance(module, nn.Upsample):
            seeing = nn.Upsample(scale_factor=module.size[0] / 48, mode="bilinear")
        elif isinstance(module, Excitation):
            seeing = nn.Identity()  # its mean over the whole map is not counted
        if seeing:
            model.set_submodule(name, seeing)
    return model.eval()


@pytest.mark.parametrize("name", LAST_MAPS)
def test_the_receptive_field_is_where_the_middle_cells_gradient_is(name: str) -> None:
    model, maps = open_up(build_model(name)), []
    for place in LAST_MAPS[name]:
        model.get_submodule(place).register_forward_hook(lambda _, __, output: maps.append(output))
    face = torch.full((1, 1, CANVAS_PX, CANVAS_PX), 255.0, requires_grad=True)
    with contextlib.suppress(RuntimeError):  # dense layers do not fit the larger canvas
        model(face)
    assert len(maps) == len(LAST_MAPS[name])
    sum(found[0, :, found.shape[2] // 2, found.shape[3] // 2].sum() for found in maps).backward()
    seen, said = face.grad[0, 0].abs() > 0, receptive_field(build_model(name))
    for direction in (0, 1):
        columns = seen.any(direction).nonzero()
        assert columns.min() > 0
        assert columns.max() < CANVAS_PX - 1
        assert said == columns.max() - columns.min() + 1


def test_each_network_is_in_that_test() -> None:
    assert LAST_MAPS.keys() == MODELS.keys()


class Branched(nn.Module):
    """7x7 beside 3x3 and a pooling of 3 by 2: 8 columns, or 3 and then 2 more."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.Sequential(nn.Conv2d(1, 2, 3, padding=3, dilation=3), nn.MaxPool2d(2))
        self.narrow = nn.Conv2d(1, 2, 3, stride=2, padding=1)
        self.head = nn.Linear(2 * 24 * 24, 8)

    def forward(self, faces: Tensor) -> Tensor:
        return self.head((self.wide(faces) + self.narrow(faces)).flatten(1))


def test_the_receptive_field_by_hand() -> None:
    assert receptive_field(Branched()) == 8  # pixels 48 and 49, and 3 to each side
    assert receptive_field(nn.Sequential(nn.Conv2d(1, 1, 5), nn.AvgPool2d(2), nn.Conv2d(1, 1, 3), nn.Flatten())) == 5 + 1 + 4


@pytest.mark.parametrize("name", MODELS)
def test_the_stages_hold_the_whole_network(name: str) -> None:
    model = build_model(name)
    stages = list_stages(model)
    assert sum(stage.parameters for stage in stages) == count_parameters(model)
    assert sum(stage.multiply_adds for stage in stages) == count_multiply_adds(model)
    assert len({stage.name for stage in stages}) == len(stages)
    assert model.training


def test_slims_stages() -> None:
    stages = list_stages(build_model("slim"))
    assert [(stage.name, stage.shape, stage.shortcut) for stage in stages] == [
        ("stem", (24, 24, 24), None),
        ("blocks.0", (24, 24, 24), ""),
        ("blocks.1", (32, 12, 12), "pooling, pointwise"),
        ("blocks.2", (32, 12, 12), ""),
        ("blocks.3", (56, 6, 6), "pooling, pointwise"),
        ("blocks.4", (56, 6, 6), ""),
        ("head", (8,), None),
    ]
    assert [stage.slabs for stage in stages[2:4]] == [(("convolution", 32, 12),) * 2] * 2
    assert stages[1].multiply_adds == 2 * 24 * 24 * 24 * 24 * 9


def test_plain_layers_are_cut_at_poolings() -> None:
    stages = list_stages(build_model("vgg13"))
    assert [stage.name for stage in stages] == [
        "enlarge",
        "features.0-4",
        "features.6-10",
        "features.12-18",
        "features.20-26",
        "head",
    ]
    assert [[slab.kind for slab in stage.slabs] for stage in stages[2:4]] == [
        ["convolution", "convolution", "pooling"],
        ["convolution", "convolution", "convolution", "pooling"],
    ]
    assert [slab.channels for slab in stages[-1].slabs] == [1024, 1024, 8]


def test_two_trunks_are_told_apart_from_a_shortcut() -> None:
    stages = list_stages(build_model("double_channel"))
    assert {stage.name for stage in stages if stage.channel} == {
        "to_pattern", "pattern.head", *(f"pattern.stages.{i}" for i in range(4))
    }  # fmt: skip
    assert {stage.shortcut for stage in stages} == {None}
    assert [stage.shortcut for stage in list_stages(build_model("compact_residual"))] == ["pointwise"] * 4 + [None]
