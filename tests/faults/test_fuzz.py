"""benchmarks/fuzz.py: it covers all formats, its files follow from their numbers, and it notices what it is there to notice."""

import io
import random
import re
from pathlib import Path

import pytest
from benchmarks import fuzz
from benchmarks.hostile import clips, is_forged, make_bundle, make_clip, make_picture, make_tables, mutate, structure
from benchmarks.small_pictures import pictures
from PIL import Image

from mien.inference.weights import FILES, load_bundle
from mien.media.video import open_video

ROOT = Path(__file__).parents[2]
ALIKE = {"MPO": {"JPEG", "MPO"}, "XVTHUMB": {"XVThumb"}}
"""A format by its own name, and what Pillow calls it."""


@pytest.mark.filterwarnings("ignore")
def test_each_format_that_pillow_reads_is_there_and_is_what_it_is_called():
    Image.init()
    found = {name: Image.open(io.BytesIO(content)).format for name, content in pictures().items()}
    assert {name: form for name, form in found.items() if form not in ALIKE.get(name.split()[0], {name.split()[0]})} == {}
    assert {name.split()[0] for name in found} >= set(Image.OPEN)


def test_clips_of_many_kinds_are_whole_before_they_are_damaged(tmp_path):
    assert len(clips()) >= 15
    for name, content in clips().items():
        (tmp_path / name).write_bytes(content)
        with open_video(tmp_path / name) as video:
            assert sum(1 for _ in video) == 8, name


@pytest.mark.parametrize("make", [make_bundle, make_tables, make_clip])
def test_the_same_number_makes_the_same_files_and_another_others(tmp_path, make):
    made = {}
    for place, number in (("first", 8), ("again", 8), ("other", 10)):
        make(0, number, tmp_path / place)
        made[place] = {path.name: path.read_bytes() for path in (tmp_path / place).iterdir()}
    assert made["first"] == made["again"] != made["other"]
    assert make_picture(0, 5) == make_picture(0, 5)
    assert make_picture(0, 5)[1] != make_picture(1, 5)[1]


def test_a_change_is_where_it_should_be():
    data = bytes(range(1, 256)) * 20 + bytes(40) + bytes(range(1, 256)) * 20
    spots = structure(data)
    assert 5090 < spots.min() < spots.max() < 5150
    for number in range(50):
        assert len(mutate(data, random.Random(number), b"donor", spots)) <= len(data) + 16 * 64


def test_a_forged_graph_passes_its_checksum_and_another_does_not(tmp_path):
    forged = next(number for number in range(0, 99, 2) if is_forged(0, number))
    honest = next(number for number in range(0, 99, 2) if not is_forged(0, number))
    engine = make_bundle(0, forged, tmp_path / "forged")
    assert load_bundle(tmp_path / "forged").path(engine).name == FILES[engine]
    engine = make_bundle(0, honest, tmp_path / "honest")
    with pytest.raises(fuzz.MienError, match="sha256 is"):
        load_bundle(tmp_path / "honest").path(engine)


@pytest.mark.slow
def test_crashes_hangs_strange_errors_and_hunger_are_noticed_and_the_rest_goes_on(monkeypatch):
    monkeypatch.setattr(fuzz, "LIMIT_S", 1.0)
    ended = [how for how, _ in fuzz.run("itself", 0, 7)]
    assert ended[0] == ended[6] == "read"
    assert ended[1] == "ends the process (-11)"
    assert re.fullmatch(r"ValueError in trials\.py, line \d+: planted", ended[2])
    assert ended[3] == "hangs"
    assert ended[4].startswith("MemoryError in trials.py")
    assert ended[5] == "refused"


def test_a_forged_graphs_crash_alone_is_let_pass():
    crash = {"case": 2, "ended": "ends the process (-11)"}
    assert not fuzz.failed({"failures": [{**crash, "forged": True}]})
    assert fuzz.failed({"failures": [crash]})
    assert fuzz.failed({"failures": [{"case": 2, "ended": "ValueError in x.py, line 1: y", "forged": True}]})
    assert not fuzz.failed({"failures": []})
