"""CARD.md: what a bundle is, how it was made, how well it does, and what it must not be used for."""

from collections.abc import Mapping
from typing import Any

from mien.data.ferplus import FILE
from mien.evaluation.report import flatten, markdown, score_table

TITLES = {"litert": "float32", "litert-int8": "int8"}

CARD = """# {name}

Names the apparent expression of a face in a 48x48 grey picture: probabilities over {labels}.
Network `{network}`, {parameters:,} parameters, {multiply_adds:,} multiply-adds a face.{unfinished}

## Files

{files}

All three map `faces`, float32 `[N,48,48,1]` with grey levels 0 to 255, to `probs`, float32 `[N,{classes}]`. Scaling,
temperature and softmax are inside. Differences from the torch network on {views}:

{parity}

## Scores

{runs}, a single pass (no mirrored copies). Labels: {truth}.
{protocols}

{scores}

To compute them again: {again}

## Calibration

Both were fitted on the {valid_n:,} validation faces: temperature {temperature:.4f}, and prediction-set threshold
{set_threshold:.4f}, at which sets hold the true class for {target:.0%} of them. A face is *ambiguous* where its top
probability is below the threshold.

{sets}

## Intended use, and what is not

It labels *apparent expression as {raters} would name it*, not what anyone feels. It is meant for
research, and for people who look at their own pictures.

- EU AI Act: inferring emotions of people at work or in education is prohibited (Art. 5(1)(f)); people exposed to such a
  system must be told (Art. 50(3)); other uses are high-risk (Annex III); free software is not exempt (Art. 2(12)).
- The data has no demographic labels: how performance differs between groups of people is **not known**.
- Rare classes are recognised much less often than the overall accuracy suggests: read the recalls above.
{limits}

## Training

{training}

{data}

## Terms

The code is Apache-2.0. {terms}
None of the pictures is part of mien. Whether weights inherit terms from such pictures is not settled: judge it for your use.
"""

PROTOCOLS = """
*Published* is the whole test split as other work reports it; *leak-free* leaves out the test faces of which a near copy
(correlation above 0.95, mirrored or not) stands in train or valid. Nothing was chosen on the test split."""[1:]
AGAIN = """
`mien evaluate {name} --data DIR --engine litert,litert-int8`, with the path of this card's folder in
place of the name where it is not a bundle that mien installs (`mien info` lists those)."""[1:]
LIMITS = """
- Pictures of other collections, posed or wild, are harder than these scores say. A similar network trained on the same
  faces fell to accuracies of 0.45 to 0.80 there while its confidence stayed high."""[1:]
FER2013 = """
trained on FER2013 (Goodfellow et al. 2013, arXiv:1307.0414), whose pictures come from an image
search and whose rights are not cleared, and on the votes of FER+ (Barsoum et al. 2016, arXiv:1608.01041; MIT licence)."""[1:]

OWN_PROTOCOLS = """
Of the {pictures:,} pictures in `{folder}`, {faces:,} gave a face. A picture's content decides whether it is one to
train on, to validate or to test on, so copies of a file stay together. Pictures of one person, or frames of one video, do
not: where there are such, these scores flatter. Nothing was chosen on the test faces.

{parts}
{before}"""[1:]
OWN_AGAIN = """
`mien export` with the run's checkpoint and the same pictures. `mien evaluate` on that folder would
score the faces that it was trained on as well."""[1:]
OWN_LIMITS = """
- Other pictures, of other people or by another camera, are harder than these scores say; and few faces say little: mind
  the intervals."""[1:]
OWN_TERMS = "The weights were trained on the pictures named above, whose terms only those know who have them."


def files_table(meta: Mapping[str, Any]) -> str:
    """A bundle's files with their sizes and checksums."""
    rows = ([f"`{file}`", f"{meta['sizes'][file]:,}", f"`{digest}`"] for file, digest in meta["files"].items())
    return markdown([["file", "bytes", "sha256"], *rows])


def card_text(meta: Mapping[str, Any]) -> str:
    """The Markdown for a bundle's model.json."""
    columns: dict[str, Any] = {}
    for engine, scores in meta["scores"].items():
        columns |= flatten(scores, f"{TITLES[engine]} ")
    valid_n = meta["prediction_sets"]["litert"]["valid"]["n"]
    return CARD.format(
        **{key: meta[key] for key in ("name", "network", "parameters", "multiply_adds", "temperature", "set_threshold")},
        **(_own_words(meta) if "faces" in meta else _words(meta)),
        labels=", ".join(meta["labels"]),
        classes=len(meta["labels"]),
        unfinished=_unfinished(meta),
        files=files_table(meta),
        views=_views(meta["parity"]["litert"]["n"], valid_n),
        parity=markdown([["engine", "largest difference", "same top class"], *_parity(meta["parity"])]),
        scores=markdown(score_table(columns)),
        valid_n=valid_n,
        target=meta["prediction_sets"]["target_coverage"],
        sets=markdown([["", "faces", "coverage", "mean set size", "ambiguous"], *_sets(meta["prediction_sets"])]),
        runs=_runs(meta),
        training="\n\n".join([_training(meta), *(f"Of it, `{m['checkpoint']}`:\n\n{_training(m)}" for m in _members(meta))]),
        data=markdown([["data", "sha256"], *_data(meta)]),
    )  # fmt: skip


