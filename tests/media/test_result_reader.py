"""The same results give the same frame from every format, and what is torn off or foreign is told apart."""

import io
import sys
from dataclasses import replace

import pytest

import mien
from mien import EMOTIONS, Box, Face, Result
from mien.errors import DataError, UsageError
from mien.media.parquet import write_parquet
from mien.media.result_reader import read_results
from mien.media.sinks import SINKS, VIDEO_SINKS
from mien.media.table import to_frame

PROBS = dict(zip(EMOTIONS, (0.05, 0.75, 0.1, 0.05, 0.02, 0.01, 0.01, 0.01), strict=True))
FACE = Face(Box(210, 64, 120, 121), 0.98, PROBS, "happiness", 0.75, False)
SEEN = replace(FACE, track=3, smoothed={name: p / 3 for name, p in PROBS.items()}, ambiguous=True)
PICTURES = [
    Result('a,\n"b" ü.jpg', 64, 48, (FACE, FACE)),
    Result("b.jpg", 64, 48),
    Result("\udcff.jpg", 0, 0, error="cut\roff"),
]
VIDEO = [Result("clip.mp4", 64, 48, faces, {}, i, i / 29.97) for i, faces in enumerate([(SEEN, FACE), (), (SEEN,)])]


def write(folder, suffix, results, sinks=SINKS):
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
        write_parquet(folder / "out.parquet", results)
    else:
        text = io.StringIO(newline="")
        sink = sinks[suffix](text)
        for result in results:
            sink.write(result)
        sink.close()
        (folder / f"out.{suffix}").write_bytes(text.getvalue().encode("utf-8", "backslashreplace"))
    return folder / f"out.{suffix}"


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize(
    ("suffix", "results", "sinks"),
    [
        *[(suffix, PICTURES, SINKS) for suffix in ("csv", "jsonl", "json", "parquet")],
        *[(suffix, VIDEO, VIDEO_SINKS) for suffix in ("csv", "jsonl", "parquet")],
        *[(suffix, [], SINKS) for suffix in ("csv", "jsonl", "json", "parquet")],
    ],
)
def test_every_format_gives_the_frame_of_the_results_themselves(tmp_path, library, suffix, results, sinks):
    pytest.importorskip(library)
    found, wanted = read_results(write(tmp_path, suffix, results, sinks), library), to_frame(results, library)
    assert found.equals(wanted)
    if library == "pandas":
        assert dict(found.dtypes) == dict(wanted.dtypes)
    else:
        assert found.schema == wanted.schema


def test_what_a_reader_gets(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = mien.read_results(str(write(tmp_path, "csv", VIDEO, VIDEO_SINKS)))
    assert frame["frame"].tolist() == [0, 0, 1, 2]
    assert frame["track"].tolist() == [3, pandas.NA, pandas.NA, 3]
    assert frame["ambiguous"].tolist() == [True, False, pandas.NA, True]
    assert frame["time_s"].tolist() == [0, 0, 1 / 29.97, 2 / 29.97]
    assert frame["smoothed_happiness"].dropna().tolist() == [0.25, 0.25]
    assert str(frame["track"].dtype) == str(frame["face"].dtype) == "Int64"
    assert frame[frame["emotion"] == "happiness"].groupby("track")["happiness"].mean().to_dict() == {3: 0.75}


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_torn_last_line_is_left_out(tmp_path, suffix):
    path = write(tmp_path, suffix, VIDEO, VIDEO_SINKS)
    whole, text = read_results(path), path.read_bytes()
    for cut in range(text.rindex(b"\n", 0, -1) + 1, len(text), 9):
        path.write_bytes(text[:cut])
        assert read_results(path).equals(whole[:-1])


def test_a_csv_that_another_program_has_saved(tmp_path):
    path = write(tmp_path, "csv", VIDEO, VIDEO_SINKS)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_results(path).equals(to_frame(VIDEO))


@pytest.mark.parametrize(
    ("suffix", "text"),
    [("csv", "a,b\n1,2\n"), ("jsonl", '{"schema": 9}\n'), ("jsonl", "3\n"), ("json", "[3]"), ("json", "[{"), ("parquet", "x")],
)
def test_another_file_is_named(tmp_path, suffix, text):
    (tmp_path / f"out.{suffix}").write_text(text)
    with pytest.raises(DataError, match=rf"out\.{suffix}: (is no result file|has no column)"):
        read_results(tmp_path / f"out.{suffix}")


def test_a_broken_line_in_the_middle_is_no_torn_one(tmp_path):
    path = write(tmp_path, "csv", VIDEO, VIDEO_SINKS)
    path.write_text(path.read_text().replace("clip.mp4,1,", "clip.mp4,1x,"))
    with pytest.raises(DataError, match="1x"):
        read_results(path)


def test_what_is_not_there_or_has_another_name(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_results(tmp_path / "out.csv")
    with pytest.raises(UsageError, match=r"\.csv, \.jsonl, \.json, \.parquet"):
        read_results(tmp_path / "out.xlsx")


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "out.parquet").write_bytes(b"")
    with pytest.raises(UsageError, match="pip install pyarrow"):
        read_results(tmp_path / "out.parquet")
