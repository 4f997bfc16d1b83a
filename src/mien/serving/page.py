"""The web app as it was built: in the wheel, or in a checkout by `make web`."""

import shutil
from pathlib import Path

from mien.errors import UsageError

PAGE = Path(__file__).parent / "page"
MARK = "mien.txt"
"""A folder that holds this file is a copy, whole or begun."""


def find_page() -> Path:
    """The folder of the built page. Raises UsageError for an install from source where it was not built."""
    if not (PAGE / "index.html").is_file():
        raise UsageError("the page is not built here: it needs Node 20 once (make web); the released wheel carries it.")
    return PAGE


def write_page(folder: Path) -> int:
    """Copies the page into an empty or new folder, for any host to serve from any path; gives the number of files.

    Raises UsageError where the folder holds anything but an earlier copy, or cannot be written.
    """
    page = find_page()
    try:
        if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / MARK).is_file())):
            raise UsageError(f"{folder}: is no empty folder; choose a new one.")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARK).write_text("Written by mien web, which may replace this folder.\n", encoding="utf-8")
        for path in folder.iterdir():  # the folder itself stays: it may be a link or a mount, or where the user is
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name != MARK:
                path.unlink()
        shutil.copytree(page, folder, dirs_exist_ok=True)
    except OSError as error:
        why = error.args[0][0][2] if isinstance(error, shutil.Error) else error.strerror  # it holds what befell each file
        raise UsageError(f"{folder}: cannot be written ({why}); choose another folder.") from error
    return sum(path.is_file() for path in folder.rglob("*"))
