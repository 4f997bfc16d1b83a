"""The command line as a user runs it, under conditions that nobody wishes for."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ASTRONAUT = ROOT / "examples" / "astronaut.jpg"
OTHER = ("setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups",
         "--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search")  # fmt: skip
"""A user without a name or a home, who may read Python wherever it lies, and write nothing."""


def mien(*words: Any, python: tuple[str, ...] = (), prefix: tuple[str, ...] = (), **options: Any) -> Any:
    """The finished process, which has shown no traceback. env: beside PATH, instead of this process' own."""
    own = options.pop("env", {"HOME": os.environ.get("HOME", "/")})
    environment = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", **own}
    line = [*prefix, sys.executable, *python, "-m", "mien", *map(str, words)]
    done = subprocess.run(line, env=environment, capture_output=True, timeout=120, check=False, **options)
    assert b"Traceback" not in done.stderr + done.stdout, done.stderr.decode(errors="replace")
    assert done.returncode in (0, 1, 2), done.stderr
    return done
