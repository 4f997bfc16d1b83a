"""The cores and the memory to work with, and what a measurement ran on."""

import os
import platform
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any


def count_cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def keep_memory() -> bool:
    """Has glibc keep freed memory for this process's next use, up to its peak; False where the C library is another one.

    Else it hands large blocks back at once, and each new one is faulted in page by page: a third of a training step of
    `compact` (docs/LOG.md, 2026-11-28). Source: mallopt(3).
    """
    import ctypes

    trim_threshold, mmap_max = -1, -4
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):
        return False
    return bool(mallopt(mmap_max, 0) and mallopt(trim_threshold, -1))


def processor_name() -> str:
    """The processor, as the system names it, and its cores."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"


def versions(*packages: str) -> dict[str, str]:
    """Version of Python and of each of these packages that is installed."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def git_commit() -> str | None:
    """The checkout's commit, `+dirty` where files differ from it; None where this file is in no checkout of its own."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, check=True).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", Path(__file__).name)
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + ("+dirty" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def provenance(*packages: str) -> dict[str, Any]:
    """What a measurement states of itself: machine, date, commit, versions of these packages."""
    return {
        "machine": processor_name(),
        "date": time.strftime("%Y-%m-%d"),
        "commit": git_commit(),
        "versions": versions(*packages),
    }
