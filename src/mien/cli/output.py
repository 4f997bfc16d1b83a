"""Where a verb writes: made before the work starts, so that nothing is lost for want of a place."""

import tempfile
from pathlib import Path

from mien.errors import UsageError


def make_folder(path: Path, option: str) -> None:
    """Makes the folder that an option names. Raises UsageError where it cannot be made or written."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        raise UsageError(f"{option} {path}: cannot be made or written ({error.strerror}); choose another folder.") from error
