"""docs/reliability.md: its figures are those of results/fuzz.json, and what it points to is there."""

import json
import re
from pathlib import Path

import pytest
from benchmarks import fuzz

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
FOUND = json.loads((ROOT / "results" / "fuzz.json").read_text(encoding="utf-8"))
ASKED = {"pictures": 20_000, "bundles": 2_000, "csvs": 2_000, "clips": 1_000}


def table(head: str) -> dict[str, list[str]]:
    """The rows of the table whose head begins so, by their first cell in small letters."""
    lines = PAGE[PAGE.index(head) :].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first.lower(): rest for first, *rest in cells}


def test_as_many_files_were_tried_as_were_asked_for_and_the_pages_counts_are_theirs():
    rows = table("| kind | files | read")
    assert list(rows) == list(ASKED)
    for kind, count in ASKED.items():
        found = FOUND[kind]
        assert found["cases"] == count == found["read"] + found["refused"] + found["failed"]
        numbers = [f"{found[key]:,}" for key in ("cases", "read", "refused", "failed")]
        assert rows[kind] == [*numbers, f"{found['slowest_s']} s"]
        assert found["slowest_s"] <= FOUND["limit_s"]


def test_the_command_lines_counts_are_theirs():
    rows = table("| kind | files | commands")
    for kind, found in FOUND["command_line"].items():
        codes = ", ".join(f"{count} × {code}" for code, count in found["exit_codes"].items())
        assert rows[kind] == [f"{found['files']:,}", f"{found['commands']:,}", codes, str(len(found["tracebacks"]))]
        assert found["tracebacks"] == []
        assert set(found["exit_codes"]) <= {"0", "1", "2"}


def test_every_failure_is_named_and_none_is_but_a_forged_graphs():
    for kind in ASKED:
        assert not fuzz.failed(FOUND[kind])
        for failure in FOUND[kind]["failures"]:
            assert f"- {kind} {failure['case']} (forged): {failure['ended']}." in PAGE


def test_machine_versions_limits_and_formats_are_those_of_the_run():
    assert f"{FOUND['date']}, commit {FOUND['commit']}, seed {FOUND['seed']}, {FOUND['machine']}" in " ".join(PAGE.split())
    for package, version in FOUND["versions"].items():
        assert f"{package} {version}" in " ".join(PAGE.split())
    assert f"{FOUND['memory_gb']} GB of address space" in " ".join(PAGE.split())
    assert f"More than {FOUND['limit_s']:.0f} s" in PAGE
    assert f"{len(FOUND['formats'])} formats" in PAGE
    assert f"{FOUND['bundles']['forged']:,} of these are *forged*" in PAGE


def test_the_command_is_the_programs_own_and_what_the_page_points_to_exists():
    (command,) = re.search(r"```sh\n(.*?)```", PAGE, re.S)[1].splitlines()
    assert command in fuzz.__doc__
    assert [link for link in re.findall(r"\]\((\.\./[^)#]+)\)", PAGE) if not (ROOT / "docs" / link).exists()] == []
    for name in re.findall(r"\btest_\w+\.py", PAGE):
        assert list((ROOT / "tests").rglob(name)), name


@pytest.mark.parametrize("name", ["pictures", "bundles", "csvs", "clips"])
def test_the_page_names_each_option_that_there_is(name):
    assert f"--{name} {ASKED[name]}" in PAGE
