"""Relative links and anchors in all pages of the repository lead somewhere."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")


def pages() -> list[Path]:
    found = [path for path in ROOT.rglob("*.md") if not {".git", "node_modules"} & {*path.parts}]
    ignored = subprocess.run(["git", "check-ignore", "--stdin"], cwd=ROOT, text=True, capture_output=True, check=False,
                             input="\n".join(str(path.relative_to(ROOT)) for path in found)).stdout.split()  # fmt: skip
    return [path for path in found if str(path.relative_to(ROOT)) not in ignored]


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", re.sub(r"[`*]|\]\(.*?\)", "", title)).strip().lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_its_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    broken = []
    for target in (first or second for first, second in LINK.findall(text)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and there.suffix == ".md" and anchor not in anchors(there)):
            broken.append(target)
    assert broken == []


def test_there_are_pages() -> None:
    assert {"README.md", "docs/faq.md", "results/README.md"} <= {str(page.relative_to(ROOT)) for page in pages()}
