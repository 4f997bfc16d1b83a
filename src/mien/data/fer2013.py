"""FER2013: 35,887 grey faces of 48x48 pixels with one of seven labels, in every form that Kaggle hands out.

Source: Goodfellow et al. 2013, "Challenges in Representation Learning", arXiv:1307.0414.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mien.data.table import ARCHIVES, CUT_OFF, malformed, open_table, read_rows
from mien.errors import DataError

SIDE_PX = 48
USAGES = ("Training", "PublicTest", "PrivateTest")
USAGE_COUNTS = (28_709, 3_589, 3_589)
COLUMNS = ("emotion", "pixels", "Usage")
TABLES = ("fer2013.csv", "icml_face_data.csv")
FORMS = (*TABLES, "fer2013.tar.gz", "fer2013.zip", "archive.zip", "icml_face_data.csv.zip", "fer2013-faces.png",
         "challenges-in-representation-learning-facial-expression-recognition-challenge.zip")  # fmt: skip


@dataclass(frozen=True)
class Faces:
    """images: uint8 [n,48,48] grey levels; labels: uint8 [n], 0 to 6 as in FER2013_EMOTIONS; usage: uint8 [n] in USAGES."""

    images: np.ndarray
    labels: np.ndarray
    usage: np.ndarray


def find_fer2013(directory: Path) -> Path:
    """The first of FORMS in `directory`, else what holds the table under another name; DataError where there is none."""
    for name in FORMS:
        if (directory / name).is_file():
            return directory / name
    if not directory.is_dir():
        raise DataError(f"{directory}: no such folder; expected FER2013 ({' or '.join(TABLES)}) or a folder a class.")
    if (directory / "train" / "angry").is_dir():
        raise DataError(
            f"{directory}: holds FER2013 as one folder a class, whose row order is lost, so FER+ votes cannot be joined; "
            f"fetch {TABLES[0]} instead."
        )
    if renamed := _find_renamed(directory):
        return renamed
    raise DataError(f"{directory}: holds no FER2013; expected one of {', '.join(FORMS[:-1])}.")


def _find_renamed(directory: Path) -> Path | None:
    """A CSV with FER2013's columns, or an archive of one of TABLES. DataError where the only archives are damaged or locked."""
    barred = []
    for path in sorted(path for path in directory.iterdir() if path.name.endswith((".csv", *ARCHIVES))):
        try:
            with open_table(path, TABLES) as (stream, name):
                next(read_rows(stream, name, COLUMNS), None)
            return path
        except DataError as error:
            if error.__cause__ and path.suffix != ".csv":
                barred.append(error)
    if barred:
        raise barred[0]
    return None


def read_fer2013(path: Path, counts: tuple[int, ...] | None = USAGE_COUNTS) -> Faces:
    """The faces in file order, from a CSV, an archive that holds it, or the lossless mosaic with its label table.

    counts: expected rows of each usage, None for no check. Raises DataError, naming file, line and column, for a
    malformed row, a file that ends early, another file, or rows that are missing or out of order.
    """
    faces = _read_mosaic(path) if path.suffix == ".png" else _read_csv(path)
    if counts is not None:
        _check_counts(path, faces.usage, counts)
    return faces


def _read_csv(path: Path) -> Faces:
    images, labels, usage = [], [], []
    with open_table(path, TABLES) as (stream, name):
        for line, (label, pixels, split) in read_rows(stream, name, COLUMNS):
            images.append(_parse_pixels(pixels, name, line))
            labels.append(_parse_label(label, name, line))
            usage.append(_parse_usage(split, name, line))
    stacked = np.stack(images) if images else np.empty((0, SIDE_PX, SIDE_PX), np.uint8)
    return Faces(stacked, np.array(labels, np.uint8), np.array(usage, np.uint8))


def _parse_pixels(text: str, name: str, line: int) -> np.ndarray:
    with warnings.catch_warnings():  # numpy < 2.3 warns where newer ones raise
        warnings.simplefilter("error", DeprecationWarning)
        try:
            levels = np.fromstring(text, np.int64, sep=" ")
        except (DeprecationWarning, ValueError):
            bad = next((word for word in text.split() if not (word.isascii() and word.isdigit())), text[:20])
            malformed(name, line, "pixels", f"{bad!r:.40} is not a grey level from 0 to 255")
    if levels.size != SIDE_PX**2:
        malformed(name, line, "pixels", f"{levels.size} grey levels, expected {SIDE_PX**2} (48x48); {CUT_OFF}")
    if levels.min() < 0 or levels.max() > 255:
        bad = levels[(levels < 0) | (levels > 255)][0]
        malformed(name, line, "pixels", f"{bad} is not a grey level from 0 to 255")
    return levels.astype(np.uint8).reshape(SIDE_PX, SIDE_PX)


def _parse_label(text: str, name: str, line: int) -> int:
    if text.strip() not in set("0123456"):
        malformed(name, line, "emotion", f"{text!r:.40} is not a label from 0 to 6")
    return int(text)


def _parse_usage(text: str, name: str, line: int) -> int:
    if text.strip() not in USAGES:
        malformed(name, line, "Usage", f"{text!r:.40} is none of {', '.join(USAGES)}; {CUT_OFF}")
    return USAGES.index(text.strip())


def _read_mosaic(path: Path, per_row: int = 190) -> Faces:
    """`fer2013-faces.png`, 190 faces a row in CSV order, with `fer2013-labels.csv` beside it: 58 MB instead of 301."""
    labels_path = path.with_name("fer2013-labels.csv")
    with open_table(labels_path, (labels_path.name,)) as (stream, name):
        rows = [(_parse_label(label, name, line), _parse_usage(split, name, line))
                for line, (label, split) in read_rows(stream, name, ("emotion", "Usage"))]  # fmt: skip
    down = -(-len(rows) // per_row)
    sheet = _read_sheet(path, per_row * SIDE_PX, down * SIDE_PX)
    if sheet is None:
        raise DataError(f"{path}: its pixels do not hold {len(rows):,} faces; this is another picture.")
    tiles = sheet.reshape(down, SIDE_PX, per_row, SIDE_PX).transpose(0, 2, 1, 3).reshape(-1, SIDE_PX, SIDE_PX)
    labels, usage = np.array(rows, np.uint8).T
    return Faces(np.ascontiguousarray(tiles[: len(rows)]), labels, usage)


def _read_sheet(path: Path, width: int, height: int) -> np.ndarray | None:
    """The grey picture, uint8 [height,width]; None for one of another size or mode, which is not decoded."""
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with Image.open(path, formats=("PNG",)) as image:
            return np.asarray(image) if (image.size, image.mode) == ((width, height), "L") else None
    except Exception as error:  # Pillow raises whatever a damaged file makes it stumble over
        raise DataError(f"{path}: is cut off or not a picture ({error}); fetch it again.") from error
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _check_counts(path: Path, usage: np.ndarray, counts: tuple[int, ...]) -> None:
    found = tuple(np.bincount(usage, minlength=len(USAGES)).tolist())
    if sum(found) < sum(counts):
        raise DataError(f"{path}: {sum(found):,} rows, expected {sum(counts):,}; the download was cut off: fetch it again.")
    if found != counts:
        raise DataError(f"{path}: rows a usage {found}, expected {counts}; this is another version of FER2013.")
    if (np.diff(usage.astype(int)) < 0).any():
        raise DataError(f"{path}: rows are not in the order {', '.join(USAGES)}; FER+ joins by row, so fetch the original.")
