"""The picture of a network: complete, legible, and the same each time."""

import xml.etree.ElementTree as ET
from itertools import combinations
from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.transforms import Bbox
from PIL import Image

from mien.models import MODELS, build_model
from mien.models.drawing import INK, PAPER, draw_architecture, write_figure
from mien.models.structure import list_stages


@pytest.fixture(scope="module", params=MODELS)
def drawn(request: pytest.FixtureRequest) -> tuple[str, Figure]:
    return request.param, draw_architecture(request.param, build_model(request.param))


def boxes(figure: Figure) -> list[tuple[str, Bbox]]:
    renderer = FigureCanvasAgg(figure).get_renderer()
    return [(text.get_text(), text.get_window_extent(renderer)) for text in figure.axes[0].texts if text.get_text()]


def test_words_stand_clear_of_each_other_and_of_the_edge(drawn: tuple[str, Figure]) -> None:
    _, figure = drawn
    for (first, one), (second, other) in combinations(boxes(figure), 2):
        assert not one.overlaps(other), f"{first!r} over {second!r}"
    for text, box in boxes(figure):
        assert figure.bbox.x0 < box.x0, text
        assert box.x1 < figure.bbox.x1, text


def test_each_stage_and_each_shortcut_is_there(drawn: tuple[str, Figure]) -> None:
    name, figure = drawn
    stages, words = list_stages(build_model(name)), [text for text, _ in boxes(figure)]
    for stage in stages:
        assert stage.name in words
        assert "×".join(map(str, stage.shape)) in words
        assert f"{stage.parameters:,}" in words
    joints = [patch for patch in figure.axes[0].patches if isinstance(patch, Circle)]
    assert len(joints) == sum(stage.shortcut is not None for stage in stages)


def test_words_are_large_enough_for_a_printed_page(drawn: tuple[str, Figure]) -> None:
    """At least 5 points where the picture is scaled to a text 7 inches wide."""
    _, figure = drawn
    smallest = min(text.get_fontsize() for text in figure.axes[0].texts)
    assert smallest * min(1, 7 / figure.get_figwidth()) >= 5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_ink_stands_out_from_the_paper(theme: str) -> None:
    """A contrast of 7 to 1 or more. Source: WCAG 2.2, 1.4.6."""

    def luminance(colour: str) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, shade = sorted((luminance(INK[theme]), luminance(PAPER[theme])), reverse=True)
    assert (light + 0.05) / (shade + 0.05) >= 7


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_the_same_bytes_each_time(suffix: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_figure(draw_architecture("slim", build_model("slim")), tmp_path / f"{name}{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_an_svgs_words_are_words_and_a_dark_page_is_dark(tmp_path: Path) -> None:
    write_figure(draw_architecture("slim", build_model("slim"), dark=True), tmp_path / "slim.svg")
    root = ET.parse(tmp_path / "slim.svg").getroot()
    words = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "150,368 parameters, 15.1 M multiply-adds, receptive field 97 px" in words
    write_figure(draw_architecture("slim", build_model("slim"), dark=True), tmp_path / "slim.png")
    assert Image.open(tmp_path / "slim.png").convert("RGB").getpixel((2, 2)) == (0x0D, 0x11, 0x17)
