"""FER2013 in every form that Kaggle hands out, and what each kind of bad file is told."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from planted import csv_text, votes_text

from mien.data.fer2013 import FORMS, USAGES, Faces, find_fer2013, read_fer2013
from mien.errors import DataError

ICML = ("emotion", " Usage", " pixels")
COUNTS = (4, 2, 1)


def tar_gz(name: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for member, data in (("fer2013/README", b"about"), (name, content)):
            info = tarfile.TarInfo(member)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return packed.getvalue()


def zipped(name: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train.csv", "emotion,pixels\n")  # the competition's archive has such files too
        archive.writestr(name, content)
    return packed.getvalue()


def write_mosaic(folder: Path, faces: Faces) -> Path:
    sheet = np.zeros((48, 190 * 48), np.uint8)
    for column, image in enumerate(faces.images):
        sheet[:, column * 48 : column * 48 + 48] = image
    Image.fromarray(sheet).save(folder / "fer2013-faces.png")
    rows = [f"{label},{USAGES[usage]}" for label, usage in zip(faces.labels, faces.usage, strict=True)]
    (folder / "fer2013-labels.csv").write_text("\n".join(["emotion,Usage", *rows]) + "\n")
    return folder / "fer2013-faces.png"


WRITERS: dict[str, Callable[[Faces], bytes]] = {
    "fer2013.csv": lambda faces: csv_text(faces).encode(),
    "icml_face_data.csv": lambda faces: csv_text(faces, ICML).encode(),
    "fer2013.tar.gz": lambda faces: tar_gz("fer2013/fer2013.csv", csv_text(faces).encode()),
    "fer2013.zip": lambda faces: zipped("fer2013.csv", csv_text(faces).encode()),
    "archive.zip": lambda faces: zipped("fer2013/fer2013.csv", csv_text(faces).encode()),
    "icml_face_data.csv.zip": lambda faces: zipped("icml_face_data.csv", csv_text(faces, ICML).encode()),
    FORMS[-1]: lambda faces: zipped("fer2013.tar.gz", tar_gz("fer2013/fer2013.csv", csv_text(faces).encode())),
}


def assert_same(read: Faces, planted: Faces) -> None:
    for name in ("images", "labels", "usage"):
        assert getattr(read, name).dtype == np.uint8
        assert np.array_equal(getattr(read, name), getattr(planted, name))


@pytest.mark.parametrize("name", WRITERS)
def test_every_form_gives_the_same_faces(name: str, faces: Faces, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(WRITERS[name](faces))
    assert_same(read_fer2013(find_fer2013(tmp_path), COUNTS), faces)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("faces.csv", "icml_face_data.csv"),
        ("fer2013.csv.zip", "fer2013.zip"),
        ("fer2013.tgz", "fer2013.tar.gz"),
        ("archive (1).zip", "archive.zip"),
        ("challenge.zip", FORMS[-1]),
    ],
)
def test_a_form_under_another_name_is_found_among_other_files(name: str, form: str, faces: Faces, tmp_path: Path) -> None:
    (tmp_path / "FERPlus-master.zip").write_bytes(zipped("fer2013new.csv", votes_text(faces).encode()))
    (tmp_path / "fer2013new.csv").write_text(votes_text(faces))
    (tmp_path / "aborted.zip").write_bytes(b"PK")
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(DataError, match=r"aborted\.zip: the archive ends early"):
        find_fer2013(tmp_path)
    (tmp_path / name).write_bytes(WRITERS[form](faces))
    assert find_fer2013(tmp_path) == tmp_path / name
    assert_same(read_fer2013(tmp_path / name, COUNTS), faces)


def test_other_tables_and_archives_are_not_taken_for_faces(faces: Faces, tmp_path: Path) -> None:
    (tmp_path / "fer2013new.csv").write_text(votes_text(faces))
    (tmp_path / "photos.zip").write_bytes(zipped("cat.jpg", b"x"))
    with pytest.raises(DataError, match="holds no FER2013; expected one of"):
        find_fer2013(tmp_path)


@pytest.mark.parametrize("name", ["archive.zip", "mine.zip"])
@pytest.mark.parametrize(
    ("place", "value", "said"),
    [((6, 8), 1, "is encrypted, password required"), ((8, 10), 97, "compression method is not supported")],
)
def test_a_zip_that_cannot_be_unpacked_here_says_so(
    name: str, place: tuple[int, int], value: int, said: str, faces: Faces, tmp_path: Path
) -> None:
    packed = bytearray(WRITERS["archive.zip"](faces))
    for signature, offset in ((b"PK\3\4", place[0]), (b"PK\1\2", place[1])):
        packed[packed.rindex(signature) + offset] = value  # of the last member's flags or method, in both of its headers
    (tmp_path / name).write_bytes(packed)
    with pytest.raises(DataError, match=rf"{name}: cannot be unpacked here \(.*{said}.*\); unpack it yourself"):
        read_fer2013(find_fer2013(tmp_path), COUNTS)


def test_the_mosaic_gives_the_same_faces(faces: Faces, tmp_path: Path) -> None:
    write_mosaic(tmp_path, faces)
    assert_same(read_fer2013(find_fer2013(tmp_path), COUNTS), faces)


@pytest.mark.parametrize(
    "text",
    [
        lambda faces: csv_text(faces, ("Usage", "pixels", "emotion")),
        lambda faces: csv_text(faces, end="\r\n"),
        lambda faces: "\ufeff" + csv_text(faces),
        lambda faces: csv_text(faces).rstrip("\n"),
        lambda faces: csv_text(faces).replace(",Training", ", Training").replace("\n3,", "\n 3,"),
    ],
    ids=["other column order", "Windows line ends", "byte order mark", "no final line end", "blanks around cells"],
)
def test_harmless_differences_are_accepted(text: Callable[[Faces], str], faces: Faces, tmp_path: Path) -> None:
    (tmp_path / "fer2013.csv").write_bytes(text(faces).encode())
    assert_same(read_fer2013(tmp_path / "fer2013.csv", COUNTS), faces)


def with_cell(faces: Faces, column: str, value: str) -> str:
    """The table with one cell of its third face, line 4, replaced; the first pixel for `pixels`."""
    lines = csv_text(faces).split("\n")
    emotion, pixels, usage = lines[3].split(",")
    first = f"{value} {pixels.split(' ', 1)[1]}".strip()
    cells = {"emotion": (value, pixels, usage), "pixels": (emotion, first, usage), "Usage": (emotion, pixels, value)}
    lines[3] = ",".join(cells[column])
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("pixels", "-1", "-1 is not a grey level from 0 to 255"),
        ("pixels", "256", "256 is not a grey level from 0 to 255"),
        ("pixels", "4294967303", "4294967303 is not a grey level"),  # 7 in 32 bits
        ("pixels", "1.5", "'1.5' is not a grey level"),
        ("pixels", "x7", "'x7' is not a grey level"),
        ("pixels", "", "2303 grey levels, expected 2304"),
        ("pixels", "7 7", "2305 grey levels, expected 2304"),
        ("emotion", "7", "'7' is not a label from 0 to 6"),
        ("emotion", "-1", "'-1' is not a label"),
        ("emotion", "", "'' is not a label"),
        ("emotion", "happy", "'happy' is not a label"),
        ("Usage", "Test", "'Test' is none of Training, PublicTest, PrivateTest"),
        ("Usage", "Training,1", "the row has 4 fields, expected 3"),
    ],
)
def test_a_malformed_row_names_file_line_and_column(
    column: str, value: str, problem: str, faces: Faces, tmp_path: Path
) -> None:
    (tmp_path / "fer2013.csv").write_text(with_cell(faces, column, value))
    with pytest.raises(DataError) as raised:
        read_fer2013(tmp_path / "fer2013.csv", None)
    message = str(raised.value)
    assert message.startswith(f"{tmp_path / 'fer2013.csv'}, line 4, column {column}: {problem}")
    assert "\n" not in message


def test_a_malformed_row_inside_an_archive_names_both(faces: Faces, tmp_path: Path) -> None:
    path = tmp_path / "fer2013.tar.gz"
    path.write_bytes(tar_gz("fer2013/fer2013.csv", with_cell(faces, "emotion", "9").encode()))
    with pytest.raises(DataError, match=r"fer2013\.tar\.gz:fer2013/fer2013\.csv, line 4, column emotion"):
        read_fer2013(path, None)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_download_that_ends_early_is_called_cut_off(name: str, share: float, faces: Faces, tmp_path: Path) -> None:
    whole = WRITERS[name](faces)
    (tmp_path / name).write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match="cut off"):
        read_fer2013(tmp_path / name, COUNTS)


@pytest.mark.parametrize("name", [name for name in WRITERS if not name.endswith(".csv")])
def test_a_damaged_archive_is_never_read_as_something_else(name: str, faces: Faces, tmp_path: Path) -> None:
    whole = WRITERS[name](faces)
    for seed in range(20):
        random = np.random.default_rng(seed)
        damaged = np.frombuffer(whole, np.uint8).copy()
        damaged[random.integers(30, len(whole) * 9 // 10, 40)] ^= 0x55
        (tmp_path / name).write_bytes(damaged.tobytes())
        with pytest.raises(DataError):
            read_fer2013(tmp_path / name, COUNTS)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_mosaic_that_ends_early_is_called_cut_off(share: float, faces: Faces, tmp_path: Path) -> None:
    path = write_mosaic(tmp_path, faces)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match="cut off"):
        read_fer2013(path, COUNTS)


@pytest.mark.parametrize("shape", [(48, 9120 - 48), (96, 9120), (60, 9120), (48, 9120, 3)])
def test_another_picture_is_no_mosaic(shape: tuple[int, ...], faces: Faces, tmp_path: Path) -> None:
    path = write_mosaic(tmp_path, faces)
    Image.fromarray(np.zeros(shape, np.uint8)).save(path)
    with pytest.raises(DataError, match="another picture"):
        read_fer2013(path, COUNTS)


def test_a_mosaic_without_its_labels_says_so(faces: Faces, tmp_path: Path) -> None:
    path = write_mosaic(tmp_path, faces)
    path.with_name("fer2013-labels.csv").unlink()
    with pytest.raises(DataError, match=r"fer2013-labels\.csv: cannot be read"):
        read_fer2013(path, COUNTS)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("fer2013.csv", b"emotion,pixels\n0,1 2\n", "lacks the column Usage"),
        ("fer2013.csv", b"<!DOCTYPE html>\n<html>\n", "lacks the columns emotion, pixels, Usage .*another file"),
        ("fer2013.csv", bytes(range(128, 256)), "another file"),
        ("fer2013.csv", b"", "is empty"),
        ("fer2013.zip", zipped("photos/cat.jpg", b"x"), r"fer2013\.zip: holds .*cat\.jpg.*another archive"),
        ("fer2013.tar.gz", tar_gz("setup.py", b"x"), r"fer2013\.tar\.gz: holds .*setup\.py.*another archive"),
        ("fer2013.tar.gz", gzip.compress(b"not a tar archive", mtime=0), "cut off"),
        ("fer2013.zip", b"<!DOCTYPE html>", "damaged"),
    ],
)
def test_another_file_is_called_so(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_fer2013(tmp_path / name)


@pytest.mark.parametrize(
    ("usage", "message"),
    [
        ([0, 0, 0, 0, 1, 1], "6 rows, expected 7; the download was cut off"),
        ([0, 0, 0, 1, 1, 1, 2], r"\(3, 3, 1\), expected \(4, 2, 1\); this is another version"),
        ([0, 0, 0, 1, 0, 1, 2], "not in the order Training, PublicTest, PrivateTest"),
    ],
)
def test_missing_other_and_reordered_rows_are_told_apart(usage: list[int], message: str, faces: Faces, tmp_path: Path) -> None:
    n = len(usage)
    (tmp_path / "fer2013.csv").write_text(csv_text(Faces(faces.images[:n], faces.labels[:n], np.array(usage))))
    with pytest.raises(DataError, match=message):
        read_fer2013(tmp_path / "fer2013.csv", COUNTS)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        ("nowhere", "no such folder"),
        ("empty", "holds no FER2013; expected one of fer2013.csv"),
        ("classes/train/angry", "one folder a class, whose row order is lost"),
    ],
)
def test_folders_without_fer2013_are_told_apart(make: str, message: str, tmp_path: Path) -> None:
    if make != "nowhere":
        (tmp_path / make).mkdir(parents=True)
    with pytest.raises(DataError, match=message):
        find_fer2013(tmp_path / make.split("/")[0])
