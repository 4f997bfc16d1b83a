"""Any result: JSON of the contract's schema, the same after every way out and back, and one row a face."""

import csv
import io
import json
import math
import unicodedata
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tests.test_results import CONTRACT

from mien import EMOTIONS, Box, Face, Result
from mien.media.result_reader import READERS
from mien.media.sinks import SINKS, VIDEO_SINKS
from mien.media.table import COLUMNS, CSV_COLUMNS, from_rows, to_rows
from mien.results import as_unicode, label

some = settings(derandomize=True, max_examples=60, deadline=None)
shares = st.floats(0, 1)
nasty = st.lists(st.sampled_from("\r\n\t\0\x85\u2028\",;'\\ =aé🙂\udc80"), min_size=1, max_size=6).map("".join)
names = st.one_of(nasty, st.text(st.characters(codec=None, exclude_categories=()), min_size=1, max_size=12))
counts = st.integers(0, 2**40)
probs = st.lists(st.integers(0, 1000), min_size=8, max_size=8).map(
    lambda parts: dict(zip(EMOTIONS, [part / max(sum(parts), 1) for part in parts], strict=True))
)


@st.composite
def faces(draw, moving=False):
    shown = draw(probs)
    smoothed = draw(st.one_of(st.none(), probs)) if moving else None
    track = draw(st.one_of(st.none(), counts)) if moving else None
    leading = smoothed or shown
    emotion = max(leading, key=leading.__getitem__)
    box = Box(*(draw(counts) for _ in range(4)))
    return Face(box, draw(shares), shown, emotion, leading[emotion], draw(st.booleans()), track, smoothed)


def results(moving=False):
    times = st.floats(0, 1e6) if moving else st.just(0.0)
    read = st.builds(
        Result, names, counts, counts, st.lists(faces(moving), max_size=3).map(tuple),
        st.fixed_dictionaries({"name": names, "sha256": names}), counts if moving else st.just(0), times,
    )  # fmt: skip
    return read if moving else st.one_of(read, st.builds(lambda name, error: Result(name, 0, 0, error=error), names, names))


def shape(value):
    """A JSON schema of what has the keys and kinds of an example; nothing more, nothing less."""
    if isinstance(value, dict):
        return {"type": "object", "properties": {key: shape(item) for key, item in value.items()},
                "required": [*value], "additionalProperties": False}  # fmt: skip
    if isinstance(value, list):
        return {"type": "array", "items": shape(value[0])}
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
    return {"type": kinds[type(value)]} if value is not None else {}


SCHEMA = shape(json.loads(CONTRACT))
SCHEMA["properties"]["model"] = {"type": "object"}
VALIDATOR = Draft202012Validator(SCHEMA)


@some
@given(st.one_of(results(), results(moving=True)))
def test_it_is_json_of_the_contract_and_comes_back(result):
    text = json.dumps(result.to_dict(), allow_nan=False)
    assert [error.message for error in VALIDATOR.iter_errors(json.loads(text))] == []
    assert Result.from_dict(json.loads(text)) == result
    assert list(json.loads(text)) == list(json.loads(CONTRACT))


@some
@given(st.one_of(results(), results(moving=True)))
def test_rows_are_one_a_face_and_come_back_but_for_size_and_model(result):
    rows = to_rows(result)
    assert [row["face"] for row in rows] == ([*range(len(result.faces))] or [None])
    assert all(list(row) == list(COLUMNS) for row in rows)
    error = None if result.error is None else as_unicode(result.error)
    assert from_rows(rows) == replace(result, source=as_unicode(result.source), width=0, height=0, model={}, error=error)


def written(sink, found):
    text = io.StringIO(newline="")
    out = sink(text)
    for result in found:
        out.write(result)
    out.close()
    return text.getvalue()


@some
@given(st.lists(results(), min_size=1, max_size=3), st.sampled_from(["csv", "jsonl", "json"]))
def test_a_file_of_results_reads_back_as_their_rows(tmp_path_factory, found, form):
    path = tmp_path_factory.mktemp("rows") / f"out.{form}"
    path.write_bytes(written(SINKS[form], found).encode("utf-8", "backslashreplace"))
    read = list(READERS[f".{form}"](path))
    wanted = [row for result in found for row in to_rows(result)]
    assert [plain(row) for row in read] == [plain(row) for row in wanted]


def plain(row):
    """Without what an empty cell leaves open, and with texts as they are in a file."""
    return {
        name: as_unicode(value) if isinstance(value, str) else value for name, value in row.items() if value not in (None, "")
    }


@some
@given(st.lists(results(), min_size=1, max_size=3))
def test_csv_is_any_readers_and_text_a_line_a_picture_and_face(found):
    table = list(csv.reader(io.StringIO(written(SINKS["csv"], found), newline="")))
    assert table[0] == list(CSV_COLUMNS)
    assert len(table) == 1 + sum(max(len(result.faces), 1) for result in found)
    lines = written(SINKS["text"], found).splitlines()
    assert len(lines) == len(found) + sum(len(result.faces) * 9 for result in found)
    assert not [line for line in lines for sign in line if unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp")]


@some
@given(faces(moving=True))
def test_a_label_names_the_faces_emotion_and_a_second_where_it_is_ambiguous(face):
    words = label(face).split(" / ")
    assert len(words) == 1 + face.ambiguous
    shown = face.smoothed or face.probs
    assert math.isclose(shown[words[0].split()[0]], max(shown.values()))


@some
@given(st.lists(results(moving=True), min_size=1, max_size=3))
def test_json_lines_of_a_video_are_one_a_frame(found):
    lines = written(VIDEO_SINKS["jsonl"], found).split("\n")
    assert lines.pop() == ""
    assert [Result.from_dict(json.loads(line)) for line in lines] == found
