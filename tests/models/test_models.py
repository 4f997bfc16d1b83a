"""The networks: sizes that the project states, shapes, and what they must not depend on."""

import pytest
import torch
from torch import nn

from mien.errors import UsageError
from mien.models import MODELS, build_model, count_multiply_adds, count_parameters, register
from mien.models.slim import MEAN

NAMES = (
    "compact",
    "compact_residual",
    "deft",
    "double_channel",
    "mini_xception",
    "nimble",
    "shcnn",
    "slim",
    "stout",
    "swift",
    "vgg13",
    "wide",
)


def grey(n: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, 1, 48, 48, generator=torch.Generator().manual_seed(seed)) * 255


def seeded(name: str) -> nn.Module:
    torch.manual_seed(0)
    return build_model(name)


PARAMETERS = {
    "compact": 171_137,
    "compact_residual": 269_393,
    "deft": 162_374,
    "double_channel": 342_274,  # two of compact's; nothing in the pattern is trained
    "nimble": 153_448,
    "shcnn": 8_711_988,
    "slim": 150_368,
    "stout": 868_456,
    "swift": 145_832,
    "vgg13": 8_757_704,
    "wide": 831_672,
}


@pytest.mark.parametrize(("name", "parameters"), PARAMETERS.items())
def test_parameters_with_eight_classes(name: str, parameters: int) -> None:
    assert count_parameters(build_model(name)) == parameters


def test_mini_xception_has_the_published_count_with_seven_classes_and_norm_statistics() -> None:
    model = build_model("mini_xception", classes=7)
    statistics = sum(value.numel() for name, value in model.named_buffers() if "running" in name)
    assert count_parameters(model) + statistics == 58_423


@pytest.mark.parametrize(("name", "millions"), [("compact", 38.0), ("slim", 15.1)])
def test_multiply_adds_are_those_that_were_planned(name: str, millions: float) -> None:
    assert count_multiply_adds(build_model(name)) / 1e6 == pytest.approx(millions, abs=1)


def test_multiply_adds_of_a_network_counted_by_hand() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1, bias=False), nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.Flatten(),
                          nn.Linear(4 * 24 * 24, 8))  # fmt: skip
    assert count_multiply_adds(model) == 24 * 24 * 4 * 9 + 24 * 24 * 4 * 9 + 4 * 24 * 24 * 8
    assert model.training  # and the network is left as it was


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("classes", [7, 8])
@pytest.mark.parametrize("n", [1, 3])
def test_logits_have_one_column_a_class(name: str, classes: int, n: int) -> None:
    logits = build_model(name, classes).eval()(grey(n))
    assert logits.shape == (n, classes)
    assert logits.isfinite().all()


def test_compact_has_the_seeds_stages() -> None:
    model = build_model("compact")
    shapes = []
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape[1:])))
    model(grey(2))
    assert shapes == [(48, 48, 48)] * 3 + [(96, 24, 24)] * 3 + [(192, 12, 12)] * 2 + [(384, 6, 6)]


@pytest.mark.parametrize("name", NAMES)
def test_a_face_is_judged_alike_in_any_company(name: str) -> None:
    model, faces = seeded(name).eval(), grey(5)
    alone = torch.cat([model(face[None]) for face in faces])
    torch.testing.assert_close(model(faces), alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_extreme_pictures_give_finite_logits(name: str) -> None:
    flat = torch.tensor([0.0, 255.0]).view(2, 1, 1, 1).expand(2, 1, 48, 48)
    assert seeded(name).eval()(flat).isfinite().all()


def test_slim_sees_contrast_about_its_own_grey_alike() -> None:
    """Normalisation is inside: with batch statistics, gain about the mean grey level, padding included, cancels out."""
    model, faces = seeded("slim").train(), grey(16)
    model.get_submodule("dropout").eval()
    softer = MEAN + 0.5 * (faces - MEAN)
    torch.testing.assert_close(model(softer), model(faces), rtol=0.01, atol=1e-3)
    shifted = model(faces - 60)  # darker: the padded border stays, so this must differ
    assert (shifted - model(faces)).abs().max() > 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_every_weight_learns(name: str) -> None:
    model = seeded(name)
    nn.functional.cross_entropy(model(grey(8)), torch.arange(8)).backward()
    # a block that starts as its shortcut passes no gradient to what stands around its zero scale, at the first step
    waiting = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert all(".first." in n or ".excitation." in n or n.endswith("second.0.weight") for n in waiting), waiting


def test_the_seed_decides_the_weights() -> None:
    first, second = seeded("slim").state_dict(), seeded("slim").state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_an_unknown_network_gives_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"unknown network 'compcat'\. Did you mean 'compact'\?"):
        build_model("compcat")


def test_a_name_is_given_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODELS, "taken", nn.Identity)
    with pytest.raises(ValueError, match="'taken'"):
        register("taken")(nn.Identity)
