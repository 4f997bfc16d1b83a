"""A bundle is found by name or folder; what is missing, changed or foreign is one line."""

import hashlib
import json
import os
import shutil

import pytest

from mien import EMOTIONS
from mien.errors import BundleError, UsageError
from mien.inference.weights import FILES, WEIGHTS, bundle_names, load_bundle


@pytest.fixture
def folder(tmp_path):
    """A copy of the shipped bundle, to be spoilt."""
    return shutil.copytree(WEIGHTS / "mien", tmp_path / "copy")


def edit(folder, *without, **changes):
    """Takes keys out of model.json, and changes others."""
    path = folder / "model.json"
    meta = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in meta.items() if key not in without}))


@pytest.mark.parametrize("name", ["mien", "mien-large"])
def test_a_shipped_bundle_is_what_it_says(name):
    bundle = load_bundle(name)
    assert name in bundle_names()
    assert (bundle.name, bundle.labels) == (name, EMOTIONS)
    for engine, file in FILES.items():
        assert bundle.path(engine) == WEIGHTS / name / file
        assert bundle.sha256(engine) == hashlib.sha256((WEIGHTS / name / file).read_bytes()).hexdigest()


def test_a_folder_is_as_good_as_a_name(folder):
    assert load_bundle(folder).meta == load_bundle(str(folder)).meta == load_bundle("mien").meta


@pytest.mark.parametrize(("name", "hint"), [("mein", "Did you mean 'mien'?"), ("zebra", "Known: "), ("/no/such", "Known: ")])
def test_an_unknown_name(name, hint):
    with pytest.raises(UsageError, match="unknown model") as error:
        load_bundle(name)
    assert hint in str(error.value)
    assert ("Did you mean" in str(error.value)) == (name == "mein")


@pytest.mark.parametrize("engine", FILES)
@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b"another"), os.remove], ids=["changed", "missing"])
def test_a_file_that_is_not_the_published_one(folder, engine, spoil):
    spoil(folder / FILES[engine])
    with pytest.raises(BundleError, match=r"(sha256 is .* published as|missing).*fetch the bundle again"):
        load_bundle(folder).path(engine)


def test_a_bundle_without_the_engines_file(folder):
    edit(folder, files={"model.tflite": "0"})
    with pytest.raises(BundleError, match=r"has no model.onnx; choose one of model.tflite"):
        load_bundle(folder).path("onnx")


@pytest.mark.parametrize("text", [None, "", "{", "[1, 2]", "3", '"mien"', "\xff"])
def test_a_folder_that_is_no_bundle(tmp_path, text):
    if text is not None:
        (tmp_path / "model.json").write_text(text, encoding="latin-1")
    with pytest.raises(BundleError, match=r"is not a bundle|lacks name, labels"):
        load_bundle(tmp_path)


def test_a_model_json_that_lacks_a_key_or_names_a_strange_emotion(folder):
    edit(folder, "temperature", labels=["neutral", "boredom"])
    with pytest.raises(BundleError, match="lacks temperature; export it again"):
        load_bundle(folder)
    edit(folder, "input", temperature=1.0)
    with pytest.raises(BundleError, match="lacks input; export it again"):
        load_bundle(folder)
    edit(folder, input={})
    with pytest.raises(BundleError, match="unknown or repeated labels boredom; known: neutral, happiness"):
        load_bundle(folder)


SCORES = {"n": 1, "accuracy": 1, "balanced_accuracy": 0.5, "ece": 0}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema": 99}, "schema 99, expected 1; use the version of mien that wrote it"),
        ({"schema": "1"}, "schema '1', expected 1"),
        ({"labels": None}, "labels: None, expected list"),
        ({"labels": "neutral"}, "labels: 'neutral', expected list"),
        ({"labels": ["neutral", 3]}, "labels: 3, expected str"),
        ({"labels": ["neutral", "neutral"]}, "unknown or repeated labels neutral"),
        ({"files": []}, "files: [], expected dict"),
        ({"input": None}, "input: None, expected dict"),
        ({"files": {"model.tflite": 5}}, "files, model.tflite: 5, expected str"),
        ({"set_threshold": "x"}, "set_threshold: 'x', expected float | int"),
        ({"temperature": None}, "temperature: None, expected float | int"),
        ({"multiply_adds": 1.5}, "multiply_adds: 1.5, expected int"),
        ({"recipe": {}}, "recipe: lacks name, model"),
        ({"commit": 3}, "commit: 3, expected str | None"),
        ({"scores": 3}, "scores: 3, expected dict"),
        ({"scores": {"litert": {}}}, "scores, litert: lacks test"),
        ({"scores": {"litert": {"test": {"published": 0.9}}}}, "scores, litert, test, published: 0.9, expected dict"),
        ({"scores": {"litert": {"test": {"published": SCORES | {"n": "many"}}}}}, "published, n: 'many', expected int"),
    ],
)
def test_a_model_json_of_another_shape_is_one_line_that_says_where(folder, changes, said):
    edit(folder, **changes)
    with pytest.raises(BundleError) as error:
        load_bundle(folder)
    assert str(error.value).startswith(f"{folder}/model.json")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("changes", [{}, {"scores": {}}, {"commit": None}, {"temperature": 1}, {"more": {"later": True}},
                                     {"scores": {"onnx": {"test": {"published": SCORES}}}}])  # fmt: skip
def test_what_may_be_so_or_otherwise(folder, changes):
    edit(folder, **changes)
    assert {key: load_bundle(folder).meta[key] for key in changes} == changes
    edit(folder, "scores")
    assert load_bundle(folder).meta["scores"] == {}
