"""What a measurement was made on, and the memory that it keeps."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

from mien import machine


def test_in_a_checkout_the_commit_is_gits() -> None:
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=Path(machine.__file__).parent, capture_output=True, text=True, check=True
    )
    assert re.fullmatch(re.escape(head.stdout.strip()) + r"(\+dirty)?", machine.git_commit() or "")


def test_an_environment_within_anothers_checkout_has_no_commit(tmp_path: Path) -> None:
    """As where mien is installed in a folder of the user's own project."""
    for words in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "--allow-empty", "-m", "theirs"],
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    (tmp_path / "venv").mkdir()
    copy = tmp_path / "venv" / "machine.py"
    copy.write_text(Path(machine.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("installed_machine", copy)
    assert spec
    assert spec.loader
    installed = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(installed)
    assert installed.git_commit() is None


def test_provenance_names_what_is_installed_alone() -> None:
    found = machine.provenance("numpy", "no-such-package")
    assert set(found) == {"machine", "date", "commit", "versions"}
    assert set(found["versions"]) == {"python", "numpy"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", found["date"])


FAULTS = """
import resource
from mien.machine import keep_memory

def touch():
    bytearray(40_000_000)[::4096] = b"1" * 9766

def count():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        touch()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

touch()
before = count()
print(keep_memory(), end=" ")
touch()
print(before > 10 * (count() + 1))
"""


def test_memory_that_is_kept_is_not_faulted_in_again() -> None:
    """Page faults of large blocks taken and freed, as the kernel counts them; without glibc there is nothing to keep."""
    found = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True).stdout.split()
    assert found in (["True", "True"], ["False", "False"])
