"""Faces that stand in more than one place: identical ones, conflicting labels, and the test rows that leak."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib.resources import files

import numpy as np

from mien.data.dataset import SPLITS, Split
from mien.data.fer2013 import USAGE_COUNTS
from mien.errors import UsageError

SIZES = {
    "fer2013": USAGE_COUNTS,
    "majority": (25_060, 3_199, 3_153),
    "distribution": (27_956, 3_505, 3_505),
    "sampled": (27_956, 3_505, 3_505),
    "multi_target": (27_671, 3_472, 3_472),
}
"""Rows that each label mode keeps of train, valid and test."""

LEAK_CORRELATION = 0.95
TEST = SPLITS.index("test")
FROZEN = "leaking_rows.txt"


def leaking_rows() -> np.ndarray:
    """The frozen answer of `find_leaking_rows` for the published data: int [433], rows of the CSV, ascending."""
    return np.array(files("mien.data").joinpath(FROZEN).read_text().split(), int)


def leak_free(split: Split) -> np.ndarray:
    """Which of a split's test rows have no near copy in train or valid: bool [n]. Raises UsageError for other rows."""
    if (split.rows < sum(USAGE_COUNTS[:TEST])).any():
        raise UsageError("leak-free is a property of test rows, but this split holds others; use --split test.")
    return ~np.isin(split.rows, leaking_rows())


def find_leaking_rows(images: np.ndarray, usage: np.ndarray, named: np.ndarray, chunk: int = 2048) -> np.ndarray:
    """Test rows that correlate above 0.95, mirrored or not, with any named row of train or valid, whatever its votes.

    images: uint8 [n,h,w]; usage: index in SPLITS [n]; named: bool [n]. Each chunk of known faces takes
    4 * chunk * test rows bytes; about 15 s on one core for the published data. A flat picture correlates with none.
    """
    test, known = np.flatnonzero(usage == TEST), np.flatnonzero((usage != TEST) & named)
    faces = images[test]
    views = [_standardised(faces), _standardised(faces[:, :, ::-1])]
    highest = np.full(len(test), -1, np.float32)
    for part in _chunks(known, chunk):
        others = _standardised(images[part]).T
        for view in views:
            np.maximum(highest, (view @ others).max(1), out=highest)
    return test[highest > LEAK_CORRELATION]


def _standardised(images: np.ndarray) -> np.ndarray:
    """Pixels less their mean, of length one: the product of two such rows is their correlation."""
    flat = images.reshape(len(images), -1).astype(np.float32)
    flat -= flat.mean(1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return flat / np.where(length > 0, length, 1)


def _chunks(rows: np.ndarray, size: int) -> Iterator[np.ndarray]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def identical_faces(images: np.ndarray) -> list[np.ndarray]:
    """Groups of two rows or more that are equal pixel for pixel, each ascending, in the order of their first rows."""
    groups = defaultdict(list)
    for row, image in enumerate(images):
        groups[image.tobytes()].append(row)
    return [np.array(rows) for rows in groups.values() if len(rows) > 1]


def conflicting(groups: Sequence[np.ndarray], labels: np.ndarray) -> list[np.ndarray]:
    """Those of the groups of rows whose labels [n] are not all the same."""
    return [rows for rows in groups if len(set(labels[rows])) > 1]


def also_among(images: np.ndarray, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which of `rows` show a face that stands, pixel for pixel, among the rows `others`: bool [len(rows)]."""
    known = {image.tobytes() for image in images[others]}
    return np.array([image.tobytes() in known for image in images[rows]], bool)
