"""Class folders under the names that data sets give them, and what is no such folder."""

import os
from pathlib import Path

import pytest
from PIL import Image

from mien.data.folder import NUMBERINGS, REFUSED, WORDS, is_class_folder, read_folder
from mien.emotions import EMOTIONS
from mien.errors import DataError, UsageError
from mien.media import images


def plant(folder: Path, *names: str) -> Path:
    """A small picture under each of the names."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4)).save(folder / name)
    return folder


KDEF = {"AF": "fear", "AN": "anger", "DI": "disgust", "HA": "happiness", "NE": "neutral", "SA": "sadness", "SU": "surprise"}
JAFFE = {("FE" if code == "AF" else code): emotion for code, emotion in KDEF.items()}
CKPLUS = {name: name if name != "happy" else "happiness" for name in
          ("anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")}  # fmt: skip
AFFECTNET = {"Neutral": "neutral", "Happy": "happiness", "Sad": "sadness", "Surprise": "surprise", "Fear": "fear",
             "Disgust": "disgust", "Anger": "anger", "Contempt": "contempt"}  # fmt: skip


@pytest.mark.parametrize("names", [KDEF, JAFFE, CKPLUS, AFFECTNET], ids=["KDEF", "JAFFE", "CK+", "AffectNet"])
def test_each_data_sets_names(tmp_path, names):
    found = read_folder(plant(tmp_path, *(f"{name}/1.png" for name in names)))
    assert dict(zip((name.split("/")[0] for name in found.names), found.emotions, strict=True)) == names
    assert is_class_folder(tmp_path)


@pytest.mark.parametrize(
    ("numbering", "numbers"),
    [  # as their papers and read-me files list them
        ("rafdb", {1: "surprise", 2: "fear", 3: "disgust", 4: "happiness", 5: "sadness", 6: "anger", 7: "neutral"}),
        ("affectnet", {0: "neutral", 1: "happiness", 2: "sadness", 3: "surprise", 4: "fear", 5: "disgust", 6: "anger",
                       7: "contempt"}),
        ("ckplus", {0: "neutral", 1: "anger", 2: "contempt", 3: "disgust", 4: "fear", 5: "happiness", 6: "sadness",
                    7: "surprise"}),
        ("fer2013", {0: "anger", 1: "disgust", 2: "fear", 3: "happiness", 4: "sadness", 5: "surprise", 6: "neutral"}),
    ],
)  # fmt: skip
def test_numbers_by_the_numbering_that_is_named(tmp_path, numbering, numbers):
    found = read_folder(plant(tmp_path, *(f"{number}/x.jpg" for number in numbers)), numbering)
    assert dict(zip((int(name.split("/")[0]) for name in found.names), found.emotions, strict=True)) == numbers
    with pytest.raises(UsageError, match="add --classes rafdb, affectnet, ckplus, fer2013"):
        read_folder(tmp_path)


def test_words_and_numberings_name_emotions_alone():
    assert tuple(WORDS) == EMOTIONS
    words = [word for words in WORDS.values() for word in words]
    assert len(words) == len(set(words))
    assert all(set(classes) <= set(EMOTIONS) for classes in NUMBERINGS.values())


def test_order_names_counts_and_what_is_passed_over(tmp_path):
    plant(
        tmp_path, "happy/b.PNG", "happy/deep/a.jpg", "joy/1.webp", "Sad/2.bmp", ".git/x.png", "happy/.hidden.png", "loose.png"
    )
    (tmp_path / "happy" / "labels.txt").write_text("no picture")
    (tmp_path / "notes").mkdir()
    (tmp_path / "happy" / "loop").symlink_to(tmp_path / "happy")
    found = read_folder(tmp_path)
    assert found.names == ("Sad/2.bmp", "happy/b.PNG", "happy/deep/a.jpg", "joy/1.webp")
    assert found.emotions == ("sadness", "happiness", "happiness", "happiness")
    assert found.counts == {"happiness": 3, "sadness": 1}
    assert sorted(found.skipped) == [".git: is hidden", "1 picture outside the class folders", "notes: holds no picture"]


def test_what_is_not_read_is_no_picture(tmp_path):
    plant(tmp_path, "happy/1.png")
    for name in ("a.eps", "b.PS", "c.iim"):
        (tmp_path / "happy" / name).write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n")
    assert read_folder(tmp_path).names == ("happy/1.png",)
    assert images.REFUSED.keys() == REFUSED


def test_the_checksum_follows_names_and_contents(tmp_path):
    first = read_folder(plant(tmp_path, "happy/1.png", "sad/2.png")).sha256
    assert read_folder(tmp_path).sha256 == first
    (tmp_path / "happy" / "1.png").rename(tmp_path / "sad" / "1.png")
    moved = read_folder(tmp_path).sha256
    Image.new("L", (4, 4), 9).save(tmp_path / "sad" / "1.png")
    assert len({first, moved, read_folder(tmp_path).sha256}) == 3


@pytest.mark.parametrize(
    ("names", "numbering", "error", "said"),
    [
        (["happy/1.png", "bored/1.png"], "", DataError, "folder 'bored' names no emotion that mien knows. Known, in any case"),
        (["train/happy/1.png"], "", DataError, "/train."),
        (["0/1.png", "happy/1.png"], "", DataError, "folder '0' names no emotion"),
        (["happy/1.png"], "rafdb", UsageError, "--classes rafdb: is for folders that are all numbers"),
        (["0/1.png", "1/1.png"], "rafdb", DataError, "folder 0 is no class of rafdb, which counts from 1 to 7"),
        (["8/1.png"], "affectnet", DataError, "folder 8 is no class of affectnet, which counts from 0 to 7"),
        (["happy/1.png"], "rafbd", UsageError, "unknown numbering 'rafbd'. Did you mean 'rafdb'?"),
        ([], "", DataError, "holds no picture in a class folder"),
    ],
)  # fmt: skip
def test_what_is_no_class_folder_is_said(tmp_path, names, numbering, error, said):
    with pytest.raises(error) as raised:
        read_folder(plant(tmp_path, *names), numbering)
    assert said in str(raised.value)


@pytest.mark.parametrize("part", ["", "happy", "happy/deep"])
def test_a_folder_that_cannot_be_listed_is_said(tmp_path, monkeypatch, part):
    plant(tmp_path, "happy/1.png", "happy/deep/2.png")
    barred, scandir, listdir = tmp_path / part, os.scandir, os.listdir

    def refuse(real):
        def listed(path="."):
            if Path(path) == barred:
                raise PermissionError(13, "Permission denied", str(path))
            return real(path)

        return listed

    monkeypatch.setattr(os, "scandir", refuse(scandir))
    monkeypatch.setattr(os, "listdir", refuse(listdir))
    with pytest.raises(DataError, match=rf"{barred}: cannot be read \(Permission denied\)"):
        read_folder(tmp_path)


def test_no_folder_is_said_and_is_no_class_folder(tmp_path):
    assert not is_class_folder(tmp_path / "none")
    with pytest.raises(DataError, match="cannot be read"):
        read_folder(tmp_path / "none")


def test_fer2013s_own_folder_is_no_class_folder(folder):
    plant(folder, "happy/1.png")
    assert not is_class_folder(folder)
    (folder / "fer2013.csv").unlink()
    assert is_class_folder(folder)


def test_a_class_folder_is_told_by_what_it_holds(tmp_path):
    (tmp_path / "data" / "empty" / "deep").mkdir(parents=True)
    plant(tmp_path / "data", "loose.png", ".git/1.png", "docs/deep/1.png")
    assert not is_class_folder(tmp_path / "data")
    assert is_class_folder(plant(tmp_path / "strange", "Freude/1.png"))  # read_folder says that it is not known
    assert is_class_folder(plant(tmp_path / "above", "train/Happy/1.png"))  # and where to look
    assert is_class_folder(plant(tmp_path / "numbers", "0/1.png"))
