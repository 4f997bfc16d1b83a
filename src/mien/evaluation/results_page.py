"""results/README.md: what the runs beside it say, as text, tables and pictures."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from mien.evaluation.gallery import Picture, curves_picture, read_times, run_pictures, scatters, shown_group
from mien.evaluation.groups import Group, read_groups
from mien.evaluation.intervals import RESAMPLES
from mien.evaluation.metrics import ECE_BINS
from mien.evaluation.published import read_published
from mien.evaluation.report import markdown, score_table
from mien.evaluation.tables import (
    difference_table,
    group_table,
    is_equal,
    is_mien,
    peer_table,
    seed_table,
    valid_table,
    votes_table,
)

FIGURES = "figures"
Parts = list[str | Picture]
"""Paragraphs and pictures, in their order."""

HEAD = f"""# Results

Written by `mien report` from the runs in this folder (a JSON and an .npz each); nothing here is edited by hand.

- **Rows.** Runs that differ in their seed alone share a row: mean ± standard deviation (of a sample) over that many runs,
  and no ± where there is one. **Epochs in bold** are fewer than the recipe plans; such runs never share a row with full ones.
- **Test faces.** *Published*: all faces of the test split to which the majority of FER+'s votes (or FER2013's own label) gives
  a class, as the field scores them. *Leak-free*: those of them without a near copy in train or validation. The column *test
  faces* has both numbers, published first; what is not called leak-free is published. All are a single pass, without mirrored
  copies. Nothing was chosen on the test split.
