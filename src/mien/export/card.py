"""CARD.md: what a bundle is, how it was made, how well it does, and what it must not be used for."""

from collections.abc import Mapping
from typing import Any

from mien.evaluation.report import flatten, markdown, score_table

TITLES = {"litert": "float32", "litert-int8": "int8"}

CARD = """# {name}

Names the apparent expression of a face in a 48x48 grey picture: probabilities over {labels}.
Network `{network}`, {parameters:,} parameters, {multiply_adds:,} multiply-adds a face.{unfinished}

## Files

{files}

All three map `faces`, float32 `[N,48,48,1]` with grey levels 0 to 255, to `probs`, float32 `[N,{classes}]`. Scaling,
temperature and softmax are inside. Differences from the torch network on the {parity_n:,} validation faces:

{parity}

## Scores

One network, one seed ({seed}), a single pass (no mirrored copies). Labels: {truth}.
*Published* is the whole test split as other work reports it; *leak-free* leaves out the test faces of which a near copy
(correlation above 0.95, mirrored or not) stands in train or valid. Nothing was chosen on the test split.

{scores}

To compute them again: `mien evaluate {name} --data DIR --engine litert,litert-int8`, with the path of this card's folder in
place of the name where it is not a bundle that mien installs (`mien info` lists those).

## Calibration

Both were fitted on the {parity_n:,} validation faces: temperature {temperature:.4f}, and prediction-set threshold
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
- Pictures of other collections, posed or wild, are harder than these scores say. A similar network trained on the same
  faces fell to accuracies of 0.45 to 0.80 there while its confidence stayed high.

## Training

    {command}

Commit `{commit}`, {machine}, Python {python}, torch {torch}; {epoch} epochs, {hours:.1f} h.

{data}

## Terms

The code is Apache-2.0. The weights were trained on FER2013 (Goodfellow et al. 2013, arXiv:1307.0414), whose pictures come
from an image search and whose rights are not cleared, and on the votes of FER+ (Barsoum et al. 2016, arXiv:1608.01041; MIT
licence). None of the pictures is part of mien. Whether weights inherit terms from such pictures is not settled: judge it for
your use.
"""


def write_card(meta: Mapping[str, Any]) -> str:
    """The Markdown for a bundle's model.json."""
    own = "contempt" not in meta["labels"]
    columns: dict[str, Any] = {}
    for engine, scores in meta["scores"].items():
        columns |= flatten(scores, f"{TITLES[engine]} ")
    return CARD.format(
        **{key: meta[key] for key in ("name", "network", "parameters", "multiply_adds", "seed", "temperature",
                                      "set_threshold", "command", "commit", "epoch")},
        labels=", ".join(meta["labels"]),
        classes=len(meta["labels"]),
        unfinished=_unfinished(meta),
        files=markdown([["file", "bytes", "sha256"],
                        *([f"`{file}`", f"{meta['sizes'][file]:,}", f"`{digest}`"] for file, digest in meta["files"].items())]),
        parity_n=meta["parity"]["litert"]["n"],
        parity=markdown([["engine", "largest difference", "same top class"], *_parity(meta["parity"])]),
        truth="FER2013's own" if own else "the majority of FER+'s ten votes",
        raters="FER2013's labellers" if own else "most of ten crowd raters",
        scores=markdown(score_table(columns)),
        target=meta["prediction_sets"]["target_coverage"],
        sets=markdown([["", "faces", "coverage", "mean set size", "ambiguous"], *_sets(meta["prediction_sets"])]),
        hours=meta["training_s"] / 3600,
        data=markdown([["data file", "sha256"], *([f"`{file}`", f"`{digest}`"] for file, digest in meta["data"].items())]),
        **{key: meta["environment"][key] for key in ("machine", "python", "torch")},
    )  # fmt: skip


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
