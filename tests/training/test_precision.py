"""Precision is measured, never assumed."""

import pytest
import torch
from torch import nn

from mien.errors import UsageError
from mien.models import build_model
from mien.training import precision
from mien.training.precision import _step_time_s, choose_precision


def plant_times(monkeypatch: pytest.MonkeyPatch, float32: float, bfloat16: float) -> None:
    times_s = {torch.float32: float32, torch.bfloat16: bfloat16}
    monkeypatch.setattr(precision, "_step_time_s", lambda model, device, dtype: times_s[dtype])


@pytest.mark.parametrize(
    ("float32", "bfloat16", "chosen"),
    [(1.0, 0.3, "bfloat16"), (1.0, 300.0, "float32"), (1.0, 0.79, "bfloat16"), (1.0, 0.81, "float32"), (1.0, 1.0, "float32")],
)
def test_auto_takes_bfloat16_only_where_it_is_clearly_faster(
    float32: float, bfloat16: float, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant_times(monkeypatch, float32, bfloat16)
    assert choose_precision("auto", nn.Identity(), "cpu") == chosen


@pytest.mark.parametrize(("wanted", "times_s"), [("float32", (1.0, 0.1)), ("bfloat16", (1.0, 300.0))])
def test_a_named_precision_is_obeyed(wanted: str, times_s: tuple[float, float], monkeypatch: pytest.MonkeyPatch) -> None:
    plant_times(monkeypatch, *times_s)
    assert choose_precision(wanted, nn.Identity(), "cpu") == wanted


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_step_is_timed_without_touching_weights_or_gradients(dtype: torch.dtype) -> None:
    model = build_model("slim")
    before = {name: value.clone() for name, value in model.named_parameters()}
    assert _step_time_s(model, "cpu", dtype) > 0
    assert all(torch.equal(before[name], value) and value.grad is None for name, value in model.named_parameters())


def test_an_unknown_precision_gives_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"unknown precision 'bfloat'\. Did you mean 'bfloat16'\?"):
        choose_precision("bfloat", nn.Identity(), "cpu")
