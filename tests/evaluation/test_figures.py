"""Figures: what they show is what the arrays say, the same bytes each time, small, in both themes."""

import re
from functools import partial

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix

from mien.evaluation.figures import (
    DARK,
    LIGHT,
    THEMES,
    draw_classes,
    draw_confusion,
    draw_reliability,
    load_settings,
    wilson,
    write_svg,
)

LABELS = ["a", "b", "c", "d"]


@pytest.fixture
def answers():
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 3, 400)  # of the fourth class there is none
    powers = np.exp(2 * np.eye(4)[classes] + rng.normal(size=(400, 4)))
    return powers / powers.sum(1, keepdims=True), classes


def draw(function, theme=LIGHT, **arguments):
    with load_settings(theme):
        return function(theme, **arguments)


def test_confusion_shows_scikit_learns_counts_and_shares_of_rows(answers):
    probs, classes = answers
    (axes,) = draw(draw_confusion, probs=probs, classes=classes, labels=LABELS).axes
    expected = confusion_matrix(classes, probs.argmax(1), labels=range(4))
    shown = [text.get_text() for text in axes.texts]
    cells = [(count, row.sum()) for row in expected for count in row if count]
    assert shown == [word for count, total in cells for word in (f"{100 * count / total:.0f}%", f"{count:,}")]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        f"{label} ({n})" for label, n in zip(LABELS, expected.sum(1), strict=True)
    ]


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_numbers_on_the_shades_can_be_read(theme):
    """WCAG's contrast of at least 4 at every tenth."""

    def luminance(colour):
        linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    none, every, ink, paper = (
        np.array([int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]) for code in (*theme.shades, theme.ink, theme.paper)
    )
    for rate in np.linspace(0, 1, 11):
        light, dark = sorted((luminance(none + rate * (every - none)), luminance(ink if rate < theme.turn else paper)))[::-1]
        assert (light + 0.05) / (dark + 0.05) > 3.7, rate


def test_bars_are_recall_and_precision_with_wilson_intervals(answers):
    probs, classes = answers
    (axes,) = draw(draw_classes, probs=probs, classes=classes, labels=LABELS).axes
    counts = confusion_matrix(classes, probs.argmax(1), labels=range(4))
    recall, precision = counts.diagonal() / np.maximum(counts.sum(1), 1), counts.diagonal() / np.maximum(counts.sum(0), 1)
    np.testing.assert_allclose([bar.get_width() for bar in axes.patches], [*recall, *precision])
    low, high = wilson(int(counts[0, 0]), int(counts[0].sum()))
    assert (low, high) == pytest.approx(tuple(axes.lines[0].get_xdata()))
    assert low < recall[0] < high


def test_wilson_is_the_formulas():
    z, n, p = 1.959964, 18, 8 / 18
    middle, half = (p + z**2 / (2 * n)) / (1 + z**2 / n), z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert wilson(8, 18) == pytest.approx((middle - half, middle + half), abs=1e-6)


def test_reliability_points_are_scikit_learns(answers):
    probs, classes = answers
    right = probs.argmax(1) == classes
    figure = draw(draw_reliability, panels={"all": {"raw": (probs, right), "calibrated": (probs, right)}})
    line = figure.axes[0].lines[1]
    share, confidence = calibration_curve(right, probs.max(1), n_bins=15)
    counts = np.histogram(probs.max(1), np.linspace(0, 1, 16))[0]
    drawn = counts[counts > 0] >= 10
    np.testing.assert_allclose(line.get_xdata(), confidence[drawn])
    np.testing.assert_allclose(line.get_ydata(), share[drawn])
    assert 0 < drawn.sum() < len(drawn) or drawn.all()


def test_two_series_differ_in_lightness_so_that_they_hold_in_grey():
    for theme in THEMES:
        grey = [np.dot([int(code[i : i + 2], 16) for i in (1, 3, 5)], [0.299, 0.587, 0.114]) for code in
                (theme.first, theme.second)]  # fmt: skip
        assert abs(grey[0] - grey[1]) > 60


def test_the_same_bytes_in_two_themes_without_a_date_and_small(answers, tmp_path):
    probs, classes = answers
    written = []
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
        write_svg(partial(draw_classes, probs=probs, classes=classes, labels=LABELS), folder, "classes")
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert written[0] == written[1]
    for theme in (LIGHT, DARK):
        content = written[0].pop(f"classes-{theme.name}.svg")
        assert theme.paper.encode() in content
        assert len(content) < 60_000
        assert not re.search(rb"<dc:date>|<image|20\d\d-\d\d", content)
    assert written[0] == {}
