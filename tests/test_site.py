"""`make docs`: builds without a warning, and what it built asks nobody else for anything."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_site_is_built_and_loads_nothing_from_elsewhere() -> None:
    done = subprocess.run(["make", "docs"], cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = list((ROOT / "site").rglob("*.html"))
    assert {"index", "api", "photos"} <= {page.parent.name if page.parent.name != "site" else page.stem for page in pages}
    loaded = re.compile(
        r"<(?:script|img|iframe|source)[^>]+src=\"(?:https?:)?//|<link[^>]+rel=\"(?:stylesheet|preload)\"[^>]+//"
    )
    assert [page.name for page in pages if loaded.search(page.read_text(encoding="utf-8"))] == []
    shown = {
        page: re.findall(r"<(?:img|source)[^>]+src(?:set)?=\"([^\"#]+)", page.read_text(encoding="utf-8")) for page in pages
    }
    assert len(shown[ROOT / "site" / "index.html"]) == 3
    assert [name for page, names in shown.items() for name in names if not (page.parent / name).is_file()] == []
    assert "def predict" not in (ROOT / "site" / "api" / "index.html").read_text(encoding="utf-8")  # signatures, not sources
