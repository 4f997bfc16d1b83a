"""The guide's command lines, as they stand, in a folder that holds what they name."""

import json
import re
from pathlib import Path

import pytest
from class_folders import copy_photos, draw_pictures
from tests.inference.graphs import write_onnx

from mien.data.folder import NUMBERINGS, read_folder
from mien.emotions import FER2013_EMOTIONS

ROOT = Path(__file__).parents[2]
GUIDE, _, _ = (ROOT / "docs" / "own-data.md").read_text(encoding="utf-8").partition("## Train on your faces")
LINES = [line.split("  #")[0].strip() for block in re.findall(r"```sh\n(.*?)```", GUIDE, re.S) for line in block.splitlines()]
OURS = [line for line in LINES if line.split()[1] in ("evaluate", "calibrate", "predict")]


def test_the_guides_lines_run_in_their_order(mien, tmp_path, golden, monkeypatch):
    monkeypatch.chdir(tmp_path)
    copy_photos(golden, tmp_path / "photos")
    for name in ("faces", "more-faces"):
        draw_pictures(tmp_path / name, 13)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "my-net").mkdir()
    write_onnx(tmp_path / "my-net" / "net.onnx", [None, 64, 64, 1], 7, [1, 64, 64, 1])
    (contract,) = re.findall(r"```json\n(.*?)```", GUIDE, re.S)
    (tmp_path / "my-net" / "model.json").write_text(contract.replace("false", "true"))  # a product, as it is, gives logits
    assert len(OURS) == 8
    for line in OURS:
        code, text, said = mien(*line.split()[1:])
        assert (code, bool(text)) == (0, True), f"{line}: {said}"


def test_the_guides_contract_is_fer2013s(tmp_path):
    (contract,) = re.findall(r"```json\n(.*?)```", GUIDE, re.S)
    assert json.loads(contract)["labels"] == list(FER2013_EMOTIONS)


@pytest.mark.parametrize("numbering", NUMBERINGS)
def test_the_guides_numbers_are_the_codes(tmp_path, numbering):
    (row,) = re.findall(rf"\| `{numbering}` \| (.*?) \|", GUIDE)
    stated = dict(pair.split() for pair in row.split(", "))
    draw_pictures(tmp_path / "numbers", 1, tuple(stated))
    found = read_folder(tmp_path / "numbers", numbering)
    assert {name.split("/")[0]: emotion for name, emotion in zip(found.names, found.emotions, strict=True)} == stated


def test_the_guides_words_are_known(tmp_path):
    text = GUIDE.split("Names count in any case:")[1].split("So the folders")[0]
    words = [word for code in re.findall(r"`(.*?)`", text) for word in code.split()]
    assert len(words) > 10
    draw_pictures(tmp_path / "words", 1, tuple(words))
    assert len(read_folder(tmp_path / "words").paths) == len(words)
