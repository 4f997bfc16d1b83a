"""`mien web`: the page as static files."""

from pathlib import Path
from typing import Annotated

import typer


def web(out: Annotated[Path, typer.Option(help="The folder to write it to, new or empty, or an earlier copy.")]) -> None:
    """Write the web app as static files: it runs the network on its visitors' own devices, from any host and path.

    Serve it over https, since browsers give the camera to secure pages only.
    """
    from mien.serving.page import write_page

    print(f"{write_page(out)} files in {out}")
