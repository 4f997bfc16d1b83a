"""Where a verb writes: places made before the work starts, so that nothing is lost for want of one; words on stderr."""

import contextlib
import io
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO, TypeVar

from mien.errors import UsageError, one_line

T = TypeVar("T")
MANY = 16
"""More pictures than this get a bar."""


def say(*lines: str) -> None:
    """mien's words to the user, each one line on stderr."""
    print("".join(f"mien: {one_line(line)}\n" for line in lines), end="", file=sys.stderr)


def make_folder(path: Path, option: str) -> None:
    """Makes the folder that an option names. Raises UsageError where it cannot be made or written."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        raise UsageError(f"{option} {path}: cannot be made or written ({error.strerror}); choose another folder.") from error


@contextlib.contextmanager
def open_output(path: Path | None) -> Iterator[TextIO]:
    """stdout, or the file at `path`, in UTF-8. Raises UsageError where that cannot be written.

    A file's name may be no Unicode: what is left of it as lone surrogates is written as \\udcXX, which JSON reads back.
    """
    if not path:
        if not sys.stdout:
            raise UsageError("stdout is closed; give --out FILE.")
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
        yield sys.stdout
        return
    try:
        stream = path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
    except OSError as error:
        raise UsageError(f"--out {path}: cannot be written ({error.strerror}); choose another file.") from error
    with stream:
        yield stream


def progress(items: Iterable[T], total: int, hidden: bool) -> Iterable[T]:
    """The items, with a bar on stderr where that is a terminal and there are many; hidden: the results would cross it."""
    if hidden or total <= MANY or not sys.stderr.isatty():
        return items
    from rich.console import Console  # a tenth of the time of a short run, so only where it is seen
    from rich.progress import track

    return track(items, "pictures", total=total, console=Console(stderr=True), transient=True)
