"""The outward schema, word for word as docs/contract.md lays it down."""

import dataclasses
import json
import sys

import pytest

from mien import EMOTIONS, Box, Face, Result
from mien.errors import UsageError
from mien.media.table import CSV_COLUMNS, VIDEO_COLUMNS, from_rows, to_frame, to_rows
from mien.results import percent

PROBS = dict(zip(EMOTIONS, (0.05, 0.75, 0.1, 0.05, 0.02, 0.01, 0.01, 0.01), strict=True))
FACE = Face(Box(210, 64, 120, 121), 0.98, PROBS, "happiness", 0.75, False)
RESULT = Result("photo.jpg", 640, 480, (FACE,), {"name": "mien", "sha256": "ab"})

CONTRACT = """
{"schema": 1, "source": "photo.jpg", "frame": 0, "time_s": 0.0, "width": 640, "height": 480,
 "model": {"name": "mien", "sha256": "ab"},
 "faces": [{"box": {"x": 210, "y": 64, "width": 120, "height": 121}, "score": 0.98, "track": null,
            "emotion": "happiness", "confidence": 0.75, "ambiguous": false,
            "probs": {"neutral": 0.05, "happiness": 0.75, "surprise": 0.1, "sadness": 0.05, "anger": 0.02,
                      "disgust": 0.01, "fear": 0.01, "contempt": 0.01}, "smoothed": null}],
 "error": null}
"""
COLUMNS = (
    "source,frame,time_s,face,track,x,y,width,height,score,emotion,confidence,ambiguous,"
    "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,"
    "smoothed_neutral,smoothed_happiness,smoothed_surprise,smoothed_sadness,smoothed_anger,smoothed_disgust,"
    "smoothed_fear,smoothed_contempt,error"
)
SMOOTHED = dict(zip(EMOTIONS, (0.1, 0.7, 0.1, 0.05, 0.02, 0.01, 0.01, 0.01), strict=True))
SEEN = dataclasses.replace(FACE, track=4, ambiguous=True, smoothed=SMOOTHED)


def test_a_result_is_the_contracts_json_key_for_key_and_in_its_order():
    assert json.dumps(RESULT.to_dict()) == json.dumps(json.loads(CONTRACT))


def test_no_face_and_an_unreadable_picture():
    assert Result("a.jpg", 9, 8).to_dict()["faces"] == []
    failed = Result("a.jpg", 0, 0, error="no such file").to_dict()
    assert (failed["faces"], failed["error"], list(failed)) == ([], "no such file", list(json.loads(CONTRACT)))


def test_a_stream_adds_its_frame_time_track_and_smoothing():
    smoothed = dict.fromkeys(EMOTIONS, 0.125)
    face = dataclasses.replace(FACE, track=7, smoothed=smoothed)
    found = dataclasses.replace(RESULT, faces=(face,), frame=3, time_s=0.1).to_dict()
    assert (found["frame"], found["time_s"]) == (3, 0.1)
    assert (found["faces"][0]["track"], found["faces"][0]["smoothed"]) == (7, smoothed)


@pytest.mark.parametrize("value", [RESULT, FACE, FACE.box], ids=lambda value: type(value).__name__)
def test_frozen(value):
    for field in dataclasses.fields(value):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field.name, None)


def test_changing_a_dict_changes_no_result():
    found = RESULT.to_dict()
    found["faces"][0]["probs"]["neutral"] = found["model"]["name"] = "changed"
    assert RESULT.to_dict() == json.loads(CONTRACT)


def test_a_row_a_face():
    first, second = to_rows(dataclasses.replace(RESULT, faces=(FACE, SEEN)))
    assert tuple(first) == tuple(second) == VIDEO_COLUMNS == tuple(COLUMNS.split(","))
    seen = [210, 64, 120, 121, 0.98, "happiness", 0.75]
    assert list(first.values()) == ["photo.jpg", 0, 0.0, 0, None, *seen, False, *PROBS.values(), *[None] * 8, None]
    assert list(second.values()) == ["photo.jpg", 0, 0.0, 1, 4, *seen, True, *PROBS.values(), *SMOOTHED.values(), None]


def test_pictures_have_no_smoothed_columns():
    assert ",".join(CSV_COLUMNS) == COLUMNS[: COLUMNS.index("smoothed")] + "error"


@pytest.mark.parametrize("error", [None, "cut off"])
def test_a_picture_without_faces_has_its_row(error):
    (row,) = to_rows(Result("a.jpg", 0, 0, frame=5, time_s=0.2, error=error))
    assert {key: value for key, value in row.items() if value is not None} == {"source": "a.jpg", "frame": 5, "time_s": 0.2} | (
        {"error": error} if error else {}
    )
    assert tuple(row) == VIDEO_COLUMNS


FEW = [
    Result("clip.mp4", 640, 480, (SEEN, FACE), {"name": "mien"}, 3, 0.1),
    Result("clip.mp4", 640, 480, (), {"name": "mien"}, 4, 0.13),
    Result("clip.mp4", 0, 0, error="cut off"),
]


