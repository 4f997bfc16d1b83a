"""Scatters and curves: marks and lines stand where their numbers are, and no name covers another."""

from itertools import combinations

import numpy as np
import pytest

from mien.evaluation.comparisons import AGAIN, EQUAL, MIEN, PEER, PUBLISHED, Mark, apart, draw_curves, draw_scatter
from mien.evaluation.figures import LIGHT, load_settings

MARKS = [
    Mark("mien", MIEN, 150_368, 0.885, 0.874, 0.896),
    Mark("slim", EQUAL, 150_368, 0.85, 0.838, 0.862),
    Mark("swift", EQUAL, 145_832, 0.848, 0.836, 0.86),
    Mark("compact", EQUAL, 171_137, 0.845, 0.833, 0.857),
    Mark("compact", AGAIN, 171_137, 0.871, 0.859, 0.883),
    Mark("compact", PUBLISHED, 171_137, 0.8704, 0.858, 0.882),
    Mark("vgg13, 5 of 20 epochs", EQUAL, 8_757_704, 0.80, 0.786, 0.814),
    Mark("shcnn, 5 of 20 epochs", EQUAL, 8_711_988, 0.799, 0.785, 0.813),
    Mark("shcnn", PUBLISHED, 8_711_988, 0.8654),
    Mark("fer 25.10.3", PEER, 58_423, 0.671, 0.655, 0.687),
    Mark("mini-Xception", PEER, 58_423, 0.675, 0.658, 0.691),
]


@pytest.fixture(scope="module")
def axes():
    with load_settings(LIGHT):
        figure = draw_scatter(LIGHT, MARKS, "parameters", 0.78)
    figure.canvas.draw()
    return figure.axes[0]


def test_marks_and_intervals_stand_where_their_numbers_are(axes):
    drawn = [line for line in axes.lines if line.get_label() in (MIEN, AGAIN, EQUAL, PUBLISHED, PEER)]
    points = {(x, y) for line in drawn for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)}
    assert points == {(mark.x, mark.accuracy) for mark in MARKS}
    hollow = {line.get_label() for line in drawn if line.get_markerfacecolor() == LIGHT.paper}
    assert hollow == {PUBLISHED, PEER}
    intervals = {(line.get_xdata()[0], *line.get_ydata()) for line in axes.lines if line.get_label().startswith("_")}
    assert intervals >= {(mark.x, mark.low, mark.high) for mark in MARKS if mark.low}


def test_every_name_is_there_once_and_covers_no_other_name_and_no_mark(axes):
    from matplotlib.text import Text

    names = [text for text in axes.texts if text.get_text() != "one held-out rater"]
    assert sorted(text.get_text() for text in names) == sorted(mark.name for mark in MARKS)
    boxes = [Text.get_window_extent(text) for text in axes.texts]
    assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    places = axes.transData.transform([(mark.x, mark.accuracy) for mark in MARKS])
    assert not [box for box in boxes for place in places if box.contains(*place)]


def test_apart_moves_no_more_than_it_must():
    np.testing.assert_allclose(apart([0, 1, 5], 1), [0, 1, 5])
    np.testing.assert_allclose(apart([1, 1, 1], 2), [-1, 1, 3])
    assert np.diff(apart([0, 0.1, 0.2, 3, 3], 1)) == pytest.approx([1, 1, 1.4, 1])


def test_curves_are_the_histories(axes):
    history = [{"epoch": k, "loss": 2 / k, "valid_loss": 1.8 / k, "valid_accuracy": 1 - 0.5 / k} for k in range(1, 41)]
    with load_settings(LIGHT):
        figure = draw_curves(LIGHT, [("mien", [history, history[:30]]), ("other", [history])], with_training=True)
    left, right = figure.axes
    assert [len(line.get_xdata()) for line in right.lines] == [40, 30, 40]
    np.testing.assert_allclose(right.lines[0].get_ydata(), [entry["valid_accuracy"] for entry in history])
    np.testing.assert_allclose(left.lines[1].get_ydata(), [entry["loss"] for entry in history])
    assert [text.get_text() for text in right.texts] == ["mien", "other"]
    looks = {(line.get_color(), line.get_linestyle()) for line in right.lines}
    assert len(looks) == 2


def test_long_curves_are_thinned_and_keep_both_ends():
    history = [{"epoch": k, "loss": 1.0, "valid_loss": 1.0, "valid_accuracy": 0.5} for k in range(1, 301)]
    with load_settings(LIGHT):
        line = draw_curves(LIGHT, [("mien", [history])], with_training=False).axes[1].lines[0]
    assert len(line.get_xdata()) == 60
    assert (line.get_xdata()[0], line.get_xdata()[-1]) == (1, 300)
