"""Faces without a majority, held against the raters: slow loops and hand values."""

import math

import numpy as np
import pytest

from mien.evaluation.disputed import agreement, disputed_rows, summarise_votes, vote_shares
from mien.evaluation.runs import Answers

VOTES = np.array([
    [9, 1, 0, 0, 0, 0, 0, 0, 0, 0],  # has a majority
    [5, 5, 0, 0, 0, 0, 0, 0, 0, 0],
    [3, 0, 0, 0, 0, 0, 0, 3, 2, 2],
    [2, 3, 0, 0, 0, 0, 0, 0, 5, 0],  # half of the votes for no emotion
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 10],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],  # without a FER+ name
], np.uint8)  # fmt: skip
CLASSES = np.array([0, -1, -1, -1, -1, -1])


def test_disputed_are_faces_without_a_majority_that_mostly_show_an_emotion_to_the_raters():
    answers = Answers(np.zeros((6, 8)), CLASSES, np.ones(6, bool), VOTES)
    assert disputed_rows(answers).tolist() == [False, True, True, False, False, False]


def test_counts_do_not_overflow_the_votes_own_type():
    votes = np.array([[100, 100, 0, 0, 0, 0, 0, 0, 0, 0], [70, 0, 0, 0, 0, 0, 0, 0, 130, 0]], np.uint8)
    answers = Answers(np.zeros((2, 8)), np.array([-1, -1]), np.ones(2, bool), votes)
    assert disputed_rows(answers).tolist() == [True, False]


def test_shares_are_of_the_votes_for_emotions():
    np.testing.assert_allclose(vote_shares(VOTES[1:3], 8), [[0.5, 0.5, 0, 0, 0, 0, 0, 0], [0.5, 0, 0, 0, 0, 0, 0, 0.5]])


def test_summary_is_a_slow_loops():
    rng = np.random.default_rng(0)
    shares = vote_shares(rng.integers(0, 10, (80, 10)), 8)
    probs = rng.dirichlet(np.full(8, 0.3), 80)
    found = summarise_votes(probs, shares)
    agreed = [float(shares[i][list(probs[i]).index(max(probs[i]))]) for i in range(80)]
    np.testing.assert_allclose(agreement(probs, shares), agreed)
    loss = sum(-s * math.log(p) for i in range(80) for s, p in zip(shares[i], np.maximum(probs[i], 1e-12), strict=True)) / 80
    floor = sum(-s * math.log(s) for i in range(80) for s in shares[i] if s) / 80
    gap = 0.0
    for k in range(15):
        inside = [i for i in range(80) if k / 15 < max(probs[i]) <= (k + 1) / 15]
        gap += abs(sum(agreed[i] for i in inside) - sum(max(probs[i]) for i in inside)) / 80
    assert found == {
        "n": 80,
        "agreement": pytest.approx(sum(agreed) / 80),
        "agreement_ceiling": pytest.approx(sum(max(row) for row in shares) / 80),
        "loss": pytest.approx(loss),
        "loss_floor": pytest.approx(floor),
        "ece": pytest.approx(gap),
    }
    assert found["loss"] > found["loss_floor"]
