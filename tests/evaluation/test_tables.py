"""The report's tables: every number by hand from the runs' own, by numpy, scikit-learn and scipy."""

import statistics

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss
from tests.evaluation.planted_runs import plant

from mien.evaluation.groups import read_groups
from mien.evaluation.tables import (
    difference_table,
    epochs_cell,
    group_table,
    mean_votes,
    seed_table,
    spread,
    valid_table,
    votes_table,
)


def by_hand(run, protocol="published"):
    """Accuracy, balanced accuracy, raw and calibrated log loss of a run's test answers."""
    content, answers = run
    test = answers["test"]
    rows = (test.classes >= 0) & (test.leak_free if protocol == "leak-free" else True)
    classes, logits = test.classes[rows], test.logits[rows].astype(float)
    losses = [log_loss(classes, softmax(logits / t, 1), labels=range(logits.shape[1])) for t in (1, content["temperature"])]
    top = logits.argmax(1)
    return accuracy_score(classes, top), balanced_accuracy_score(classes, top), *losses


def cells(table, row):
    return dict(zip(table[0], table[row], strict=True))


def stated(values):
    return f"{statistics.mean(values):.4f} ± {statistics.stdev(values):.4f}"


def test_the_seeds_table_has_published_figures_the_runs_beside_them_and_miens_own(tmp_path):
    seed = [by_hand(plant(tmp_path, "seed", k, model="compact", epochs=400, done=4, stop_after=3,
                          valid_losses=[1, 2, 2, 2], parameters=171_137)) for k in range(3)]  # fmt: skip
    mien = by_hand(plant(tmp_path, "mien", 0))
    table = seed_table("distribution", read_groups(tmp_path))
    assert cells(table, 1) == {
        "network": "compact, **published**", "recipe": "–", "epochs": "–", "runs": "5", "test faces": "3,153",
        "accuracy": "0.8704 ± 0.0040", "best run": "0.8766", "best run, leak-free": "0.8753",
        "log loss, raw": "0.3679 ± 0.0054", "best run's": "0.3629", "parameters": "171,137",
    }  # fmt: skip
    again = cells(table, 2)
    best = max(range(3), key=lambda k: seed[k][0])
    assert again["network"], again["recipe"] == ("compact, run again", "`seed`")
    assert (again["epochs"], again["runs"], again["parameters"]) == ("4 (of 400, ended early)", "3", "171,137")
    assert again["accuracy"] == stated([run[0] for run in seed])
    assert again["log loss, raw"] == stated([run[2] for run in seed])
    assert again["best run"] == f"{seed[best][0]:.4f}"
    assert again["best run's"] == f"{seed[best][2]:.4f}"
    own = cells(table, -1)
    assert (own["network"], own["recipe"], own["runs"]) == ("slim, mien's", "`mien`", "1")
    assert (own["accuracy"], own["log loss, raw"]) == (f"{mien[0]:.4f}", f"{mien[2]:.4f}")


def test_a_training_that_was_not_run_says_so_and_a_short_one_is_marked_and_apart(tmp_path):
    plant(tmp_path, "seed", 0, model="compact", epochs=400, done=4, stop_after=3, valid_losses=[1, 2, 2, 2])
    plant(tmp_path, "seed", 1, model="compact", epochs=60)
    rows = [row[:4] for row in seed_table("distribution", read_groups(tmp_path))]
    assert ["compact, run again", "`seed`", "4 (of 400, ended early)", "1"] in rows
    assert ["compact, run again", "`seed`", "**60 of 400**", "1"] in rows
    assert ["vgg13, run again", "`vgg13`", "not run", "–"] in rows
    assert seed_table("majority", read_groups(tmp_path))[2][:3] == ["compact, run again", "`seed-majority`", "not run"]


def test_group_table_has_means_deviations_and_both_protocols(tmp_path):
    runs = [plant(tmp_path, "equal-slim", k, epochs=20) for k in range(2)]
    (group,) = read_groups(tmp_path)
    row = cells(group_table([group]), 1)
    test = runs[0][1]["test"]
    kept = test.classes >= 0
    assert row["test faces"] == f"{kept.sum()} / {(kept & test.leak_free).sum()}"
    published, leak_free = ([by_hand(run, protocol) for run in runs] for protocol in ("published", "leak-free"))
    assert row["accuracy"].startswith(stated([scores[0] for scores in published]) + " [")
    assert row["leak-free"].startswith(stated([scores[0] for scores in leak_free]) + " [")
    assert row["balanced accuracy"].startswith(stated([scores[1] for scores in published]) + " [")
    assert row["log loss"] == stated([scores[3] for scores in published])
    low, high = (float(end) for end in row["accuracy"].split("[")[1].rstrip("]").split(", "))
    mean, n = np.mean([scores[0] for scores in published]), kept.sum()
    assert (low, high) == pytest.approx(mean + np.array([-1.96, 1.96]) * np.sqrt(mean * (1 - mean) / n), abs=0.02)


