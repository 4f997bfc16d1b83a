"""Killed at any moment, a second start ends with exactly one result per picture; and what OUT may not be."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
from runs_here import MODEL, Here, job_of, score_here

from mien.batch.run import prepare, run
from mien.batch.store import read_store
from mien.batch.work import Counts
from mien.errors import DataError, UsageError


def sources(out: Path) -> list[str]:
    return sorted(row["source"] for row in parquet.read_table(out).to_pylist())


def test_a_run_that_is_stopped_is_gone_on_with(album, tmp_path, guard):
    out, job = tmp_path / "out", job_of(album, size=1)
    _, store = prepare(job, out)
    with pytest.raises(KeyboardInterrupt):
        list(run(job, store, Here(guard, most=2)))
    first = {path: path.stat().st_mtime_ns for path in out.glob("*.parquet")}
    assert len(first) == 2
    rest = Here(guard)
    list(run(*prepare(job, out), rest))
    assert rest.scored == 2
    assert sources(out) == sorted(f"{album}/{name}" for name in ("b.jpg", "broken.png", "c.jpg", "deeper/a.JPG"))
    assert {path: path.stat().st_mtime_ns for path in first} == first


def wound_no_line(out: Path) -> None:
    """Killed after a part's file and before its line."""
    path = out / "_done.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(True)[:-1]))


def wound_half_line(out: Path) -> None:
    path = out / "_done.jsonl"
    path.write_bytes(path.read_bytes()[:-7])


def wound_no_file(out: Path) -> None:
    (out / "part-00000001.parquet").unlink()


def wound_partial(out: Path) -> None:
    wound_no_file(out)
    (out / ".part-00000001.parquet.77.partial").write_bytes(b"half")


def wound_no_facts(out: Path) -> None:
    """Killed between the plan and what says that there is one."""
    shutil.rmtree(out)
    out.mkdir()
    (out / "_plan.jsonl").write_text("{}")
    (out / "._mien.json.77.partial").write_text("{")


@pytest.mark.parametrize("wound", [wound_no_line, wound_half_line, wound_no_file, wound_partial, wound_no_facts])
def test_whatever_a_kill_leaves_is_mended(album, tmp_path, guard, wound):
    out, job = tmp_path / "out", job_of(album, size=1)
    before = parquet.read_table(score_here(job, out, guard).folder)
    wound(out)
    store = score_here(job, out, guard)
    assert parquet.read_table(out).equals(before)
    assert sum(store.done().values(), Counts()) == Counts(4, 2, 1)
    assert len(parquet.read_table(out)) == 4
    assert not list(out.glob(".*"))


def test_what_the_source_becomes_meanwhile_changes_nothing_that_was_planned(album, tmp_path, guard):
    out, job = tmp_path / "out", job_of(album, size=1)
    prepare(job, out)
    shutil.copy(album / "b.jpg", album / "aa.jpg")
    (album / "c.jpg").unlink()
    score_here(job, out, guard)
    rows = {row["source"]: row["error"] for row in parquet.read_table(out).to_pylist()}
    assert len(rows) == 4
    assert rows[f"{album}/c.jpg"] == "no such file; check the path."


def test_a_part_that_comes_twice_counts_once(album, tmp_path, guard):
    job, store = prepare(job_of(album, size=2), tmp_path / "out")
    here = Here(guard)
    found = list(run(job, store, lambda job, plan, pending: [part for part in here(job, plan, pending) for _ in range(2)]))
    assert sum(found, Counts()) == Counts(4, 2, 1)
    assert len((tmp_path / "out" / "_done.jsonl").read_text().splitlines()) == 2


def test_out_that_holds_another_run(album, tmp_path, guard):
    out = tmp_path / "out"
    store = score_here(job_of(album), out, guard)
    other = job_of(album)
    for change, says in (
        ({"source": job_of(album / "deeper").source}, "source"),
        ({"model": {**MODEL, "sha256": "0"}}, "model"),
        ({"options": {"model": "mien", "threshold": 0.9}}, "options"),
        ({"whole_image": True}, "options"),
    ):
        with pytest.raises(UsageError, match=f"holds a run with {says}"):
            prepare(type(other)(**{**vars(other), **change}), out)
    assert read_store(out).facts == store.facts


def test_the_same_source_from_another_folder_is_the_same_run(album, tmp_path, guard):
    score_here(job_of("album", base=tmp_path), tmp_path / "out", guard)
    again = score_here(job_of("../album", base=album), tmp_path / "out", guard)
    assert again.facts["name"] == "album"


def test_out_with_other_files_and_out_that_is_none(album, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.parquet").touch()
    for out, says in ((tmp_path / "out", "mine.parquet, which is of no run"), (album / "notes.txt", "cannot be made")):
        with pytest.raises(UsageError, match=says):
            prepare(job_of(album), out)


def test_one_run_at_a_time(album, tmp_path):
    _, store = prepare(job_of(album), tmp_path / "out")
    with store.writer(), pytest.raises(UsageError, match="another run is writing"), store.writer():
        pass


def test_a_source_without_pictures_leaves_no_run(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no pictures"):
        prepare(job_of(tmp_path / "empty"), tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_facts_that_cannot_be_read(album, tmp_path):
    prepare(job_of(album), tmp_path / "out")
    for text in ("{", "[]", "null", json.dumps({"schema": 99, "parts": 1})):
        (tmp_path / "out" / "_mien.json").write_text(text)
        with pytest.raises(DataError, match=r"_mien.json: cannot be used"):
            prepare(job_of(album), tmp_path / "out")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 100 kB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", place], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("needs to mount a small file system")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk_stops_the_run_and_keeps_what_is_done(album, small_disk, guard):
    out, job = small_disk / "out", job_of(album, size=1)
    _, store = prepare(job, out)
    (small_disk / "ballast").write_bytes(os.urandom(70_000))
    with pytest.raises(DataError, match=r"No space left on device.*what is done is kept"):
        list(run(job, store, Here(guard)))
    done = len(store.done())
    assert 1 <= done < 4
    assert len(list(out.glob("*.parquet"))) == done
    (small_disk / "ballast").unlink()
    score_here(job, out, guard)
    assert len(sources(out)) == 4
