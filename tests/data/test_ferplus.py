"""FER+ votes: what a bad row is told, and rows that do not fit the faces."""

from pathlib import Path

import numpy as np
import pytest
from planted import votes_text

from mien.data.dataset import Dataset
from mien.data.fer2013 import Faces
from mien.data.ferplus import Votes, check_join, read_ferplus
from mien.emotions import FER2013_TO_EMOTIONS
from mien.errors import DataError

PATH = Path("fer2013new.csv")


def test_votes_are_read_in_file_order(faces: Faces, folder: Path) -> None:
    text = votes_text(faces).replace("fer0000002.png", "")
    (folder / PATH).write_text(text)
    votes = read_ferplus(folder / PATH)
    assert votes.counts.tolist() == (10 * np.eye(10, dtype=int)[[FER2013_TO_EMOTIONS[label] for label in range(7)]]).tolist()
    assert votes.usage.tolist() == faces.usage.tolist()
    assert votes.named.tolist() == [True, True, False, True, True, True, True]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("PublicTest,", "Public,", "line 6, column Usage: 'Public' is none of"),
        ("fer0000002.png", "2.jpg", "line 4, column Image name: '2.jpg' is neither empty nor of the form fer0000000.png"),
        ("fer0000000.png,0", "fer0000000.png,11", "line 2, column neutral: '11' is not a number of votes from 0 to 10"),
        ("fer0000000.png,0", "fer0000000.png,-1", "line 2, column neutral: '-1' is not"),
        ("fer0000000.png,0", "fer0000000.png,\u00b2", "line 2, column neutral: '\u00b2' is not"),
        ("fer0000000.png,0", "fer0000000.png,", "line 2, column neutral: '' is not"),
        ("fer0000000.png,0,", "fer0000000.png,", "line 2, column unknown: the row has 11 fields, expected 12"),
    ],
)
def test_a_malformed_row_names_file_line_and_column(old: str, new: str, problem: str, faces: Faces, tmp_path: Path) -> None:
    text = votes_text(faces)
    assert old in text
    (tmp_path / PATH).write_text(text.replace(old, new, 1))
    with pytest.raises(DataError) as raised:
        read_ferplus(tmp_path / PATH)
    assert str(raised.value).startswith(f"{tmp_path / PATH}, {problem}")


@pytest.mark.parametrize(
    ("text", "message"), [("", "is empty"), ("emotion,pixels,Usage\n", "lacks the columns Image name, neutral.*another file")]
)
def test_another_file_is_called_so(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / PATH).write_text(text)
    with pytest.raises(DataError, match=message):
        read_ferplus(tmp_path / PATH)


def planted_join(n: int = 6000, seed: int = 0) -> tuple[Faces, Votes]:
    """Votes that name the face's own label in 64% of the rows, as the published ones do, and any emotion in the others."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 7, n)
    top = np.where(random.random(n) < 0.64, np.array(FER2013_TO_EMOTIONS)[labels], random.integers(0, 8, n))
    usage = np.repeat([0, 1, 2], [n - 2000, 1000, 1000])
    images = np.zeros((n, 1, 1), np.uint8)
    return Faces(images, labels, usage), Votes(10 * np.eye(10, dtype=np.uint8)[top], usage, random.random(n) < 0.99)


def reordered(votes: Votes, order: np.ndarray) -> Votes:
    return Votes(votes.counts[order], votes.usage, votes.named[order])


def test_votes_that_belong_to_the_faces_are_accepted() -> None:
    faces, votes = planted_join()
    check_join(faces, votes, PATH)


@pytest.mark.data
def test_the_published_join_is_accepted(dataset: Dataset) -> None:
    check_join(dataset.faces, dataset.votes, PATH)


MOVES = {
    "one row down": (0, 6000, 1),
    "one row up": (0, 6000, -1),
    "one row down within train": (0, 4000, 1),
    "a thousand rows in the middle": (1500, 2500, 1),
    "one row down within test": (5000, 6000, 1),
}


@pytest.mark.parametrize(("start", "stop", "by"), MOVES.values(), ids=MOVES)
def test_shifted_rows_do_not_fit(start: int, stop: int, by: int) -> None:
    faces, votes = planted_join()
    order = np.arange(6000)
    order[start:stop] = np.roll(order[start:stop], by)
    with pytest.raises(DataError, match=r"from line \d+: only \d+% of the top votes agree.*do not fit"):
        check_join(faces, reordered(votes, order), PATH)


@pytest.mark.data
@pytest.mark.parametrize("usage", [0, 1, 2])
def test_published_votes_shuffled_within_a_split_do_not_fit(dataset: Dataset, usage: int) -> None:
    order = np.arange(len(dataset.votes.usage))
    rows = np.flatnonzero(dataset.votes.usage == usage)
    order[rows] = np.random.default_rng(usage).permutation(rows)
    with pytest.raises(DataError, match="do not fit"):
        check_join(dataset.faces, reordered(dataset.votes, order), PATH)


def test_the_message_names_the_line_where_the_misfit_begins() -> None:
    faces, votes = planted_join()
    order = np.arange(6000)
    order[3000:] = np.roll(order[3000:], 1)
    with pytest.raises(DataError) as raised:
        check_join(faces, reordered(votes, order), PATH)
    line = int(str(raised.value).split("from line ")[1].split(":")[0])
    assert abs(line - 3002) <= 600  # to a block of rows


def test_a_table_of_another_length_is_called_cut_off() -> None:
    faces, votes = planted_join()
    short = Votes(votes.counts[:-1], votes.usage[:-1], votes.named[:-1])
    with pytest.raises(DataError, match=r"5,999 rows for 6,000 faces; one of the files is cut off"):
        check_join(faces, short, PATH)


def test_a_row_of_another_split_is_named() -> None:
    faces, votes = planted_join()
    usage = votes.usage.copy()
    usage[3999] = 1
    with pytest.raises(DataError, match=r"line 4001: PublicTest beside a face of Training"):
        check_join(faces, Votes(votes.counts, usage, votes.named), PATH)
