"""docs/benchmarks.md: what was measured side by side, and where the other benchmarks' figures come from, as tables."""

import json
import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from benchmarks.peers_install import PEERS, ROOT

NONE = "–"
FRAMES = 1800
"""Of the clip: a minute at 30 a second."""
Round = dict[str, Any]

HEAD = """# Benchmarks

Written by `python -m benchmarks.peers page` from results/peers.json and the other benchmarks' files; nothing here is edited
by hand.

## Side by side

What users would pick instead of mien, each in an environment of its own, installed from the package registries alone, given
the same pictures in the same run:

```sh
python -m benchmarks.peers install --envs DIR
python -m benchmarks.peers measure --envs DIR
python -m benchmarks.peers accuracy --envs DIR --data DATA
python -m benchmarks.peers page
```"""
MEASURES = """\
- **Installed**: all files that its packages brought, without bare Python and pip, or all of `node_modules`. In brackets what
  it takes with the extra that reads videos.
- **Import**: a fresh process with what a user would write first, less one that does nothing. **First answer**: a fresh
  process from its start to the emotions in one photo (of one face where *face* is said: no detector), pixels decoded, files
  cached.
- **One face**, **64 faces** (the same 64 times): 48x48, already cropped, in one call where the package takes several.
  **Photo**: 640x480, one face, found and classified. Medians of repeated calls in one process.
- **A minute's clip**: 1,800 frames of 640x480 with one moving face, from its file; every frame is answered. mien's stream
  searches as often as the face moves and follows it in between; the others search each frame, in a loop over OpenCV's frames,
  or under Node over decoded ones. In brackets how many frames were reached within the limit; the rest is scaled.
- **Memory**: peak of the process after the first answer, and after the clip.
- **fer** with its defaults. **face-api** with its SSD detector and landmarks. **human** with detector, mesh and emotion, its
  other networks and its reuse of earlier answers off. **LiteRT, compact**: the seed's network, untrained: its speed alone.
- Each package chooses its threads itself; mien and LiteRT take one. Of several rounds, in which the peers take turns, the
  least counts, since what else the machine does only adds to a time; all are in [peers.json](../results/peers.json)."""
FAIR = """Every face is given whole, 48x48, as already cropped; the top emotion counts. The peers' words are read as mien's
(`angry` as anger, `happy` as happiness, and so on). They know seven emotions, so 16 of the 3,153 faces, contempt's, are out
of their reach; mien knows all eight, and on FER2013, which has no contempt, what it calls so is wrong. *FER+*: 3,153 test
faces by the majority of the raters. *Leak-free*: those of them without a near copy in train or validation. *FER2013*: all
3,589 test faces by the single label of 2013. ± is half a 95% interval from the number of faces alone.

It is not a contest of equals: mien was trained on FER+'s votes and the other packages were not, so the first two columns
favour mien, and FER2013's labels favour those that were trained on them."""


def write_page(results: Path) -> str:
    """The whole page; results: peers.json, beside which the other benchmarks' files lie."""
    found = json.loads(results.read_text(encoding="utf-8"))
    parts = [HEAD, *speed_parts(found["speed"]), *accuracy_parts(found.get("accuracy")), "## The other benchmarks",
             "Each file holds the figures, the machine and the versions; each command writes its file, or a part of it, again.",
             table(other_rows(results.parent))]  # fmt: skip
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def speed_parts(speed: dict[str, Any]) -> Iterator[str]:
    measured = {name: peer for name, peer in speed.items() if not peer.get("error")}
    rounds = max((len(peer["rounds"]) for peer in measured.values()), default=0)
    yield table([speed_row(name, peer) for name, peer in measured.items()])
    yield f"Measured on {run_line(measured)}, {rounds} rounds."
    yield MEASURES
    yield "### Versions"
    yield "\n".join(f"- **{name}**: {version_line(peer)}." for name, peer in measured.items())
    failed = [name for name in speed if name not in measured]
    if failed:
        yield "### What could not be had here"
        yield "With the package's own words; nothing was worked around."
        yield table([failed_row(name, speed[name]) for name in failed])


def failed_row(name: str, peer: dict[str, Any]) -> dict[str, str]:
    return {
        "package": name,
        "versions": version_line(peer),
        "installed, MB": f"{peer['mb']:,.0f}" if "mb" in peer else NONE,
        "weights": PEERS[name].weights,
        "ends with": f"`{peer['error']}`",
    }


def speed_row(name: str, peer: dict[str, Any]) -> dict[str, str]:
    rounds: list[Round] = peer["rounds"]
    extra = f" ({peer['mb_with_clips']:,.0f})" if "mb_with_clips" in peer else ""
    on_face = " (face)" if rounds[0]["first"]["of"] == "face" else ""
    return {
        "package": name,
        "installed, MB": f"{peer['mb']:,.0f}{extra}",
        "import, s": f"{min(one['import_s'] for one in rounds) - min(one['bare_s'] for one in rounds):.2f}",
        "first answer, s": least(rounds, lambda one: one["first_s"], ".2f") + on_face,
        "one face, ms": least(rounds, lambda one: one["times"]["one"].get("ms"), ".2f"),
        "64 faces, ms": least(rounds, lambda one: one["times"]["many"].get("ms"), ",.0f"),
        "photo, ms": least(rounds, lambda one: one["times"]["photo"].get("ms"), ",.1f"),
        "a minute's clip, s": clip_cell(rounds),
        "memory, MB": least(rounds, lambda one: one["first"]["peak_mb"], ",.0f"),
        "with the clip, MB": least(rounds, lambda one: one["clip"].get("frames") and one["clip"]["peak_mb"], ",.0f"),
    }