def test_differences_are_of_means_with_an_exact_binomial_test(tmp_path):
    base = [plant(tmp_path, "equal-slim", k, epochs=20) for k in (1, 2)]
    other = plant(tmp_path, "equal-slim-weights", 1, epochs=20, balance="weights")
    # the same faces, else there is nothing to pair
    one, two = base[0][1]["test"], other[1]["test"]
    two.classes[:], two.logits[:] = one.classes, one.logits[:, ::-1]
    plain, weighted = read_groups(tmp_path)
    weighted.runs[0][1]["test"].classes[:], weighted.runs[0][1]["test"].logits[:] = two.classes, two.logits
    row = cells(difference_table([(weighted, plain)]), 1)
    kept = one.classes >= 0
    right = [(run.logits.argmax(1) == one.classes)[kept] for run in (two, one)]
    only, only_other = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    assert only + only_other > 0
    assert row["p"] == f"{binomtest(only, only + only_other).pvalue:.3f}"
    gain = weighted.values("accuracy")[0] - statistics.mean(by_hand(run)[0] for run in base)
    assert row["accuracy"] == f"{100 * gain:+.2f}"
    assert (row["run"], row["against"], row["seeds of p"]) == ("`equal-slim-weights`", "`equal-slim`", "1, 1")


def test_votes_table_is_a_slow_loops_over_disputed_faces(tmp_path):
    content, answers = plant(tmp_path)
    test, (group,) = answers["test"], read_groups(tmp_path)
    disputed = [i for i in range(120) if i % 4 == 0 and i != 0]  # as planted; the first shows no face to most raters
    logs = log_softmax(test.logits[disputed].astype(float) / content["temperature"], 1)
    shares = np.array([[5 / 9, 4 / 9, 0, 0, 0, 0, 0, 0]])
    found = mean_votes(group, kept=False, calibrated=True)
    assert found["n"] == len(disputed)
    assert found["loss"] == pytest.approx(-(shares * logs).sum(1).mean())
    assert found["agreement"] == pytest.approx(np.mean([shares[0][row.argmax()] for row in logs]))
    assert found["agreement_ceiling"] == pytest.approx(5 / 9)
    assert mean_votes(group, kept=True, calibrated=False)["loss_floor"] == pytest.approx(0)  # all ten agree
    assert [row[:2] for row in votes_table([group])[1:]] == [["`mien`, with a majority", "90"], ["`mien`, disputed", "29"]]


def test_valid_table_has_raw_validation_scores_alone(tmp_path):
    content, _ = plant(tmp_path, "proxy", splits=("valid",))
    row = cells(valid_table(read_groups(tmp_path)), 1)
    scores = content["scores"]["raw"]["valid"]["published"]
    assert (row["validation faces"], row["accuracy"], row["log loss"]) == (
        "90", f"{scores['accuracy']:.4f}", f"{scores['log_loss']:.4f}")  # fmt: skip


@pytest.mark.parametrize(
    ("more", "cell"),
    [
        ([{"epochs": 7}], "7"),
        ([{"epochs": 20, "done": 5}], "**5 of 20**"),
        ([{"epochs": 9, "stop_after": 2, "valid_losses": [1, 2, 3], "done": 3},
          {"epochs": 9, "stop_after": 2, "valid_losses": [2, 1, 2, 3], "done": 4}], "3 to 4 (of 9, ended early)"),
    ],
)  # fmt: skip
def test_epochs_say_what_was_done_of_what(tmp_path, more, cell):
    for seed, settings in enumerate(more):
        plant(tmp_path, "own", seed, **settings)
    (group,) = read_groups(tmp_path)
    assert epochs_cell(group) == cell


def test_spread_is_of_a_sample_and_one_value_has_none():
    assert spread([0.5, 0.6, 0.7]) == "0.6000 ± 0.1000"
    assert spread([0.5]) == "0.5000"
    assert spread([]) == "–"
