"""The report's tables: rows of cells, the first a header, from groups of runs."""

from collections.abc import Iterable, Sequence

import numpy as np

from mien.evaluation.calibration import softmax
from mien.evaluation.disputed import disputed_rows, summarise_votes, vote_shares
from mien.evaluation.groups import Group
from mien.evaluation.intervals import mcnemar
from mien.evaluation.published import Paper, read_published

Table = list[list[str]]
NONE = "–"
SHIPPED = "nimble"
"""Name of the training that the bundle `mien` comes from."""


def seed_table(labels: str, groups: Sequence[Group]) -> Table:
    """One label mode: each paper's figures, below them its training run again, and last mien's own networks."""
    header = ["network", "recipe", "epochs", "runs", "test faces", "accuracy", "best run", "best run, leak-free",
              "log loss, raw", "best run's", "parameters"]  # fmt: skip
    rows = []
    for paper in (paper for paper in read_published().papers if paper.labels == labels):
        again = [_seed_row(group, "run again") for group in groups if group.name == paper.recipe]
        missing = [f"{paper.network}, run again", f"`{paper.recipe}`", "not run", *[NONE] * (len(header) - 3)]
        rows += [_paper_row(paper), *(again or [missing])]
    return [header, *rows, *(_seed_row(g, "mien's") for g in groups if is_mien(g) and g.recipe["labels"] == labels)]


def is_mien(group: Group) -> bool:
    """Whether it is a network that mien ships or shipped, or one trained from or as these are: recipes `nimble-…`, `mien-…`."""
    return group.name.split("-")[0] in (SHIPPED, "mien")


def is_equal(group: Group) -> bool:
    """Whether it was trained at the budget that is the same for all: recipes `equal-…`."""
    return group.name.startswith("equal-")


def _paper_row(paper: Paper) -> list[str]:
    return [f"{paper.network}, **published**", NONE, NONE, _count(paper.runs), _count(paper.faces),
            _stated(paper.accuracy, paper.accuracy_sd), _stated(paper.best), _stated(paper.best_leak_free),
            _stated(paper.loss, paper.loss_sd), _stated(paper.best_loss), f"{paper.parameters:,}"]  # fmt: skip


def _seed_row(group: Group, who: str) -> list[str]:
    raw = {metric: group.values(metric, kind="raw") for metric in ("accuracy", "log_loss")}
    leak_free = dict(enumerate(group.values("accuracy", "leak-free"))).get(group.best)
    return [f"{group.recipe['model']}, {who}", f"`{group.name}`", epochs_cell(group), str(len(group.runs)), faces_cell(group),
            spread(raw["accuracy"]), _stated(raw["accuracy"][group.best]), _stated(leak_free),
            spread(raw["log_loss"]), _stated(raw["log_loss"][group.best]), f"{group.parameters:,}"]  # fmt: skip


def group_table(groups: Iterable[Group]) -> Table:
    """Scores on test of each group, means over its runs; accuracy and balanced accuracy with their 95% intervals."""
    header = ["run", "network", "labels", "epochs", "runs", "test faces", "accuracy", "leak-free", "balanced accuracy",
              "log loss", "ECE, raw", "ECE", "parameters"]  # fmt: skip
    return [header, *(_score_row(group) for group in groups)]


def _score_row(group: Group) -> list[str]:
    return [f"`{group.name}`", group.recipe["model"], group.recipe["labels"], epochs_cell(group), str(len(group.runs)),
            faces_cell(group), *(_with_interval(group, metric, protocol) for metric, protocol in
                                 (("accuracy", "published"), ("accuracy", "leak-free"), ("balanced_accuracy", "published"))),
            spread(group.values("log_loss")), spread(group.values("ece", kind="raw")), spread(group.values("ece")),
            f"{group.parameters:,}"]  # fmt: skip


def difference_table(pairs: Iterable[tuple[Group, Group]]) -> Table:
    """Each first group against the second, in points of 100, on the published test faces; p by McNemar's test."""
    header = ["run", "against", "accuracy", "p", "balanced accuracy", "seeds of p"]
    return [header, *(_difference_row(group, base) for group, base in pairs)]


def _difference_row(group: Group, base: Group) -> list[str]:
    points = [
        f"{100 * (np.mean(group.values(metric)) - np.mean(base.values(metric))):+.2f}"
        for metric in ("accuracy", "balanced_accuracy")
    ]
    seeds = f"{group.seeds[0]}, {base.seeds[0]}"
    return [f"`{group.name}`", f"`{base.name}`", points[0], _p(group, base), points[1], seeds]


