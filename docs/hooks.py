"""For mkdocs: what a page links to outside of docs/ (sources, results) is shown as its path; the site has pages alone."""

import re
from pathlib import Path
from posixpath import normpath

OUTSIDE = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[^)#\s]+)(#[^)]*)?\)")


def on_page_markdown(markdown, page, **_):
    """`[card](../src/…/CARD.md)` -> `card (src/…/CARD.md)`, where that leads out of docs/."""
    folder = Path(page.file.src_uri).parent.as_posix()

    def shown(link: re.Match) -> str:
        there = normpath(f"docs/{folder}/{link[2]}")
        return link[0] if there.startswith("docs/") else f"{link[1]} (`{there}`)"

    return OUTSIDE.sub(shown, markdown)