def _words(meta: Mapping[str, Any]) -> dict[str, str]:
    """What the card says of a network that was trained on FER2013's faces."""
    own = "contempt" not in meta["labels"]
    return {
        "truth": "FER2013's own" if own else "the majority of FER+'s ten votes",
        "raters": "FER2013's labellers" if own else "most of ten crowd raters",
        "protocols": PROTOCOLS,
        "again": AGAIN.format(name=meta["name"]),
        "limits": LIMITS,
        "terms": f"The weights were {FER2013}",
    }


def _own_words(meta: Mapping[str, Any]) -> dict[str, str]:
    """What it says of one that was trained on faces in class folders, perhaps from weights that know FER2013."""
    faces, start, before = meta["faces"], meta.get("start", {}), ""
    if start:
        loss, accuracy = meta["before"]["valid_loss"], meta["before"]["valid_accuracy"]
        before = (
            f"\nIt began with the weights of `{start['path']}`, which had an accuracy of {accuracy:.4f} and a log loss of "
            f"{loss:.4f} on the validation faces."
        )
    known = [start] if start else []
    while known and known[-1]["start"]:
        known.append(known[-1]["start"])
    learned = any(FILE in one["data"] for one in known)
    parts = [["", *meta["labels"]], *([part, *map(str, counts.values())] for part, counts in faces["parts"].items())]
    return {
        "truth": "the folders that the pictures lay in",
        "raters": "whoever sorted these pictures",
        "protocols": OWN_PROTOCOLS.format(**{**faces, "parts": markdown(parts)}, before=before),
        "again": OWN_AGAIN,
        "limits": OWN_LIMITS,
        "terms": OWN_TERMS + f"\nThey began as weights {FER2013}" * learned,
    }


def _views(n: int, valid_n: int) -> str:
    return f"the {n:,} validation faces" if n == valid_n else f"{n:,} views of the {valid_n:,} validation faces"


def _members(meta: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return meta.get("members", [])


def _runs(meta: Mapping[str, Any]) -> str:
    """What answered, and how often it was trained."""
    if members := _members(meta):
        return f"{len(members)} networks, each trained once, which answer together by the mean of their probabilities"
    return f"One network, one seed ({meta['seed']})"


def _training(made: Mapping[str, Any]) -> str:
    """The command, and where it ran."""
    seconds, where = made["training_s"], made["environment"]
    took = f"{seconds / 3600:.1f} h" if seconds > 360 else f"{seconds} s"
    return (
        f"    {made['command']}\n\nCommit `{made['commit']}`, {where['machine']}, Python {where['python']}, "
        f"torch {where['torch']}; {made['epoch']} epochs, {took}."
    )


def _data(meta: Mapping[str, Any]) -> list[list[str]]:
    """File and checksum of all that the weights were made from."""
    files = {**meta["data"], **({meta["start"]["path"]: meta["start"]["sha256"]} if meta.get("start") else {})}
    rows = [[f"`{file}`", f"`{digest}`"] for file, digest in files.items()]
    for member in _members(meta):
        rows += [[f"`{member['checkpoint']}`", f"`{member['sha256']}`"], *_data(member)]
    return [row for i, row in enumerate(rows) if row not in rows[:i]]


def _unfinished(meta: Mapping[str, Any]) -> str:
    done, planned = meta["epoch"], meta["recipe"]["epochs"]
    return "" if done == planned else f"\n\n**Unfinished**: exported after epoch {done} of {planned}."


def _parity(parity: Mapping[str, Any]) -> list[list[str]]:
    return [[f"`{engine}`", f"{p['max_abs_difference']:.1e}", f"{p['same_top_class']:.2%}"] for engine, p in parity.items()]


def _sets(sets: Mapping[str, Any]) -> list[list[str]]:
    return [
        [f"{TITLES[engine]} {split}", f"{s['n']:,}", f"{s['coverage']:.4f}", f"{s['mean_size']:.3f}", f"{s['ambiguous']:.2%}"]
        for engine in TITLES
        for split, s in sets[engine].items()
    ]