def _p(group: Group, base: Group) -> str:
    """McNemar's, of the runs of the lowest seeds on the published test faces; none where these are not the same."""
    tests = [one.runs[0].answers["test"] for one in (group, base)]
    if not np.array_equal(tests[0].classes, tests[1].classes):
        return NONE
    right, others = ((test.logits.argmax(1) == test.classes) & (test.classes >= 0) for test in tests)
    return f"{mcnemar(int((right & ~others).sum()), int((others & ~right).sum())):.3f}"


def valid_table(groups: Iterable[Group]) -> Table:
    """Development runs: validation alone."""
    header = ["run", "network", "labels", "epochs", "runs", "validation faces", "accuracy", "balanced accuracy", "log loss",
              "parameters"]  # fmt: skip
    return [header, *(
        [f"`{g.name}`", g.recipe["model"], g.recipe["labels"], epochs_cell(g), str(len(g.runs)), faces_cell(g, "valid"),
         *(spread(g.values(metric, kind="raw", split="valid")) for metric in ("accuracy", "balanced_accuracy", "log_loss")),
         f"{g.parameters:,}"]
        for g in groups
    )]  # fmt: skip


def votes_table(groups: Iterable[Group]) -> Table:
    """Faces with a majority and without one, both held against the raters' shares, raw and calibrated; means over runs."""
    rows = [["run", "test faces", "agreement (highest possible)", "loss, raw", "loss (floor)", "ECE, raw", "ECE"]]
    for group in groups:
        any_disputed = disputed_rows(group.runs[0].answers["test"]).any()
        for title, kept in (("with a majority", True), ("disputed", False))[: 1 + any_disputed]:
            raw, fitted = (mean_votes(group, kept, calibrated) for calibrated in (False, True))
            rows.append([f"`{group.name}`, {title}", f"{raw['n']:,.0f}",
                         f"{fitted['agreement']:.4f} ({fitted['agreement_ceiling']:.4f})", f"{raw['loss']:.4f}",
                         f"{fitted['loss']:.4f} ({fitted['loss_floor']:.4f})", f"{raw['ece']:.4f}",
                         f"{fitted['ece']:.4f}"])  # fmt: skip
    return rows


def mean_votes(group: Group, kept: bool, calibrated: bool) -> dict[str, float]:
    """disputed.summarise_votes over the test faces that have a majority, or those that are disputed; means over the runs."""
    found = []
    for run, answers in group.runs:
        test = answers["test"]
        rows = test.classes >= 0 if kept else disputed_rows(test)
        probs = softmax(test.logits[rows], run["temperature"] if calibrated else 1.0)
        found.append(summarise_votes(probs, vote_shares(test.votes[rows], probs.shape[1])))
    return {key: float(np.mean([one[key] for one in found])) for key in found[0]}


def peer_table() -> Table:
    """Installed packages, as measured."""
    header = ["package", "FER+ accuracy", "FER2013 accuracy", "time of one face, the seed's = 1", "parameters"]
    return [header, *([peer.name, f"{peer.accuracy:.3f}", f"{peer.fer2013:.3f}", f"{peer.time:g}", _count(peer.parameters)]
                      for peer in read_published().peers)]  # fmt: skip


def spread(values: Sequence[float]) -> str:
    """The mean ± the standard deviation (of a sample: n - 1) of several values, or the one there is."""
    if not values:
        return NONE
    return _stated(float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None)


def epochs_cell(group: Group) -> str:
    """`100`; `198 to 222 (of 400, ended early)`; **`5 of 20`** where it was trained for less than its recipe plans."""
    low, high = min(group.epochs), max(group.epochs)
    behind = str(low) if low == high else f"{low} to {high}"
    if group.is_short:
        return f"**{behind} of {group.planned}**"
    return behind if low >= group.recipe["epochs"] else f"{behind} (of {group.planned}, ended early)"


def faces_cell(group: Group, split: str = "test") -> str:
    """How many faces each protocol counts: `3,153 / 2,766`."""
    return " / ".join(f"{summary['n']:,}" for summary in group.scores(0)[split].values())


def _with_interval(group: Group, metric: str, protocol: str) -> str:
    values = group.values(metric, protocol)
    if not values:
        return NONE
    low, high = group.intervals[protocol][metric]
    return f"{spread(values)} [{low:.3f}, {high:.3f}]"


def _stated(value: float | None, sd: float | None = None) -> str:
    if value is None:
        return NONE
    return f"{value:.4f}" + (f" ± {sd:.4f}" if sd is not None else "")


def _count(value: int | None) -> str:
    return NONE if value is None else f"{value:,}"
