"""What mien raises: one line that says what was wrong, what was expected, and what to do."""

import difflib
import re
from collections.abc import Iterable


class MienError(Exception):
    """Any failure that the user can do something about."""

    exit_code = 1


class UsageError(MienError):
    """The request itself is wrong: an unknown name, option or key."""

    exit_code = 2


class DataError(MienError):
    """A data set file is missing, cut off, malformed or another file than expected."""


class ImageError(MienError):
    """A picture could not be read."""


class VideoError(MienError):
    """A video could not be opened, could not be read to its end, or could not be written."""


class BundleError(MienError):
    """A bundle is incomplete or its files are not the ones that were published."""

    exit_code = 2


class CheckpointError(MienError):
    """A checkpoint is cut short, of another format, or belongs to another run."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """A UsageError for `name`, with the nearest of the `known` names and the whole list."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return UsageError(f"unknown {kind} {name!r}.{hint} Known: {', '.join(known)}.")


def lacking(problem: str, extra: str) -> UsageError:
    """A UsageError for something that one of mien's extras brings, such as ("training needs torch", "lab")."""
    return UsageError(f"{problem}: pip install -c constraints.txt '.[{extra}]' in mien's checkout, or 'WHEEL[{extra}]'.")


def one_line(text: str) -> str:
    """`text` with line breaks and other control characters escaped: a file's name may hold any of them."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", lambda found: repr(found[0])[1:-1], text)
