"""Full disks, homes that take nothing or are not there, another user, and names of all kinds."""

import csv
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
from benchmarks.hostile import drawn_faces
from PIL import Image
from tests.data.planted import csv_text, votes_text
from tests.faults.running import ASTRONAUT, OTHER, mien
from tests.media.clips import scene, write_clip

from mien.data.cache import cached
from mien.files import replaced_file

STRANGE = {
    "a newline": "a\nb.jpg", "emoji": "🙂😡👩‍👩‍👧.jpg", "250 characters": "n" * 246 + ".jpg", "250 bytes": "é" * 123 + ".jpg",
    "no Unicode": "\udcff\udc80.jpg", "an option": "--help.jpg", "blanks": "  .jpg", "right to left": "\u202egpj.jpg",
}  # fmt: skip


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


@pytest.fixture
def open_folder():
    """One that others can read, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_a_full_disk_costs_the_cache_and_leaves_nothing_half(small_disk, monkeypatch):
    monkeypatch.setenv("MIEN_CACHE", str(small_disk))
    for _ in range(2):
        assert len(cached("k" * 40, lambda: {"a": np.arange(100_000)})["a"]) == 100_000
    assert list(small_disk.iterdir()) == []


def test_a_full_disk_leaves_the_old_file(small_disk):
    path = small_disk / "checkpoint.pt"
    path.write_bytes(b"old")

    def replace() -> None:
        with replaced_file(path) as partial:
            partial.write_bytes(bytes(200_000))

    with pytest.raises(OSError, match="No space left"):
        replace()
    assert {path: path.read_bytes() for path in small_disk.iterdir()} == {path: b"old"}


@pytest.mark.slow
def test_pictures_that_a_full_disk_does_not_take_are_a_line_each_and_the_results_are_there(small_disk):
    (small_disk / "ballast").write_bytes(bytes(90_000))
    done = mien("predict", ASTRONAUT, "--format", "jsonl", "--annotate", small_disk / "marked")
    assert done.returncode == 1
    assert len(json.loads(done.stdout)["faces"]) == 1
    (line,) = done.stderr.decode().splitlines()
    assert "astronaut.jpg: cannot be written (No space left on device)." in line


@pytest.mark.slow
def test_a_disk_that_fills_while_a_video_is_written_keeps_what_is_done(small_disk, tmp_path):
    (small_disk / "ballast").write_bytes(bytes(90_000))
    clip = write_clip(tmp_path / "clip.mp4", scene(120))
    done = mien("video", clip, "--out", small_disk / "faces.jsonl")
    assert done.returncode == 1
    assert b"cannot be written any more (No space left on device)" in done.stderr
    lines = (small_disk / "faces.jsonl").read_text().splitlines()
    assert [json.loads(line)["frame"] for line in lines] == list(range(len(lines)))
    assert lines


@pytest.mark.slow
@pytest.mark.parametrize("home", [{}, {"HOME": "/nowhere/at/all"}, {"HOME": "/proc"}, {"HOME": ""}])
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs to become another user")
def test_another_user_without_a_home_gets_the_same_faces(home, tmp_path):
    done = mien("predict", ASTRONAUT, "--format", "json", prefix=OTHER, env=home)
    assert done.returncode == 0
    assert done.stderr == b""
    assert json.loads(done.stdout) == json.loads(mien("predict", ASTRONAUT, "--format", "json").stdout)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs to become another user")
def test_another_user_without_a_home_reads_data_draws_and_is_told_where_he_may_not_write(open_folder):
    (open_folder / "fer2013.csv").write_text(csv_text(drawn_faces()))
    (open_folder / "fer2013new.csv").write_text(votes_text(drawn_faces()))
    done = mien("data", "check", open_folder, prefix=OTHER, env={})
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"4 rows, expected 35,887" in done.stderr
    clip = write_clip(open_folder / "clip.mp4", scene(4))
    barred = mien("video", clip, "--out", open_folder / "faces.csv", prefix=OTHER, env={})
    assert (barred.returncode, barred.stderr.decode().count("\n")) == (2, 1)
    assert b"no permission" in barred.stderr
    (open_folder / "open").mkdir()
    (open_folder / "open").chmod(0o777)
    drawn = mien("video", clip, "--timeline", open_folder / "open" / "timeline.png", prefix=OTHER, env={})
    assert drawn.returncode == 0
    assert Image.open(open_folder / "open" / "timeline.png").width > 100


@pytest.mark.slow
def test_names_of_all_kinds_are_read_written_and_told_in_one_line(tmp_path):
    for name in STRANGE.values():
        shutil.copy(ASTRONAUT, tmp_path / name)
    done = mien("predict", ".", "--format", "json", "--annotate", tmp_path / "marked", cwd=tmp_path)
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert {os.fsencode(result["source"]) for result in found} == {os.fsencode(name) for name in STRANGE.values()}
    assert [len(result["faces"]) for result in found] == [1] * len(STRANGE)
    assert {os.fsencode(name) for name in os.listdir(tmp_path / "marked")} == {*map(os.fsencode, STRANGE.values())}
    assert done.stderr.count(b"\n") == 1
    named = mien("predict", "--format", "csv", "--", *STRANGE.values(), cwd=tmp_path)
    assert len(list(csv.DictReader(named.stdout.decode().splitlines(keepends=True)))) == len(STRANGE)


@pytest.mark.slow
@pytest.mark.parametrize("stem", ["a\nb", "🙂" * 20, "n" * 246], ids=["a newline", "emoji", "250 characters"])
def test_a_videos_files_may_have_such_names_too(tmp_path, stem):
    clip = write_clip(tmp_path / "clip.mp4", scene(4)).rename(tmp_path / f"{stem}.mp4")
    names = {"--out": f"{stem}.csv", "--summary": f"{stem}.json", "--elan": f"{stem}.eaf", "--timeline": f"{stem}.svg"}
    done = mien("video", clip, *(word for pair in names.items() for word in pair), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert {*names.values()} <= {*os.listdir(tmp_path)}
    assert len(list(csv.DictReader((tmp_path / f"{stem}.csv").open(newline="")))) == 4


def test_a_name_that_is_too_long_is_said_in_one_line(tmp_path):
    done = mien("predict", ASTRONAUT, "--out", tmp_path / ("n" * 300))
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.endswith(b"cannot be written (File name too long); choose another file.\n")
    assert Path(tmp_path).exists()
