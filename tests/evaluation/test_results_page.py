"""results/README.md: every group has its row in its place, and the committed page is the runs' own."""

import json
import re
from pathlib import Path

import pytest
from tests.evaluation.planted_runs import plant

from mien.evaluation.results_page import FIGURES, read_report
from mien.evaluation.tables import SHIPPED

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "results"


def section(text: str, title: str) -> str:
    return re.split(r"^#{2,3} ", text[text.index(f"# {title}\n") + 2 :], maxsplit=1, flags=re.M)[0]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    plant(folder, "mien", 0)
    plant(folder, "mien", 1)
    plant(folder, "mien-fer2013", 0, labels="fer2013")
    plant(folder, "seed-majority", 0, model="compact", labels="majority", epochs=60)
    plant(folder, "equal-slim", 0, epochs=20)
    plant(folder, "equal-vgg13", 0, epochs=5, model="vgg13")
    plant(folder, "equal-slim-majority", 0, epochs=20, labels="majority")
    plant(folder, "equal-slim-fer2013", 0, epochs=20, labels="fer2013")
    plant(folder, "equal-slim-weights", 0, epochs=20, balance="weights")
    plant(folder, "proxy", 0, splits=("valid",))
    return read_report(folder)


def test_each_group_stands_in_its_section_and_in_no_other(page):
    text, _ = page
    sections = {
        "Networks": ["equal-slim", "equal-vgg13"],
        "Labels": ["equal-slim", "equal-slim-fer2013", "equal-slim-majority", "equal-slim-majority"],
        "Balance": ["equal-slim", "equal-slim-weights", "equal-slim-weights"],
        "mien's own networks": ["mien", "mien-fer2013"],
        "Development runs": ["proxy"],
    }
    for title, names in sections.items():
        assert re.findall(r"^\| `(.*?)` \|", section(text, title), flags=re.M) == names, title
    again = section(text, "FER+, majority of the votes (the seed's MV)")
    assert "| compact, run again | `seed-majority` | **60 of 400** | 1 |" in again


def test_each_row_has_its_command(page):
    text, _ = page
    for title, names in (("Networks", ["equal-slim", "equal-vgg13"]), ("Development runs", ["proxy"])):
        commands = [f"mien train recipes/{name}.toml --data DIR --seed 0" for name in names]
        assert re.findall(r"^mien train .*$", section(text, title), flags=re.M) == commands
    assert "# mien, seeds 0, 1: 1.0 h a run (a machine)" in text


def test_what_is_missing_or_short_is_said(page):
    said = section(page[0], "Not run, or not in full")
    for line in (
        "- Training `seed` (compact, distribution): no run.",
        "- Equal budget, network `compact`: no run.",
        "- Equal budget, label mode `sampled`: no run.",
        "- Equal budget, balance `logits`: no run.",
        "- `equal-vgg13`: 5 of 20 epochs.",
        "- `seed-majority`: 60 of 400 epochs.",
    ):
        assert line in said
    for found in ("seed-majority` (", "network `slim`", "label mode `majority`", "balance `weights`", "`mien`"):
        assert found not in said


def test_every_picture_of_the_text_is_drawn_in_both_themes(page):
    text, pictures = page
    shown = re.findall(rf'(?:srcset|src)="{FIGURES}/(.*?)"', text)
    assert sorted(shown) == sorted(f"{picture.name}-{theme}.svg" for picture in pictures for theme in ("light", "dark"))
    assert {picture.name.split("-")[0] for picture in pictures} >= {"accuracy", "curves", "confusion", "classes", "reliability"}


def test_the_committed_page_is_what_its_runs_say():
    """Where this fails: `mien report`, and commit results/README.md and results/figures."""
    text, pictures = read_report(RESULTS)
    assert text == (RESULTS / "README.md").read_text(encoding="utf-8")
    drawn = {f"{picture.name}-{theme}.svg" for picture in pictures for theme in ("light", "dark")}
    assert drawn == {path.name for path in (RESULTS / FIGURES).iterdir()}


def test_the_run_that_is_shown_is_the_shipped_bundles() -> None:
    meta = json.loads((ROOT / "src" / "mien" / "weights" / "mien" / "model.json").read_text(encoding="utf-8"))
    run = json.loads((ROOT / "results" / f"{SHIPPED}-{meta['seed']}.json").read_text(encoding="utf-8"))
    shown = meta["scores"]["litert"]["test"]["published"]
    assert (meta["recipe"]["name"], run["recipe"]["name"]) == (SHIPPED, SHIPPED)
    assert run["scores"]["calibrated"]["test"]["published"]["accuracy"] == pytest.approx(shown["accuracy"], abs=1e-3)
