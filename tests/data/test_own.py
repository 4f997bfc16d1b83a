"""One's own faces: which part each goes to, whatever stands beside it, and what is too little to learn from."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.data.dataset import SPLITS, Dataset
from mien.data.folder import read_folder
from mien.data.own import OwnFaces, check_counts, deal_out, part_of
from mien.emotions import EMOTIONS
from mien.errors import DataError, UsageError


def plant(folder: Path, n: int = 40, *, words: tuple[str, ...] = ("sad", "Happy"), seed: int = 0) -> Path:
    """n pictures of noise in each class folder."""
    draw = np.random.default_rng(seed)
    for word in words:
        (folder / word).mkdir(parents=True, exist_ok=True)
        for i in range(n):
            Image.fromarray(draw.integers(0, 256, (48, 48), np.uint8)).save(folder / word / f"{seed}-{i:03}.png")
    return folder


def deal(folder: Path, *, without: tuple[str, ...] = (), cropped: bool = True) -> OwnFaces:
    """Each picture is its own face, but those that are `without` one."""
    pictures = read_folder(folder)
    pairs = zip(pictures.names, pictures.paths, strict=True)
    return deal_out(pictures, {name: np.asarray(Image.open(path)) for name, path in pairs if name not in without}, cropped)


def parts_of(own: OwnFaces) -> dict[bytes, str]:
    """Face's pixels -> the split that it is in; each face in one."""
    found = {name: [image.tobytes() for image in own.split(name).images] for name in SPLITS}
    assert sum(map(len, found.values())) == len(own.images)
    return {image: name for name, images in found.items() for image in images}


@pytest.mark.parametrize(
    ("start", "part"),  # the first byte of 256: 0.7 of it is 179.2 = b3.33, 0.85 is 217.6 = d9.99
    [("00", "train"), ("b32f", "train"), ("b334", "valid"), ("d999", "valid"), ("d99a", "test"), ("ff", "test")],
)
def test_shares_are_counted_on_the_digest(start, part):
    assert SPLITS[part_of(start.ljust(64, "0"))] == part


