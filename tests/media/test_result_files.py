"""A file cut at any byte gives its finished frames and no other, and goes on to the same bytes as one without a break."""

import csv
import json
import os
import signal
import subprocess
import sys
from collections import deque
from dataclasses import replace
from pathlib import Path

import pytest

from mien import EMOTIONS, Box, Face, Result
from mien.errors import DataError, UsageError, VideoError
from mien.media.result_files import ResultFile, growing_path, left_results
from mien.media.result_reader import read_results

PROBS = dict(zip(EMOTIONS, (0.05, 0.75, 0.1, 0.05, 0.02, 0.01, 0.01, 0.01), strict=True))
SMOOTHED = dict(zip(EMOTIONS, (1 / 3, 0.75 - 1 / 3, 0.1, 0.05, 0.02, 0.01, 0.01, 0.01), strict=True))
FACE = Face(Box(210, 64, 120, 121), 0.98, PROBS, "happiness", 0.75, False, 1, SMOOTHED)
OTHER = replace(FACE, box=Box(-3, 0, 40, 40), ambiguous=True, track=2, smoothed=None, emotion="fear")
FACES = [(FACE, OTHER), (), (FACE,), (FACE, OTHER, replace(OTHER, track=None)), (OTHER,), ()]
FRAMES = [
    Result('a "clip",\nof two\rlines ü.mp4', 640, 480, faces, {"name": "mien", "sha256": "ab"}, i, i / 29.97)
    for i, faces in enumerate(FACES)
]
FAILED = Result("clip.mp4", 0, 0, error="the decoder gave up,\nreally")


def write(path, format_, results=FRAMES, keep=0):
    with ResultFile(path, format_, keep) as out:
        for result in results:
            out.write(result)
    return path


def bare(results):
    """What a CSV or Parquet file holds of them."""
    return [replace(result, width=0, height=0, model={}) for result in results]


def bytes_until_sure(path, format_, n):
    """From how many bytes on the first n frames are known to be whole: a CSV's with faces by the next frame's first row."""
    follows = [replace(FRAMES[n], faces=FRAMES[n].faces[:1])] if format_ == "csv" and FRAMES[n - 1].faces else []
    return len(write(path, format_, FRAMES[:n] + follows).read_bytes())


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_cut_at_any_byte_it_goes_on_without_a_frame_lost_or_doubled(tmp_path, format_):
    path, whole = tmp_path / "out", write(tmp_path / "out", format_).read_bytes()
    sure = [bytes_until_sure(path, format_, n) for n in range(1, 7)]
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        left = list(left_results(path, format_))
        assert left == (bare(FRAMES) if format_ == "csv" else FRAMES)[: sum(end <= cut for end in sure)], cut
        write(path, format_, FRAMES[len(left) :], keep=len(left))
        assert path.read_bytes() == whole, cut


@pytest.mark.parametrize("format_", ["csv", "jsonl", "parquet"])
def test_keep_leaves_the_first_frames(tmp_path, format_):
    whole = write(tmp_path / f"whole.{format_}", format_)
    for keep in range(5):
        path = write(tmp_path / f"some.{format_}", format_)
        write(path, format_, FRAMES[keep:], keep=keep)
        assert read_results(path).equals(read_results(whole))
        with ResultFile(path, format_, keep) as out:
            assert out.frames == keep


@pytest.mark.parametrize("format_", ["csv", "jsonl", "parquet"])
def test_every_frame_is_there_when_write_returns(tmp_path, format_):
    path = tmp_path / f"out.{format_}"
    out = ResultFile(path, format_)
    for n, result in enumerate(FRAMES, 1):
        out.write(result)
        text = growing_path(path, format_).read_text(encoding="utf-8")
        if format_ == "csv":
            numbers = [row["frame"] for row in csv.DictReader(text.split("\n"))]
            assert numbers[-1] == str(n - 1)
        else:
            assert [json.loads(line) for line in text.splitlines()] == [done.to_dict() for done in FRAMES[:n]]


def test_a_killed_process_leaves_all_frames_that_it_has_reported(tmp_path):
    path, out = tmp_path / "out.csv", tmp_path / "reported"
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from dataclasses import replace
from test_result_files import FRAMES, Path, ResultFile
file = ResultFile(Path({str(path)!r}), "csv")
for i in range(100_000):
    file.write(replace(FRAMES[0], frame=i))
    print(i, flush=True)
