"""docs/phone.md: the example page is the one that is tested, and what is stated of the bundle holds."""

import json
import re
from pathlib import Path

from mien.emotions import EMOTIONS
from mien.inference.crop import FRAME, TURN_FROM_DEG

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "phone.md").read_text(encoding="utf-8")
MODEL = json.loads((ROOT / "src" / "mien" / "weights" / "mien" / "model.json").read_text(encoding="utf-8"))


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.S)


def test_the_example_page_is_the_tested_one():
    assert blocks("html") == [(ROOT / "web" / "example.html").read_text(encoding="utf-8").rstrip() + "\n"]


def test_the_lists_in_kotlin_and_swift_are_the_networks_labels():
    for language in ("kotlin", "swift"):
        (block,) = blocks(language)
        (names,) = re.findall(r"\[?listOf\((.*?)\)|let emotions = \[(.*?)\]", block)[:1]
        assert re.findall(r'"(\w+)"', "".join(names)) == MODEL["labels"] == list(EMOTIONS)


def test_the_crops_landmarks_and_the_graphs_ends_are_as_stated():
    for name in ("right_eye", "left_eye", "nose", "mouth"):
        assert f"({FRAME[name][0]}, {FRAME[name][1]})" in GUIDE
    assert f"more than {TURN_FROM_DEG:.0f} degrees" in GUIDE
    assert MODEL["input"]["shape"][1:] == [48, 48, 1]
    assert "set_threshold" in MODEL


def test_the_files_that_it_leads_to_are_there():
    for target in re.findall(r"\]\((?!http)([^)#]+)", GUIDE):
        assert (ROOT / "docs" / target).exists(), target
