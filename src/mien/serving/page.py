"""The web app as it was built: in the wheel, or in a checkout by `make web`."""

import shutil
from pathlib import Path

from mien.errors import UsageError

PAGE = Path(__file__).parent / "page"


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
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / "mien.txt").is_file())):
        raise UsageError(f"{folder}: is no empty folder; choose a new one.")
    try:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(page, folder)
        (folder / "mien.txt").write_text("Written by mien web, which may replace this folder.\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror}); choose another folder.") from error
    return sum(path.is_file() for path in folder.rglob("*"))