@pytest.mark.parametrize("result", FEW)
def test_a_result_comes_back_from_its_json_and_from_its_rows(result):
    assert Result.from_dict(json.loads(json.dumps(result.to_dict()))) == result
    assert from_rows(to_rows(result)) == dataclasses.replace(result, width=0, height=0, model={})


@pytest.mark.parametrize(
    "change",
    [{"schema": 2}, {"faces": None}, {"faces": [{"box": {"x": 1}}]}, {"more": 1}, {"faces": [{**FACE.to_dict(), "box": 3}]}],
    ids=str,
)
def test_what_is_no_result_is_refused(change):
    with pytest.raises((LookupError, TypeError, ValueError)):
        Result.from_dict({**RESULT.to_dict(), **change})


def test_a_frame_gets_all_rows_and_the_same_types_whatever_they_are():
    pandas = pytest.importorskip("pandas")
    frame, blank = to_frame(FEW), to_frame([])
    assert list(frame.columns) == list(blank.columns) == COLUMNS.split(",")
    assert dict(frame.dtypes) == dict(blank.dtypes)
    assert frame["track"].tolist() == [4, pandas.NA, pandas.NA, pandas.NA]
    assert frame["ambiguous"].tolist() == [True, False, pandas.NA, pandas.NA]
    assert frame["error"].tolist() == [pandas.NA] * 3 + ["cut off"]
    assert frame["smoothed_happiness"].sum() == 0.7
    assert frame.groupby("emotion")["happiness"].mean().to_dict() == {"happiness": 0.75}


def test_polars_gets_the_same():
    polars = pytest.importorskip("polars")
    frame = to_frame(FEW, "polars")
    assert frame.columns == COLUMNS.split(",")
    assert frame["track"].to_list() == [4, None, None, None]
    assert frame["ambiguous"].to_list() == [True, False, None, None]
    assert frame.schema == to_frame([], "polars").schema
    assert (frame.schema["track"], frame.schema["smoothed_fear"]) == (polars.Int64, polars.Float64)


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("piece", [1, 2, 3, 4])
def test_a_frame_is_the_same_in_pieces(monkeypatch, library, piece):
    pytest.importorskip(library)
    whole = to_frame(FEW, library)
    monkeypatch.setattr("mien.media.table.PIECE", piece)
    assert to_frame(FEW, library).equals(whole)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_missing_library_is_named(monkeypatch, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UsageError, match=f"{library} is not installed: pip install {library}"):
        to_frame(FEW, library)


def test_an_unknown_library_is_refused():
    with pytest.raises(UsageError, match="pandas, polars"):
        to_frame(FEW, "panda")


def test_a_notebook_shows_a_table_with_a_bar_an_emotion() -> None:
    """Read back by an HTML parser: rows, labels, and bars as long as the probabilities."""
    from xml.etree import ElementTree

    probs = dict.fromkeys(EMOTIONS, 0.0) | {"happiness": 0.75, "fear": 0.25}
    face = Face(Box(1, 2, 30, 40), 0.9, probs, "happiness", 0.75, True)
    table = ElementTree.fromstring(Result("<a & b>.jpg", 640, 480, (face, face))._repr_html_())
    assert table.findtext("caption") == "<a & b>.jpg, 640 × 480 px"
    header, first, second = table.findall("tr")
    assert [cell.text for cell in header] == ["face", "box", "expression", *EMOTIONS]
    assert [cell.text for cell in first][:3] == ["0", "30 × 40 at 1, 2", "happiness 75% / fear 25%"]
    widths = [float(cell.find("div").get("style").split("width:")[1].removesuffix("em")) for cell in second[3:]]
    assert [w / 4 for w in widths] == list(probs.values())
    assert "no face" in Result("a.jpg", 1, 1)._repr_html_()
    assert Result("a.jpg", 0, 0, error="is <empty>.")._repr_html_() == "<p>a.jpg, 0 × 0 px: is &lt;empty&gt;.</p>"


@pytest.mark.parametrize(
    ("p", "whole", "tenths"),
    [
        (1.0, ">99%", ">99.9%"), (0.9999988, ">99%", ">99.9%"), (0.996, ">99%", "99.6%"), (0.99, "99%", "99.0%"),
        (0.93, "93%", "93.0%"), (0.004, "<1%", "0.4%"), (1e-6, "<1%", "<0.1%"), (0.0, "0%", "0.0%"),
    ],
)  # fmt: skip
def test_no_probability_is_shown_as_certain(p, whole, tenths):
    assert (percent(p), percent(p, 1)) == (whole, tenths)


def test_what_a_notebook_shows_of_a_nearly_certain_face_is_escaped():
    probs = dict.fromkeys(EMOTIONS, 1e-6) | {"fear": 0.999993}
    shown = Result("a.jpg", 9, 9, (Face(Box(0, 0, 9, 9), 1, probs, "fear", 0.999993, False),))._repr_html_()
    assert "fear &gt;99%" in shown
    assert shown.count('title="&lt;0.1%"') == 7