def test_of_many_pictures_70_15_and_15_per_cent():
    parts = np.array([part_of(hashlib.sha256(bytes([i % 256, i // 256])).hexdigest()) for i in range(20_000)])
    for part, share in enumerate((0.70, 0.15, 0.15)):
        assert np.mean(parts == part) == pytest.approx(share, abs=4 * (share * (1 - share) / 20_000) ** 0.5)


def test_a_picture_keeps_its_part_whatever_is_added_removed_or_renamed(tmp_path):
    before = parts_of(deal(plant(tmp_path / "faces")))
    plant(tmp_path / "faces", 40, words=("sad", "joy", "fear"), seed=1)
    for path in sorted((tmp_path / "faces" / "Happy").iterdir())[:5]:
        path.rename(path.with_name(f"z-{path.name}"))
    removed = sorted((tmp_path / "faces" / "sad").iterdir())[0]
    gone = np.asarray(Image.open(removed)).tobytes()
    removed.unlink()
    after = parts_of(deal(tmp_path / "faces"))
    assert len(after) == 80 - 1 + 120
    assert {image: after[image] for image in before if image != gone} == {i: p for i, p in before.items() if i != gone}


def test_copies_of_a_file_stand_on_one_side(tmp_path):
    plant(tmp_path / "faces")
    shutil.copytree(tmp_path / "faces" / "sad", tmp_path / "faces" / "Happy" / "copies")
    own = deal(tmp_path / "faces")
    assert len(own.images) == 120
    assert len(parts_of(own)) == 80  # each of 80 contents has one part


def test_every_label_mode_is_the_folders_label(tmp_path):
    own = deal(plant(tmp_path / "faces"))
    assert own.labels == own.emotions("distribution") == ("happiness", "sadness")  # EMOTIONS' order, not the alphabet's
    happy = {np.asarray(Image.open(path)).tobytes() for path in (tmp_path / "faces" / "Happy").iterdir()}
    for mode in ("majority", "distribution", "sampled", "multi_target"):
        split = own.split("train", mode)
        expected = [[1, 0] if image.tobytes() in happy else [0, 1] for image in split.images]
        assert split.targets.tolist() == expected
        assert split.targets.dtype == np.float32
    for asked in (own.split, lambda name, mode: own.emotions(mode)):
        with pytest.raises(UsageError, match="labels = 'fer2013': are FER2013's own, which faces in class folders do not have"):
            asked("train", "fer2013")
    with pytest.raises(UsageError, match=r"unknown split 'tests'\. Did you mean 'test'"):
        own.split("tests")
    with pytest.raises(UsageError, match=r"unknown label mode 'majorty'\. Did you mean 'majority'"):
        own.split("train", "majorty")


def test_what_a_run_says_of_them(tmp_path):
    plant(tmp_path / "faces")
    own = deal(tmp_path / "faces", without=("sad/0-000.png", "sad/0-001.png"))
    assert {key: own.about[key] for key in ("folder", "pictures", "faces", "cropped", "numbering")} == {
        "folder": "faces", "pictures": 80, "faces": 78, "cropped": True, "numbering": ""}  # fmt: skip
    for name in SPLITS:
        counted = own.split(name).targets.sum(0).astype(int).tolist()
        assert list(own.about["parts"][name].values()) == counted
    assert sum(own.about["parts"][name]["sadness"] for name in SPLITS) == 38


def test_the_checksum_follows_contents_and_emotions_and_not_names(tmp_path):
    plant(tmp_path / "faces")
    found = [deal(tmp_path / "faces").checksums, deal(tmp_path / "faces", cropped=False).checksums]
    first = tmp_path / "faces" / "sad" / "0-000.png"
    renamed = first.rename(first.with_name("renamed.png"))
    shutil.move(tmp_path / "faces", tmp_path / "elsewhere")
    assert deal(tmp_path / "elsewhere").checksums == found[0]
    shutil.move(tmp_path / "elsewhere" / "sad" / renamed.name, tmp_path / "elsewhere" / "Happy")
    found.append(deal(tmp_path / "elsewhere").checksums)
    Image.new("L", (48, 48), 9).save(tmp_path / "elsewhere" / "Happy" / "renamed.png")
    found.append(deal(tmp_path / "elsewhere").checksums)
    assert len({str(sums) for sums in found}) == 4


def test_too_few_faces_are_said_with_emotion_count_and_least(tmp_path):
    plant(tmp_path / "faces", 20)
    with pytest.raises(DataError, match="too few faces of sadness 19; expected at least 20 of each emotion: add pictures"):
        deal(tmp_path / "faces", without=("sad/0-007.png",))
    plant(tmp_path / "faces", 3, words=("fear",))
    with pytest.raises(DataError, match="of sadness 19, fear 0; expected"):  # pictures, but no face in any
        deal(tmp_path / "faces", without=("sad/0-007.png", *(f"fear/0-{i:03}.png" for i in range(3))))


def test_one_emotion_alone_is_nothing_to_tell_apart(tmp_path):
    with pytest.raises(DataError, match="holds happiness alone; expected folders of at least two emotions"):
        check_counts(tmp_path, {"happiness": 500})


def test_parts_without_what_they_need_are_said(tmp_path):
    plant(tmp_path / "faces", 40)
    for word, wanted in (("sad", "test"), ("Happy", "train")):  # one picture alone, many times
        paths = sorted((tmp_path / "faces" / word).iterdir())
        digest = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
        one = next(path for path in paths if SPLITS[part_of(digest[path])] == wanted)
        for path in paths:
            path.write_bytes(one.read_bytes())
    with pytest.raises(DataError, match="no face of sadness falls to train"):
        deal(tmp_path / "faces")
    for path in (tmp_path / "faces" / "sad").iterdir():
        path.write_bytes(one.read_bytes())
    with pytest.raises(DataError, match="no face of any emotion falls to valid"):
        deal(tmp_path / "faces")


def test_both_kinds_of_data_name_the_columns_of_their_targets():
    assert Dataset.emotions(None, "fer2013") == EMOTIONS[:7]  # type: ignore[arg-type]
    assert Dataset.emotions(None, "sampled") == EMOTIONS  # type: ignore[arg-type]
