"""FER+: ten crowd raters' votes for each FER2013 face, joined to the faces by row.

Source: Barsoum et al. 2016, "Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label
Distribution", arXiv:1608.01041.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.data.fer2013 import USAGES, Faces
from mien.data.table import CUT_OFF, malformed, open_table, read_rows
from mien.emotions import EMOTIONS, FER2013_TO_EMOTIONS
from mien.errors import DataError

FILE = "fer2013new.csv"
VOTE_COLUMNS = (*EMOTIONS, "unknown", "NF")
RATERS = 10
BLOCK, AGREEMENT = 500, 0.4
"""In each 500 rows 58 to 68% of the top votes are FER2013's own label; 14 to 21% when rows are one out of step."""


@dataclass(frozen=True)
class Votes:
    """counts: uint8 [n,10], raters for each of VOTE_COLUMNS; usage: uint8 [n]; named: bool [n], False = not to be used."""

    counts: np.ndarray
    usage: np.ndarray
    named: np.ndarray


def read_ferplus(path: Path) -> Votes:
    """The votes in file order. Raises DataError, naming file, line and column, for anything that is not as published."""
    counts, usage, named = [], [], []
    with open_table(path, (FILE,)) as (stream, name):
        for line, (split, picture, *cells) in read_rows(stream, name, ("Usage", "Image name", *VOTE_COLUMNS)):
            if split not in USAGES:
                malformed(name, line, "Usage", f"{split!r:.40} is none of {', '.join(USAGES)}; {CUT_OFF}")
            if picture and not re.fullmatch(r"fer\d{7}\.png", picture):
                malformed(name, line, "Image name", f"{picture!r:.40} is neither empty nor of the form fer0000000.png")
            counts.append([_parse_count(cell, name, line, i) for i, cell in enumerate(cells)])
            usage.append(USAGES.index(split))
            named.append(bool(picture))
    table = np.array(counts, np.uint8).reshape(-1, len(VOTE_COLUMNS))
    return Votes(table, np.array(usage, np.uint8), np.array(named, bool))


def _parse_count(cell: str, name: str, line: int, column: int) -> int:
    if not cell.isdecimal() or len(cell) > 9 or int(cell) > RATERS:
        malformed(name, line, VOTE_COLUMNS[column], f"{cell!r:.40} is not a number of votes from 0 to {RATERS}")
    return int(cell)


def check_join(faces: Faces, votes: Votes, path: Path) -> None:
    """Raises DataError unless row i of `votes` can belong to row i of `faces`: same number, splits and, mostly, labels."""
    if len(votes.counts) != len(faces.labels):
        raise DataError(f"{path}: {len(votes.counts):,} rows for {len(faces.labels):,} faces; one of the files is cut off.")
    if (votes.usage != faces.usage).any():
        row = int(np.argmax(votes.usage != faces.usage))
        raise DataError(
            f"{path}, line {row + 2}: {USAGES[votes.usage[row]]} beside a face of {USAGES[faces.usage[row]]}; "
            "the rows of FER+ and FER2013 do not fit: fetch both as published."
        )
    named = np.flatnonzero(votes.named)
    agrees = votes.counts[:, : len(EMOTIONS)].argmax(1) == np.array(FER2013_TO_EMOTIONS)[faces.labels]
    for rows in np.array_split(named, max(1, len(named) // BLOCK)):
        if agrees[rows].mean() < AGREEMENT:
            raise DataError(
                f"{path}, from line {rows[0] + 2}: only {agrees[rows].mean():.0%} of the top votes agree with FER2013's "
                "labels (expected about 64%); the rows of FER+ and FER2013 do not fit: fetch both as published."
            )
