"""One folder in, splits out; the cache beneath."""

import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from planted import csv_text, votes_text

from mien.data import dataset as module
from mien.data.dataset import Dataset, read_dataset
from mien.data.fer2013 import Faces, read_fer2013
from mien.emotions import EMOTIONS, FER2013_EMOTIONS
from mien.errors import DataError, UsageError


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("MIEN_CACHE", str(folder))
    return folder


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Grows by one path for each time that FER2013 is read from its file; the planted tables are short."""
    paths: list[Path] = []

    def read(path: Path) -> Faces:
        paths.append(path)
        return read_fer2013(path, None)

    monkeypatch.setattr(module, "read_fer2013", read)
    return paths


def assert_holds(read: Dataset, faces: Faces) -> None:
    assert np.array_equal(read.faces.images, faces.images)
    assert np.array_equal(read.faces.labels, faces.labels)
    assert np.array_equal(read.votes.usage, faces.usage)
    assert read.votes.counts[:, : len(EMOTIONS)].sum() == 10 * len(faces.labels)


@pytest.mark.slow
@pytest.mark.data
def test_the_second_load_takes_under_a_second(data_folder: Path) -> None:
    """Slow, since those run alone; the least of three."""
    first, times_s = read_dataset(data_folder), []
    for _ in range(3):
        start = time.perf_counter()
        second = read_dataset(data_folder)
        times_s.append(time.perf_counter() - start)
    assert min(times_s) < 1
    assert np.array_equal(first.faces.images, second.faces.images)
    assert np.array_equal(first.votes.counts, second.votes.counts)


def test_the_second_load_reads_the_cache(folder: Path, faces: Faces, reads: list[Path]) -> None:
    assert_holds(read_dataset(folder), faces)
    assert_holds(read_dataset(folder), faces)
    assert len(reads) == 1


def test_data_elsewhere_with_the_same_content_share_the_cache(folder: Path, tmp_path: Path, reads: list[Path]) -> None:
    read_dataset(folder)
    shutil.copytree(folder, tmp_path / "copy")
    read_dataset(tmp_path / "copy")
    assert len(reads) == 1


@pytest.mark.parametrize("changed", ["fer2013.csv", "fer2013new.csv"])
def test_changed_content_is_read_anew(changed: str, folder: Path, faces: Faces, reads: list[Path]) -> None:
    before = read_dataset(folder)
    other = Faces(255 - faces.images, faces.labels, faces.usage)
    text = csv_text(other) if changed == "fer2013.csv" else votes_text(faces).replace("fer0000001.png", "")
    (folder / changed).write_text(text)
    after = read_dataset(folder)
    assert len(reads) == 2
    assert [name for name in before.checksums if before.checksums[name] != after.checksums[name]] == [changed]
    assert np.array_equal(before.faces.images, after.faces.images) == (changed == "fer2013new.csv")
    assert after.votes.named.all() == (changed == "fer2013.csv")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_damaged_cache_file_is_rebuilt(share: float, folder: Path, faces: Faces, reads: list[Path], cache: Path) -> None:
    read_dataset(folder)
    (stored,) = cache.iterdir()
    whole = stored.read_bytes()
    stored.write_bytes(whole[: int(share * len(whole))])
    assert_holds(read_dataset(folder), faces)
    assert len(reads) == 2
    assert_holds(read_dataset(folder), faces)
    assert len(reads) == 2  # it was rebuilt, not only bypassed


def test_flipped_bits_in_the_cache_are_noticed(folder: Path, faces: Faces, reads: list[Path], cache: Path) -> None:
    read_dataset(folder)
    (stored,) = cache.iterdir()
    content = bytearray(stored.read_bytes())
    content[len(content) // 3] ^= 1
    stored.write_bytes(content)
    assert_holds(read_dataset(folder), faces)


def test_an_unwritable_cache_folder_only_costs_time(
    folder: Path, faces: Faces, reads: list[Path], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cache / "file").write_text("in the way")
    monkeypatch.setenv("MIEN_CACHE", str(cache / "file" / "mien"))
    for _ in range(2):
        assert_holds(read_dataset(folder), faces)
    assert len(reads) == 2


def test_a_full_disk_leaves_no_partial_file(
    folder: Path, faces: Faces, reads: list[Path], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_half(file: object, **arrays: np.ndarray) -> None:
        file.write(b"PK half")  # type: ignore[attr-defined]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", write_half)
    assert_holds(read_dataset(folder), faces)
    assert list(cache.iterdir()) == []


def test_malformed_data_are_not_cached(folder: Path, faces: Faces, reads: list[Path], cache: Path) -> None:
    (folder / "fer2013new.csv").write_text(votes_text(Faces(faces.images[:-1], faces.labels[:-1], faces.usage[:-1])))
    with pytest.raises(DataError, match="6 rows for 7 faces"):
        read_dataset(folder)
    assert list(cache.iterdir()) == []


def test_a_folder_without_votes_says_where_they_come_from(folder: Path) -> None:
    (folder / "fer2013new.csv").unlink()
    with pytest.raises(DataError, match=r"holds no fer2013new\.csv; it comes from github\.com/microsoft/FERPlus"):
        read_dataset(folder)


def test_a_mosaic_without_its_labels_says_so(folder: Path) -> None:
    (folder / "fer2013.csv").rename(folder / "fer2013-faces.png")
    with pytest.raises(DataError, match=r"fer2013-labels\.csv: cannot be read \(No such file"):
        read_dataset(folder)


@pytest.mark.parametrize(("name", "rows"), [("train", [0, 1, 2, 3]), ("valid", [4, 5]), ("test", [6])])
def test_a_split_holds_its_rows_and_the_label_of_the_same_name(
    name: str, rows: list[int], folder: Path, faces: Faces, reads: list[Path]
) -> None:
    read = read_dataset(folder)
    for labels in ("fer2013", "majority", "distribution"):
        split = read.split(name, labels)
        assert split.rows.tolist() == rows
        assert np.array_equal(split.images, faces.images[rows])
        assert split.targets.shape[1] == (7 if labels == "fer2013" else 8)
        named = [EMOTIONS[i] for i in split.targets.argmax(1)]
        assert named == [FER2013_EMOTIONS[label] for label in faces.labels[rows]]


def test_unnamed_rows_are_left_out_with_votes_alone(folder: Path, faces: Faces, reads: list[Path]) -> None:
    (folder / "fer2013new.csv").write_text(votes_text(faces).replace("fer0000004.png", ""))
    read = read_dataset(folder)
    assert read.split("valid", "majority").rows.tolist() == [5]
    assert read.split("valid", "fer2013").rows.tolist() == [4, 5]


@pytest.mark.parametrize(("name", "labels", "near"), [("tset", "majority", "'test'"), ("test", "majorty", "'majority'")])
def test_unknown_names_give_the_nearest(name: str, labels: str, near: str, folder: Path, reads: list[Path]) -> None:
    with pytest.raises(UsageError, match=f"Did you mean {near}"):
        read_dataset(folder).split(name, labels)


@pytest.mark.data
def test_published_counts_per_class(dataset: Dataset) -> None:
    counts = [np.bincount(dataset.faces.labels[dataset.faces.usage == usage]).tolist() for usage in range(3)]
    assert counts == [
        [3995, 436, 4097, 7215, 4830, 3171, 4965],
        [467, 56, 496, 895, 653, 415, 607],
        [491, 55, 528, 879, 594, 416, 626],
    ]
