"""A run as one HTML page, which loads nothing from anywhere."""

from collections import Counter
from collections.abc import Mapping, Set
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mien.batch.contact import SIDE_PX, cut_out_faces
from mien.batch.parts import Source
from mien.batch.run import stored_source
from mien.batch.store import Plan, Store, read_store
from mien.batch.totals import BINS, Totals, read_totals
from mien.emotions import EMOTIONS
from mien.errors import DataError, MienError
from mien.files import replaced_file
from mien.media.draw import COLOURS
from mien.results import as_unicode, percent

SHEET_FACES = 36
"""Faces on the contact sheet."""
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title><style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse }} td, th {{ padding: .1rem .8rem .1rem 0; text-align: left }}
td.bar {{ width: 20rem }} td.bar div {{ height: .9rem }} td.files {{ overflow-wrap: anywhere }}
td.n {{ text-align: right; font-variant-numeric: tabular-nums }}
.sheet {{ display: flex; flex-wrap: wrap; gap: 1rem; padding: 0 }} figure {{ margin: 0; width: 9rem; font-size: .8rem }}
figcaption {{ overflow-wrap: anywhere }} .gone {{ width: {side}px; height: {side}px; border: 1px dashed }}
svg {{ width: 100% }} rect {{ fill: #4a7fb5 }} line {{ stroke: currentColor }}
text {{ fill: currentColor; font-size: 11px; text-anchor: middle }}
</style></head><body>
<h1>{title}</h1>
{sections}
</body></html>
"""


def write_page(folder: Path, suffixes: Set[str]) -> Path:
    """Writes _summary.html into a run's folder; its path. suffixes: of files that are pictures.

    Raises UsageError where there is no run, DataError where it cannot be read or the page cannot be written.
    """
    store = read_store(folder)
    try:
        totals = read_totals(store, SHEET_FACES)
        path = folder / "_summary.html"
        with replaced_file(path) as new:
            new.write_text(build_page(store, totals, suffixes), encoding="utf-8")
    except (OSError, ValueError) as error:
        raise DataError(f"{folder}: the summary cannot be made ({error}).") from error
    return path


def build_page(store: Store, totals: Totals, suffixes: Set[str]) -> str:
    facts = store.facts
    shares = {emotion: totals.emotions[emotion] for emotion in EMOTIONS}
    bars = {emotion: _bar(emotion, totals) for emotion in EMOTIONS}
    named = {kind: f'<td class="files">{escape(", ".join(names))}</td>' for kind, names in totals.named.items()}
    kinds = dict(totals.kinds.most_common())
    sections = [
        _counts(store, totals),
        _section("Emotions", _rows(shares, totals.faces, bars) if totals.faces else "<p>No faces.</p>"),
        _section("Faces by confidence", _histogram(totals)) if totals.faces else "",
        _section("Errors by kind", _rows(kinds, totals.pictures, named)) if totals.failed else "",
        _section("The least certain faces", _sheet(store, totals, suffixes)) if totals.least else "",
    ]
    title = escape(as_unicode(f"mien score: {facts['source']}"))
    return PAGE.format(title=title, side=SIDE_PX, sections="\n".join(sections))


def _section(title: str, content: str) -> str:
    return f"<h2>{title}</h2>\n{content}"


def _counts(store: Store, totals: Totals) -> str:
    done, parts, model = len(store.done()), store.facts["parts"], store.facts["model"]
    numbers = {
        "pictures": totals.pictures, "faces": totals.faces, "of them ambiguous": totals.ambiguous,
        "pictures without a face": totals.without_face, "errors": totals.failed,
    }  # fmt: skip
    left = "" if done == parts else f"<p><strong>Not finished: {done:,} of {parts:,} parts are done.</strong></p>"
    return f"{left}{_rows(numbers, 0)}<p>Model {escape(model['name'])}, sha256 <code>{escape(model['sha256'])}</code></p>"


def _rows(numbers: Mapping[str, int], whole: int, more: Mapping[str, str] = MappingProxyType({})) -> str:
    """A table of counts, with their share of `whole` where that is not 0. more: the last cell of a row, as HTML."""
    lines = []
    for name, number in numbers.items():
        share = f'<td class="n">{number / whole:.1%}</td>' if whole else ""
        lines.append(f'<tr><td>{escape(name)}</td><td class="n">{number:,}</td>{share}{more.get(name, "")}</tr>')
    return f"<table>{''.join(lines)}</table>"


def _bar(emotion: str, totals: Totals) -> str:
    """A cell as full as the emotion is frequent, beside the most frequent one."""
    length = totals.emotions[emotion] / max(1, *totals.emotions.values())
    return f'<td class="bar"><div style="width:{length:.1%};background:{COLOURS[emotion]}"></div></td>'


def _histogram(totals: Totals) -> str:
    """Faces by confidence, as bars in SVG with their counts, over an axis from 0 to 1."""
    most, wide = max(totals.bins), 640 / BINS
    bars = []
    for i, count in enumerate(totals.bins):
        x, high = i * wide, 180 * count / most
        bars.append(
            f'<rect x="{x + 1:.0f}" y="{200 - high:.1f}" width="{wide - 2:.0f}" height="{high:.1f}">'
            f"<title>{i / BINS:.2f} to {(i + 1) / BINS:.2f}: {count:,}</title></rect>"
        )
        bars.append(f'<text x="{x + wide / 2:.0f}" y="{196 - high:.1f}">{_short(count)}</text>' if count else "")
    marks = [
        f'<line x1="{640 * share:.0f}" y1="200" x2="{640 * share:.0f}" y2="205"/>'
        f'<text x="{640 * share:.0f}" y="217">{share:g}</text>'
        for share in (0, 0.25, 0.5, 0.75, 1)
    ]
    title = '<text x="320" y="236">confidence: the calibrated probability of the emotion named</text>'
    axis = f'<line x1="0" y1="200" x2="640" y2="200"/>{"".join(marks)}{title}'
    label = "Number of faces by confidence, 0 to 1"
    return f'<svg viewBox="-12 0 664 242" role="img" aria-label="{label}">{"".join(bars)}{axis}</svg>'


def _short(count: int) -> str:
    """In at most 5 signs, up to a thousand million."""
    if count < 10_000:
        return f"{count:,}"
    return f"{count / 1e3:.3g}k" if count < 999_500 else f"{count / 1e6:.3g}M"


def _sheet(store: Store, totals: Totals, suffixes: Set[str]) -> str:
    source = Source("", "", suffixes, 1)
    faces = totals.least
    try:
        pictures = cut_out_faces(stored_source(store, source), Plan(store.plan), faces)
    except (OSError, MienError):  # the whole source is gone, or barred
        pictures = [None] * len(faces)
    return f'<div class="sheet">{"".join(_figure(url, row) for url, (_, row) in zip(pictures, faces, strict=True))}</div>'


def _figure(url: str | None, row: Mapping[str, Any]) -> str:
    shown = f'<img src="{url}" width="{SIDE_PX}" height="{SIDE_PX}" alt="">' if url else '<div class="gone">gone</div>'
    best = Counter({emotion: row[emotion] for emotion in EMOTIONS}).most_common(2)
    words = " / ".join(f"{emotion} {escape(percent(p))}" for emotion, p in best)
    return f"<figure>{shown}<figcaption>{words}<br>{escape(row['source'])}</figcaption></figure>"