def least(rounds: list[Round], value: Callable[[Round], float | None], form: str) -> str:
    values = [found for one in rounds if (found := value(one)) is not None]
    return format(min(values), form) if values else NONE


def clip_cell(rounds: list[Round]) -> str:
    """Seconds for all frames, and how many were measured."""
    clips = [one["clip"] for one in rounds if one["clip"].get("frames")]
    if not clips:
        return NONE
    best = min(clips, key=lambda clip: clip["s"] / clip["frames"])
    return f"{best['s'] / best['frames'] * FRAMES:,.0f} ({'all' if best['frames'] == FRAMES else best['frames']})"


def version_line(peer: dict[str, Any]) -> str:
    versions = [f"{name} {version}" for name, version in peer.get("versions", {}).items()]
    backends = {one["first"]["backend"] for one in peer.get("rounds", []) if "backend" in one["first"]}
    return "; ".join(
        [", ".join(versions) or "not installed", *(f"backend {name}" for name in sorted(backends)), *peer.get("notes", [])]
    )


def run_line(peers: dict[str, Any]) -> str:
    """Machines, dates and commits of these peers' measurements."""
    said = said_of(peers.values())
    return ", ".join([*said["machine"], *said["date"], f"commit {', '.join(said['commit'])}"])


def said_of(parts: Collection[dict[str, Any]]) -> dict[str, list[str]]:
    """Their machines, dates and commits, these with seven digits."""
    said = {key: sorted({part[key] for part in parts if part.get(key)}) for key in ("machine", "date", "commit")}
    return said | {"commit": [re.sub(r"(?<=^[0-9a-f]{7})[0-9a-f]+", "", commit) for commit in said["commit"]]}


def accuracy_parts(found: dict[str, Any] | None) -> Iterator[str]:
    yield "## Accuracy, where it is fair"
    if not found:
        yield "Not measured yet."
        return
    measured = {name: peer for name, peer in found.items() if "error" not in peer}
    yield table([accuracy_row(name, peer) for name, peer in measured.items()])
    yield f"Measured on {run_line(measured)}."
    yield FAIR


def accuracy_row(name: str, peer: dict[str, Any]) -> dict[str, str]:
    columns = {"ferplus": "FER+", "ferplus_leak_free": "FER+, leak-free", "fer2013": "FER2013"}
    return {
        "package": name,
        **{title: accuracy_cell(**peer[key]) for key, title in columns.items()},
        "trained on": PEERS[name].trained or NONE,
    }


def accuracy_cell(n: int, accuracy: float) -> str:
    return f"{accuracy:.3f} ± {1.96 * (accuracy * (1 - accuracy) / n) ** 0.5:.3f}"


SUMMARY = re.compile(r"(?<=<!-- peers -->\n).*(?=\n<!-- -->)", re.S)
"""The README's table, between its marks."""


def summary(results: Path) -> str:
    """The README's table: those whose accuracy was measured, and of each what a user would ask first."""
    found = json.loads(results.read_text(encoding="utf-8"))
    rows = []
    for name in (name for name, peer in found["accuracy"].items() if "error" not in peer):
        speed, accuracy = speed_row(name, found["speed"][name]), accuracy_row(name, found["accuracy"][name])
        asked = ("installed, MB", "first answer, s", "photo, ms", "a minute's clip, s")
        rows.append({"package": name, **{title: speed[title].split(" (")[0] for title in asked}, "FER+": accuracy["FER+"],
                     "leak-free": accuracy["FER+, leak-free"], "trained on": accuracy["trained on"]})  # fmt: skip
    return table(rows)


def other_rows(folder: Path) -> list[dict[str, str]]:
    """One a file `bench*.json`: when and where it was measured, and the commands that name it in the benchmarks' own words."""
    return [other_row(path) for path in sorted(folder.glob("bench*.json"))]


def other_row(path: Path) -> dict[str, str]:
    found = json.loads(path.read_text(encoding="utf-8"))
    parts = [found] if "machine" in found else list(found.values())
    said = said_of(parts)
    return {
        "file": f"[{path.name}](../results/{path.name})",
        "commands": "<br>".join(f"`{command}`" for command in commands(path.name)) or NONE,
        **{key: "; ".join(values) or NONE for key, values in said.items()},
    }


BENCH = {"bench.json": "", "bench_large.json": "--model mien-large --against mien "}
"""Options of those that `mien bench` writes."""


def commands(file: str) -> list[str]:
    """The lines of the benchmarks' docstrings that write this file, comments left out."""
    if file in BENCH:
        return [f"mien bench examples/astronaut.jpg {BENCH[file]}--format json > results/{file}"]
    lines = [
        line for path in sorted((ROOT / "benchmarks").glob("*.py")) for line in path.read_text(encoding="utf-8").splitlines()
    ]
    pattern = re.compile(rf"^ *((?:make \w+ && )?python [^#]*--out results/{re.escape(file)})(?=\s|$)")
    return [match[1] for line in lines if (match := pattern.match(line))]


def table(rows: list[dict[str, str]]) -> str:
    """Markdown; the first row's keys are the header, the first column is set left, the others right."""
    if not rows:
        return "Nothing was measured."
    titles = list(rows[0])
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)], *([row[title] for title in titles] for row in rows)]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |" for cells in lines)
