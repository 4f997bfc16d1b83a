"""For mkdocs: what a page links to outside of docs/ (sources, results) is shown as its path; the site has pages alone.

But for the figures of results/, which a page may show.
"""

import re
from pathlib import Path
from posixpath import normpath, relpath

from mkdocs.structure.files import File

FIGURES = "results/figures"
OUTSIDE = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[^)#\s]+)(#[^)]*)?\)")


def on_files(files, config, **_):
    """The figures of results/, as if they stood in docs/images."""
    for figure in (Path(config.docs_dir).parent / FIGURES).glob("accuracy-*.svg"):
        files.append(File.generated(config, f"images/{figure.name}", abs_src_path=str(figure)))
    return files


def on_page_markdown(markdown, page, **_):
    """`[card](../src/…/CARD.md)` -> `card (src/…/CARD.md)`, where that leads out of docs/."""
    folder = Path(page.file.src_uri).parent.as_posix()

    def shown(link: re.Match) -> str:
        there = normpath(f"docs/{folder}/{link[2]}")
        if there.startswith(FIGURES):
            return f"[{link[1]}]({relpath(there.replace(FIGURES, 'docs/images'), f'docs/{folder}')}{link[3] or ''})"
        return link[0] if there.startswith("docs/") else f"{link[1]} (`{there}`)"

    return OUTSIDE.sub(shown, markdown)
