"""The outward schema, word for word as docs/contract.md lays it down."""

import dataclasses
import json
import sys
import types

import pytest

from mien import EMOTIONS, Box, Face, Result
from mien.results import CSV_COLUMNS, to_frame, to_rows

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
    "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,error"
)


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
    two = dataclasses.replace(RESULT, faces=(FACE, dataclasses.replace(FACE, track=4, ambiguous=True)))
    first, second = to_rows(two)
    assert tuple(first) == CSV_COLUMNS == tuple(COLUMNS.split(","))
    assert [first[key] for key in COLUMNS.split(",")] == [
        "photo.jpg", 0, 0.0, 0, "", 210, 64, 120, 121, 0.98, "happiness", 0.75, "false", *PROBS.values(), ""]  # fmt: skip
    assert (second["face"], second["track"], second["ambiguous"]) == (1, 4, "true")


@pytest.mark.parametrize("error", [None, "cut off"])
def test_a_picture_without_faces_has_its_row(error):
    (row,) = to_rows(Result("a.jpg", 0, 0, frame=5, time_s=0.2, error=error))
    assert {key: value for key, value in row.items() if value != ""} == {"source": "a.jpg", "frame": 5, "time_s": 0.2} | (
        {"error": error} if error else {}
    )
    assert tuple(row) == CSV_COLUMNS


def test_a_frame_gets_all_rows(monkeypatch):
    """With pandas where there is one, else with a stand-in for the one call."""
    stand_in = types.SimpleNamespace(DataFrame=lambda rows, columns: types.SimpleNamespace(rows=rows, columns=columns))
    try:
        import pandas  # noqa: F401
    except ModuleNotFoundError:
        monkeypatch.setitem(sys.modules, "pandas", stand_in)
    frame = to_frame([RESULT, Result("b.jpg", 1, 1)])
    rows = frame.rows if hasattr(frame, "rows") else frame.to_dict("records")
    assert list(frame.columns) == COLUMNS.split(",")
    assert [(row["source"], row["emotion"]) for row in rows] == [("photo.jpg", "happiness"), ("b.jpg", "")]
