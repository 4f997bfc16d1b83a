"""`mien bench`, by the Makefile's own words but for fewer rounds."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from mien import Recognizer
from mien.cli import bench
from mien.inference.weights import load_bundle

ROOT = Path(__file__).parents[2]
WORDS = re.search(r"bin/mien (bench.*)", (ROOT / "Makefile").read_text())


def test_the_makefiles_command_measures_like_with_like(mien, monkeypatch):
    engines = []

    def watch(recognizers, rounds):
        engines.extend(r.predict(np.zeros((9, 9), np.uint8), boxes=[]).model["sha256"] for r in recognizers.values())
        return time_crops(recognizers, rounds)

    time_crops = bench.time_crops
    monkeypatch.setattr(bench, "time_crops", watch)
    monkeypatch.chdir(ROOT)
    assert WORDS
    more = "--rounds 3 --format json --engine litert-int8 --against mien"
    code, text, said = mien(*WORDS[1].split(), *more.split())
    assert (code, said) == (0, "")
    report = json.loads(text)
    assert engines == [load_bundle("mien").sha256("litert-int8")] * 2
    assert report["model"] == {"name": "mien", "engine": "litert-int8", "sha256": engines[0]}
    assert all(0 < t["low"] <= t["median"] <= t["high"] and t["n"] == 3 for t in report["times_ms"].values())
    times_ms = {name: t["median"] for name, t in report["times_ms"].items()}
    assert report["ratios"] == pytest.approx({
        "networks' share of the photo": times_ms["its two networks"] / times_ms["photo 640x480"],
        "fresh mien predict / bare networks": times_ms["fresh mien predict"] / times_ms["fresh bare networks"],
        "import mien, ms": times_ms["fresh import mien"] - times_ms["fresh Python"],
        "one face, time / mien": times_ms["one face"] / times_ms["one face (mien)"],
        "64 faces, throughput / mien": times_ms["64 faces (mien)"] / times_ms["64 faces"],
    })  # fmt: skip


@pytest.mark.parametrize(("engine", "file"), [("litert", "model.tflite"), ("litert-int8", "model.int8.tflite")])
def test_the_networks_alone_are_those_of_the_engine(engine, file):
    detector, network = bench.network_paths(Recognizer("mien", engine=engine), engine)
    assert (detector.name, network.name) == ("full_range.tflite", file)


def test_an_engine_that_the_bare_networks_do_not_have_is_refused(mien):
    code, text, said = mien("bench", ROOT / "examples" / "astronaut.jpg", "--engine", "onnx")
    assert (code, text, said) == (2, "", "mien: unknown engine 'onnx'. Known: litert, litert-int8.\n")


def test_a_photo_without_a_face_is_refused(mien):
    code, _, said = mien("bench", ROOT / "tests" / "golden" / "pictures" / "no-face.jpg", "--rounds", 3)
    assert (code, said) == (2, "mien: the photo shows 0 faces at 640x480; bench needs one with exactly one face.\n")
