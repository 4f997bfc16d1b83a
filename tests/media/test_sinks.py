"""Every format is read back by a parser that is not ours."""

import csv
import io
import json
from dataclasses import replace

import pytest

from mien import EMOTIONS, Box, Face, Result
from mien.media.sinks import SINKS, VIDEO_SINKS

NAMES = ["photo.jpg", 'a, "quoted" name.jpg', "two\nlines.jpg", "re\rturn.jpg", "grüße 😀👩‍🚀.png", "-", "\\back\\slash;=1+1"]
PROBS = dict(zip(EMOTIONS, (0.41, 0.38, 0.1, 0.05, 0.02, 0.02, 0.01, 0.01), strict=True))
FACE = Face(Box(1, 2, 30, 40), 0.75, PROBS, "neutral", 0.41, True)
FEW = [Result(name, 64, 48, (FACE,) * (i % 3), {"name": "mien"}) for i, name in enumerate(NAMES)]
FAILED = Result("b,\n.jpg", 0, 0, error='is no "picture", at all\nreally')


def write(name, results, sinks=SINKS):
    out = io.StringIO(newline="")
    sink = sinks[name](out)
    for result in results:
        sink.write(result)
    sink.close()
    return out.getvalue()


@pytest.mark.parametrize("results", [[], FEW[:1], [*FEW, FAILED]], ids=["none", "one", "many"])
def test_json_is_one_array_and_jsonl_an_object_a_line(results):
    wanted = [result.to_dict() for result in results]
    assert json.loads(write("json", results)) == wanted
    lines = write("jsonl", results).split("\n")
    assert [json.loads(line) for line in lines[:-1]] == wanted
    assert lines[-1] == ""


def test_csv_is_read_back_by_another_parser():
    rows = list(csv.DictReader(io.StringIO(write("csv", [*FEW, FAILED]), newline=""), strict=True))
    faces = [(result, i) for result in [*FEW, FAILED] for i in range(max(len(result.faces), 1))]
    assert [row["source"] for row in rows] == [result.source for result, _ in faces]
    assert rows[-1]["error"] == FAILED.error
    for row, (result, i) in zip(rows, faces, strict=True):
        assert None not in row
        assert row["face"] == (str(i) if result.faces else "")
        assert [row[name] for name in EMOTIONS] == [str(p) if result.faces else "" for p in PROBS.values()]


def test_csv_of_nothing_is_its_header():
    assert write("csv", []).startswith("source,frame,time_s,face,")
    assert write("csv", []).count("\n") == 1


def test_a_videos_csv_has_the_smoothed_columns_before_the_error():
    smoothed = {name: p / 2 for name, p in PROBS.items()}
    results = [Result("clip.mp4", 64, 48, (FACE, replace(FACE, smoothed=smoothed)), frame=3, time_s=0.12), FAILED]
    plain, smooth, failed = csv.DictReader(io.StringIO(write("csv", results, VIDEO_SINKS), newline=""), strict=True)
    header = list(csv.DictReader(io.StringIO(write("csv", []))).fieldnames)
    assert list(plain) == [*header[:-1], *(f"smoothed_{name}" for name in EMOTIONS), "error"]
    assert [smooth[f"smoothed_{name}"] for name in EMOTIONS] == [str(p) for p in smoothed.values()]
    assert {plain[f"smoothed_{name}"] for name in EMOTIONS} == {failed[f"smoothed_{name}"] for name in EMOTIONS} == {""}
    assert [row["ambiguous"] for row in (plain, smooth, failed)] == ["true", "true", ""]
    assert (smooth["frame"], smooth["time_s"], failed["error"]) == ("3", "0.12", FAILED.error)


def test_text_is_a_line_a_picture_and_bars_for_its_faces():
    lines = write("text", [FEW[1], FAILED, FEW[0]]).splitlines()
    assert lines[0] == 'a, "quoted" name.jpg: 1 face'
    assert lines[1] == "  face 0  30x40 at 1,2  neutral 41% / happiness 38%  (ambiguous)"
    assert [line.split()[0] for line in lines[2:10]] == [
        "neutral",
        "happiness",
        "surprise",
        "sadness",
        "anger",
        "disgust",
        "fear",
        "contempt",
    ]
    assert [line.count("█") for line in lines[2:10]] == [12, 11, 3, 2, 1, 1, 0, 0]
    assert lines[10:] == ['b,\\n.jpg: is no "picture", at all\\nreally', "photo.jpg: 0 faces"]


def test_text_never_says_that_a_face_is_certain():
    probs = dict.fromkeys(EMOTIONS, 1e-6) | {"fear": 0.999993}
    lines = write("text", [Result("a.jpg", 9, 9, (Face(Box(0, 0, 9, 9), 1, probs, "fear", 0.999993, False),))]).splitlines()
    assert lines[1] == "  face 0  9x9 at 0,0  fear >99%"
    assert [line.split()[1] for line in lines[2:]] == [">99.9%"] + ["<0.1%"] * 7
    assert {line.index("%") for line in lines[2:]} == {20}


def test_text_shows_a_name_that_would_steer_the_terminal():
    assert write("text", [Result("\x1b[2J\udcff\x07.png", 1, 1)]) == "\\x1b[2J\\udcff\\x07.png: 0 faces\n"


@pytest.mark.parametrize("name", ["jsonl", "csv", "text"])
def test_a_result_is_there_as_soon_as_it_is_written(tmp_path, name):
    with (tmp_path / "out").open("w", encoding="utf-8", newline="") as out:
        SINKS[name](out).write(FEW[1])
        assert "quoted" in (tmp_path / "out").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SINKS)
def test_close_leaves_the_stream_open(name):
    out = io.StringIO()
    SINKS[name](out).close()
    assert not out.closed
