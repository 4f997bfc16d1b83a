"""Sampling and fitting, by hand."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image
from tests.media.clips import read

from mien.errors import VideoError
from mien.media.frames import Sampler, fitted
from mien.media.video import open_video


def picked(fps, rate, times):
    sampler = Sampler(fps, rate)
    return [i for i, time_s in enumerate(times) if sampler.wants(time_s)]


def test_what_is_picked():
    times = [i / 30 for i in range(31)]
    assert picked(None, Fraction(30), times) == list(range(31))
    assert picked(10, Fraction(30), times) == list(range(0, 31, 3))
    assert picked(1, Fraction(30), times) == [0, 30]
    assert picked(10, None, [0, 0.05, 0.11, 0.12, 0.35, 0.36]) == [0, 2, 4]  # nobody knows the rate: the first from k / fps on
    assert picked(2, Fraction(1), [0, 1, 2]) == [0, 1, 2]


def test_over_a_day_nothing_drifts():
    rate = Fraction(30000, 1001)
    times = [float(i / rate) for i in range(0, 24 * 3600 * 30, 1000)]
    assert picked(rate, rate, times) == list(range(len(times)))


def test_counts_for_progress():
    assert Sampler(None, None).count(2.0, 50) == 50
    assert Sampler(10, Fraction(25)).count(2.0, 50) == 20
    assert Sampler(100, Fraction(25)).count(2.0, 50) == 50
    assert Sampler(10, None).count(None, None) is None


def test_fitting_keeps_the_shape_in_the_middle_of_black():
    wide = np.full((10, 40, 3), 200, np.uint8)
    shown = fitted(wide, 20, 20)
    assert shown.shape == (20, 20, 3)
    np.testing.assert_array_equal(shown[:, 10, 0], [0] * 7 + [200] * 5 + [0] * 8)
    assert fitted(wide, 40, 10) is wide


# --- a folder of pictures


def save(folder, name, value, size=(20, 10)):
    Image.new("RGB", size, (value, value, value)).save(folder / name)


def test_a_folder_of_pictures_in_their_natural_order(tmp_path):
    for i in (1, 2, 9, 10, 11, 100):
        save(tmp_path, f"shot{i}.png", i)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.png").write_text("no picture")
    (tmp_path / "film.mpg").write_text("no picture")
    frames, lost, error = read(tmp_path, rate=4)
    assert [int(frame.pixels[0, 0, 0]) for frame in frames] == [1, 2, 9, 10, 11, 100]
    assert [frame.time_s for frame in frames] == [0, 0.25, 0.5, 0.75, 1, 1.25]
    assert (lost, error) == ([], None)
    with open_video(tmp_path, rate=Fraction(30000, 1001)) as video:
        facts = video.facts
        assert (facts.width, facts.height, facts.rate, facts.count) == (20, 10, Fraction(30000, 1001), 6)
        assert next(video).time_s == 0
        assert next(video).time_s == pytest.approx(1001 / 30000)


def test_names_that_mix_numbers_and_words(tmp_path):
    for i, name in enumerate(["2.png", "10.png", "a.png", "a2b1.png", "a2b10.png", "a10.png", "b.png"]):
        save(tmp_path, name, i)
    assert [int(frame.pixels[0, 0, 0]) for frame in read(tmp_path)[0]] == list(range(7))


def test_digits_of_other_scripts_are_text(tmp_path):
    for i, name in enumerate(["2.png", "a1.png", "\N{FULLWIDTH DIGIT ONE}.png", "\N{FULLWIDTH DIGIT TWO}.png"]):
        save(tmp_path, name, i)
    assert [int(frame.pixels[0, 0, 0]) for frame in read(tmp_path)[0]] == list(range(4))


def test_pictures_that_cannot_be_read_keep_their_number(tmp_path):
    for i in range(6):
        save(tmp_path, f"{i}.png", 10 * i, (20, 10) if i < 4 else (10, 10))
    (tmp_path / "2.png").write_bytes(b"broken")
    frames, lost, error = read(tmp_path, rate=10)
    assert [frame.index for frame in frames] == [0, 1, 3, 4, 5]
    assert {frame.pixels.shape for frame in frames} == {(10, 20, 3)}
    assert [(entry.time_s, "not a picture" in entry.why) for entry in lost] == [(0.2, True)]
    assert error is None
    assert [frame.index for frame in read(tmp_path, rate=10, fps=5)[0]] == [0, 4]


def test_folders_without_pictures(tmp_path):
    with pytest.raises(VideoError, match="holds no pictures"):
        open_video(tmp_path)
    (tmp_path / "1.png").write_bytes(b"broken")
    with pytest.raises(VideoError, match=r"none of its pictures can be read: .*1\.png"):
        open_video(tmp_path)