"""
    with out.open("wb") as stdout, subprocess.Popen([sys.executable, "-c", code], stdout=stdout) as process:
        while not out.stat().st_size:
            assert process.poll() is None
        process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    reported = int(out.read_bytes().split(b"\n")[-2])
    left = [result.frame for result in left_results(path, "csv")]
    assert left == list(range(len(left)))
    assert len(left) >= reported  # the last one reported is there, too, but cannot be told from an unfinished one
    assert read_results(path)["frame"].max() >= reported


def test_parquet_grows_as_json_lines_that_a_kill_leaves(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "out.parquet"
    killed = ResultFile(path, "parquet")
    for result in FRAMES[:4]:
        killed.write(result)
    partial = tmp_path / "out.partial.jsonl"
    assert (partial.exists(), path.exists()) == (True, False)
    with partial.open("ab") as file:
        file.write(b'{"schema": 1, "sou')
    assert list(left_results(path, "parquet")) == FRAMES[:4]
    write(path, "parquet", FRAMES[4:], keep=4)
    assert [file.name for file in tmp_path.iterdir()] == ["out.parquet"]
    assert list(left_results(path, "parquet")) == bare(FRAMES)


def test_parquet_is_read_by_pyarrow_in_groups(tmp_path, monkeypatch):
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr("mien.media.parquet.ROWS", 4)
    table = parquet.ParquetFile(write(tmp_path / "out.parquet", "parquet"))
    rows = table.read().to_pylist()
    assert [row["frame"] for row in rows] == [0, 0, 1, 2, 3, 3, 3, 4, 5]
    assert [row["track"] for row in rows] == [1, 2, None, 1, 1, 2, None, 2, None]
    assert (rows[0]["smoothed_neutral"], rows[1]["smoothed_neutral"], rows[1]["ambiguous"]) == (1 / 3, None, True)
    assert table.num_row_groups == 3


@pytest.mark.parametrize("format_", ["csv", "jsonl", "parquet"])
def test_a_full_disk_keeps_the_finished_frames(tmp_path, format_):
    """The kernel's own limit of a file's size stands in for the disk: it too takes a part of what is written."""
    resource = pytest.importorskip("resource")
    path = tmp_path / f"out.{format_}"
    growing = growing_path(path, format_)
    limit = write(tmp_path / "whole", growing.suffix[1:]).stat().st_size * 3 // 4
    out = ResultFile(path, format_)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(VideoError, match=r"cannot be written any more \(.+\); make room\. .* first \d+ frames"):
            deque(map(out.write, FRAMES), maxlen=0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    out.close()
    assert 0 < out.frames < 6
    assert growing.read_bytes() == write(tmp_path / "kept", growing.suffix[1:], FRAMES[: out.frames]).read_bytes()


def test_a_disk_too_full_for_the_parquet_file_keeps_the_json_lines(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    path = tmp_path / "out.parquet"
    out = ResultFile(path, "parquet")
    for result in FRAMES:
        out.write(result)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mien.files.os.fsync", full)
    with pytest.raises(VideoError, match=r"No space left.*partial\.jsonl holds the first 6 frames; --resume goes on"):
        out.close()
    assert list(left_results(path, "parquet")) == FRAMES


def test_an_interrupt_in_the_middle_of_a_frame_takes_it_back(tmp_path):
    out = ResultFile(tmp_path / "out.csv", "csv")
    out.write(FRAMES[0])
    file = out._file

    class Interrupted:
        def write(self, data):
            file.write(data[:10])
            raise KeyboardInterrupt

        def __getattr__(self, name):
            return getattr(file, name)

    out._file = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        out.write(FRAMES[1])
    out.close()
    kept = (tmp_path / "out.csv").read_bytes()
    assert kept == write(tmp_path / "first.csv", "csv", FRAMES[:1]).read_bytes()


@pytest.mark.parametrize("format_", ["csv", "jsonl", "parquet"])
def test_nothing_yet_is_no_frames_and_a_valid_file(tmp_path, format_):
    path = tmp_path / f"out.{format_}"
    assert list(left_results(path, format_)) == []
    write(path, format_, [])
    assert list(left_results(path, format_)) == []
    assert len(read_results(path)) == 0
    with pytest.raises(UsageError, match="fewer than 1 frames are left"):
        ResultFile(path, format_, keep=1)


@pytest.mark.parametrize("format_", ["csv", "jsonl", "parquet"])
def test_what_cannot_be_opened(tmp_path, format_):
    with pytest.raises(UsageError, match="cannot be written"):
        ResultFile(tmp_path / "nowhere" / "out", format_)


def test_an_unknown_format():
    with pytest.raises(UsageError, match="csv, jsonl, parquet"):
        ResultFile(Path("x"), "json")


def test_without_pyarrow_it_is_named_before_the_work_starts(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match="pip install pyarrow"):
        ResultFile(tmp_path / "out.parquet", "parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not os.path.exists(os.devnull), reason="no null device")
def test_a_device_may_be_written():
    write(Path(os.devnull), "csv")


@pytest.mark.parametrize(
    ("format_", "text"),
    [
        ("csv", "name,age\nx,1\n"),
        ("csv", ONLY_PICTURES := "source,frame,time_s,face,track,x,y,width,height,score,emotion,confidence,ambiguous,"
         + ",".join(EMOTIONS) + ",error\n"),
        ("jsonl", '{"frame": 3}\n'),
        ("jsonl", "words\n"),
        ("parquet", "words"),
    ],
)  # fmt: skip
def test_another_file_is_not_gone_on_with(tmp_path, format_, text):
    (tmp_path / "out").write_text(text)
    with pytest.raises(DataError, match=r"no result file of mien|has no column"):
        list(left_results(tmp_path / "out", format_))