- **[low, high]** is the 95% interval by bootstrap over the faces ({RESAMPLES:,} resamples; its ends are means over the runs'):
  how far a figure may move with other faces. Of other seeds the standard deviation speaks.
- **Log loss** (nats) and **ECE** (expected calibration error, {ECE_BINS} bins) are those of the calibrated network, its one
  temperature fitted on validation, unless they are called raw.
- **Commands** retrace the first run of each row; DIR is a folder with FER2013 and FER+. The run's JSON says all else."""

SCATTERS = """Networks trained on FER+ distributions, each with its 95% interval. Hollow marks are what others state, or what
their packages were measured at (the peers were not trained on FER+). The equal budget is far less training than the published
recipes have. Dotted: how often one rater names what the majority of the other nine names."""

SEED = """The seed (a master's thesis), the papers that it compares itself with, the same trainings run again by mien, and
mien's own networks. *Best run*: the highest accuracy on test, as the seed states it; nothing is chosen by it. A dash stands for
what is not known."""

MODES = {
    "distribution": "FER+, distributions of the votes (the seed's PD)",
    "majority": "FER+, majority of the votes (the seed's MV)",
    "fer2013": "FER2013's own seven labels (the seed's FER)",
}

EQUAL = """All networks under one recipe, [equal.toml](../recipes/equal.toml): the same views, schedule and number of epochs,
with labels and balance as the row says, in bfloat16 or float32 as its command does. vgg13 and shcnn, large and without batch
norm, have fewer epochs, in bold, and a lower learning rate, since they diverge at the others'."""

LABEL_MODES = """First the same network's row with distributions. FER2013's labels are another task (seven classes, other
faces), not to be compared with the rows around it."""

DIFFERENCES = """Differences of the means, in points of 100; p is McNemar's, exact and two-sided, for one run of each."""

DISPUTED = """The majority filter drops the test faces on which the raters disagree. They have no true class, so here a network
is held against the raters' shares of the eight emotions, and the faces with a majority beside them against the same.
*Disputed*: no majority, but more than half of the ten votes are for emotions. *Agreement*: the share of a face's votes for the
emotion that the network names. *Loss*: cross-entropy against the shares, in nats; its floor is their own entropy. *ECE*:
confidence against agreement."""

DEVELOPMENT = """Scored on validation alone, raw: to choose between approaches without looking at the test split."""

PEERS = """Installed packages, measured on the same 3,153 and 3,589 test faces, single pass; none was trained on FER+. Times are
of one face, against the seed's network on one thread. fer, face-api and human by benchmarks/peers.py, each with the threads
that it chooses ([docs/benchmarks.md](../docs/benchmarks.md)); the two Xceptions were measured before mien was begun, and no
command here does it again."""


def read_report(folder: Path) -> tuple[str, list[Picture]]:
    """README.md for the runs in a folder, and the pictures that it shows from FIGURES. Raises DataError as read_groups does."""
    groups = read_groups(folder)
    tested = [group for group in groups if group.is_tested]
    equal = [group for group in tested if is_equal(group)]
    known = {paper.recipe for paper in read_published().papers}
    own = [group for group in tested if not is_equal(group) and group.name not in known]
    parts: Parts = [
        HEAD,
        *_section("Accuracy against size and time", [SCATTERS, *scatters(tested, read_times(folder))]),
        *_section("The seed's tables, run again", [SEED, *_seeds(tested)]),
        *_section("Equal budget", [EQUAL, *_equal(equal)]),
        *_section("mien's own networks", _table(own)),
        *_shown(shown_group(groups)),
        *_section("Where the raters disagree", [DISPUTED, markdown(votes_table(g for g in tested if g.has_votes))]),
        *_section("Development runs", [DEVELOPMENT, *_development([group for group in groups if not group.is_tested])]),
        *_section("Not run, or not in full", _missing(tested)),
        *_section("Peers", [PEERS, markdown(peer_table())]),
    ]
    pictures = [part for part in parts if isinstance(part, Picture)]
    return "\n\n".join(part if isinstance(part, str) else _as_html(part) for part in parts) + "\n", pictures


def _section(title: str, parts: Parts) -> Parts:
    return [f"## {title}", *parts]


def _seeds(tested: Sequence[Group]) -> Parts:
    parts: Parts = []
    for labels, title in MODES.items():
        sources = [f"- {paper.network}: {paper.source}." for paper in read_published().papers if paper.labels == labels]
        parts += [f"### {title}", markdown(seed_table(labels, tested)), "\n".join(sources)]
    again = [group for group in tested if group.name in {paper.recipe for paper in read_published().papers}]
    return [*parts, *([_commands(again)] if again else [])]


def _equal(equal: Sequence[Group]) -> Parts:
    """Three tables: networks, label modes and balances, the last two with their differences from the plain training."""
    plain = [group for group in equal if _kind(group) == ("distribution", "none")]
    parts: Parts = ["### Networks", *_table(plain)]
    if plain:
        parts.append(curves_picture("equal", plain))
    varied = {
        "### Labels": [group for group in equal if group.recipe["labels"] != "distribution" and _kind(group)[1] == "none"],
        "### Balance": [group for group in equal if group.recipe["balance"] != "none"],
    }
    for title, groups in varied.items():
        pairs = [(group, base) for group in groups if group.has_votes and (base := _base(group, plain))]
        bases = [base for base in plain if any(base is one for _, one in pairs)]
        parts += [title, *([LABEL_MODES] if title == "### Labels" else []), *_table([*bases, *groups], commands=groups)]
        parts += [DIFFERENCES, markdown(difference_table(pairs))] if pairs else []
    return parts


def _kind(group: Group) -> tuple[str, str]:
    return group.recipe["labels"], group.recipe["balance"]


def _base(group: Group, plain: Sequence[Group]) -> Group | None:
    """The group that differs in labels and balance alone."""
    varied = ("name", "labels", "balance", "balance_strength")
    same = [{key: value for key, value in one.recipe.items() if key not in varied} for one in (group, *plain)]
    return next((base for base, recipe in zip(plain, same[1:], strict=True) if recipe == same[0]), None)


def _table(groups: Sequence[Group], commands: Sequence[Group] | None = None) -> Parts:
    """The groups' scores; commands: of which to print how to retrace them, all unless told otherwise."""
    return [markdown(group_table(groups)), _commands(groups if commands is None else commands)] if groups else ["No run yet."]


def _commands(groups: Iterable[Group]) -> str:
    """How to retrace each row: its first run's command, with what it took. DIR: the folder with FER2013 and FER+."""
    lines = ["```sh"]
    for group in groups:
        first = group.runs[0].content
        hours = sum(run["training_s"] for run, _ in group.runs) / len(group.runs) / 3600
        seeds = f"seed{'s' * (len(group.runs) > 1)} {', '.join(map(str, group.seeds))}"
        lines += [f"# {group.name}, {seeds}: {hours:.1f} h a run ({first['environment']['machine']})", first["command"]]
    return "\n".join([*lines, "```"])


def _shown(group: Group | None) -> Parts:
    if group is None:
        return []
    run = group.median
    which = f"Of {len(group.runs)} runs that of median validation accuracy" if len(group.runs) > 1 else "The only run"
    words = f"{which}, calibrated, on the test split; recall and precision with 95% Wilson intervals."
    curves = curves_picture(group.name, [group], with_training=True)
    table = markdown(score_table(run.content["scores"]["calibrated"]["test"]))
    return _section(f"`{run.name}` in full", [words, *run_pictures(run), curves, table])


def _development(groups: Sequence[Group]) -> Parts:
    return [markdown(valid_table(groups)), _commands(groups)] if groups else ["No run yet."]


def _missing(tested: Sequence[Group]) -> Parts:
    """What is compared in the tables above and has no run, or none of all its epochs."""
    published = read_published()
    equal = [group for group in tested if is_equal(group)]
    plain = {group.recipe["model"] for group in equal if _kind(group) == ("distribution", "none")}
    lines = [
        f"- Training `{paper.recipe}` ({paper.network}, {paper.labels}): no run."
        for paper in published.papers
        if paper.recipe not in {group.name for group in tested}
    ]
    for what, wanted, found in (
        ("network", published.networks, plain),
        ("label mode", published.label_modes, {group.recipe["labels"] for group in equal}),
        ("balance", published.balances, {group.recipe["balance"] for group in equal}),
    ):
        lines += [f"- Equal budget, {what} `{name}`: no run." for name in wanted if name not in found]
    lines += [f"- `{group.name}`: {max(group.epochs)} of {group.planned} epochs." for group in tested if group.is_short]
    lines += [] if any(is_mien(group) for group in tested) else ["- `mien`, the network that is shipped: no run."]
    return ["\n".join(lines) or "Everything was run in full."]


def _as_html(picture: Picture) -> str:
    """The picture in the theme that its reader has."""
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{FIGURES}/{picture.name}-dark.svg">'
        f'<img alt="{escape(picture.alt)}" src="{FIGURES}/{picture.name}-light.svg"></picture>'
    )
