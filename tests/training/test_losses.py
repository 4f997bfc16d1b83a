"""Losses against hand values, scikit-learn and plain loops."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss

from mien.data.dataset import LABELS
from mien.training.losses import (
    LOSSES,
    build_loss,
    cross_entropy,
    multi_target_loss,
    prior_of,
    sampled_cross_entropy,
    shuffle_rows,
)
from mien.training.recipe import Recipe


def planted(n: int = 50, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    random = np.random.default_rng(seed)
    targets = random.dirichlet([0.3] * 8, n) * (random.random((n, 8)) < 0.6) + np.eye(8)[random.integers(0, 8, n)]
    return torch.from_numpy(random.normal(0, 3, (n, 8))), torch.from_numpy(targets / targets.sum(1, keepdims=True))


def test_every_label_mode_has_its_loss() -> None:
    assert set(LOSSES) == set(LABELS)


def test_one_hot_targets_give_scikit_learns_log_loss() -> None:
    logits, _ = planted()
    labels = np.random.default_rng(1).integers(0, 8, len(logits))
    expected = log_loss(labels, logits.softmax(1).numpy(), labels=range(8))
    for loss in (cross_entropy, sampled_cross_entropy):
        assert loss(logits, torch.eye(8, dtype=torch.float64)[labels]).mean().item() == pytest.approx(expected)


def test_a_distribution_weighs_each_classes_log_loss() -> None:
    logits, targets = planted()
    rows = [
        -sum(t * math.log(math.exp(x) / sum(map(math.exp, row))) for t, x in zip(target, row, strict=True))
        for target, row in zip(targets.tolist(), logits.tolist(), strict=True)
    ]
    assert cross_entropy(logits, targets).tolist() == pytest.approx(rows)


def test_two_classes_by_hand() -> None:
    logits = torch.tensor([[math.log(3.0), 0.0]])  # probabilities 3/4 and 1/4
    assert cross_entropy(logits, torch.tensor([[0.5, 0.5]])).item() == pytest.approx(-0.5 * math.log(3 / 16))
    assert multi_target_loss(logits, torch.tensor([[0.0, 1.0]])).item() == pytest.approx(-math.log(1 / 4))
    assert multi_target_loss(logits, torch.tensor([[0.5, 0.5]])).item() == pytest.approx(-math.log(3 / 4))


def test_sampled_labels_are_drawn_anew_and_give_the_distributions_loss_in_the_mean() -> None:
    torch.manual_seed(0)
    logits, targets = planted()
    draws = torch.stack([sampled_cross_entropy(logits, targets) for _ in range(2000)])
    assert (draws.std(0) > 0).any()
    assert draws.mean().item() == pytest.approx(cross_entropy(logits, targets).mean().item(), rel=0.02)


def test_multi_target_takes_the_best_of_the_weighted_classes() -> None:
    logits, targets = planted()
    logits[0], targets[0] = torch.tensor([20.0] + [0] * 7), torch.eye(8)[1]  # so wrong that epsilon takes over
    rows = []
    for row, target in zip(logits.softmax(1).tolist(), targets.tolist(), strict=True):
        rows.append(-math.log(max(p * (1 if t > 0 else 0.001) for p, t in zip(row, target, strict=True))))
    assert rows[0] == pytest.approx(-math.log(0.001), rel=1e-3)
    assert multi_target_loss(logits, targets).tolist() == pytest.approx(rows)


@pytest.mark.parametrize("name", LOSSES)
def test_far_off_logits_give_finite_losses_and_gradients(name: str) -> None:
    logits = torch.tensor([[500.0, -500, 0, 0, 0, 0, 0, 0]], requires_grad=True)
    loss = LOSSES[name](logits, torch.eye(8)[1:2])
    loss.mean().backward()
    assert loss.isfinite().all()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_the_prior_is_the_share_of_the_targets_and_never_0() -> None:
    targets = torch.tensor([[1.0, 0, 0], [0.5, 0.5, 0], [1, 0, 0], [0, 1, 0]])
    assert prior_of(targets).tolist() == pytest.approx([2.5 / 5, 1.5 / 5, 1 / 5])


@pytest.mark.parametrize("labels", ["majority", "distribution", "multi_target"])
def test_weights_count_each_face_by_its_classes(labels: str) -> None:
    logits, targets = planted()
    prior = prior_of(targets)
    recipe = Recipe(labels=labels, balance="weights", balance_strength=0.5)
    scale = sum(p * p**-0.5 for p in prior.tolist())
    rows = [sum(t * p**-0.5 / scale for t, p in zip(row, prior.tolist(), strict=True)) for row in targets.tolist()]
    plain = LOSSES[labels](logits, targets).tolist()
    assert build_loss(recipe, prior)(logits, targets).tolist() == pytest.approx(
        [w * x for w, x in zip(rows, plain, strict=True)]
    )
    assert sum(rows) / len(rows) == pytest.approx(1)


def test_logit_adjustment_makes_the_prior_the_answer_of_a_network_that_knows_nothing() -> None:
    prior = torch.tensor([0.7, 0.2, 0.1])
    loss = build_loss(Recipe(balance="logits"), prior)(torch.zeros(3, 3), torch.eye(3))
    assert loss.tolist() == pytest.approx([-math.log(p) for p in prior.tolist()])


def test_without_strength_nothing_is_balanced() -> None:
    logits, targets = planted()
    for balance in ("weights", "logits"):
        loss = build_loss(Recipe(balance=balance, balance_strength=0.0), prior_of(targets))
        torch.testing.assert_close(loss(logits, targets), cross_entropy(logits, targets))


def test_balanced_sampling_shows_every_class_alike_and_plain_order_every_face_once() -> None:
    torch.manual_seed(0)
    labels = torch.tensor([0] * 9000 + [1] * 900 + [2] * 100)
    targets = torch.eye(3)[labels]
    order = shuffle_rows(Recipe(balance="sampling"), targets, prior_of(targets))
    shown = torch.bincount(labels[order], minlength=3) / len(order)
    assert shown.tolist() == pytest.approx([1 / 3] * 3, abs=0.02)
    assert sorted(shuffle_rows(Recipe(), targets, prior_of(targets)).tolist()) == list(range(len(labels)))
