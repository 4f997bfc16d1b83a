"""What the fuzz run and the property tests found (docs/reliability.md): each is now mien's own error, in one line."""

import io
import tarfile
import zipfile

import ai_edge_litert.interpreter
import numpy as np
import pytest
from benchmarks.small_pictures import pictures
from tests.data.planted import csv_text, votes_text

import mien
from mien import Recognizer
from mien.data.fer2013 import Faces, read_fer2013
from mien.data.ferplus import read_ferplus
from mien.errors import BundleError, DataError, ImageError
from mien.inference.engines import LiteRTEngine
from mien.inference.weights import WEIGHTS

FACES = Faces(np.zeros((2, 48, 48), np.uint8), np.arange(2, dtype=np.uint8), np.zeros(2, np.uint8))


def tar_of(kind: bytes, mode: str = "w", linkname: str = "") -> bytes:
    """An archive in which fer2013.csv is that."""
    out, text = io.BytesIO(), csv_text(FACES).encode()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        info = tarfile.TarInfo("fer2013.csv")
        info.type, info.linkname, info.size = kind, linkname, len(text) if kind == tarfile.REGTYPE else 0
        archive.addfile(info, io.BytesIO(text))
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "linkname"),
    [(tarfile.DIRTYPE, ""), (tarfile.FIFOTYPE, ""), (tarfile.SYMTYPE, "nowhere"), (tarfile.LNKTYPE, "../../etc/passwd")],
)
def test_a_table_that_is_no_file_in_its_archive(tmp_path, kind, linkname):
    (tmp_path / "fer2013.tar.gz").write_bytes(tar_of(kind, "w:gz", linkname))
    with pytest.raises(DataError, match=r"expected one of fer2013\.csv"):
        read_fer2013(tmp_path / "fer2013.tar.gz", None)


@pytest.mark.parametrize("form", ["a.tar", "a.zip"])
def test_a_damaged_archive_of_the_kind_that_few_use(tmp_path, form):
    pytest.importorskip("lzma")
    content = tar_of(tarfile.REGTYPE, "w:xz")
    if form == "a.zip":
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as archive:
            archive.writestr("fer2013.csv", csv_text(FACES))
        content = out.getvalue()
    damaged = bytearray(content)
    damaged[60:90] = b"\xff" * 30
    (tmp_path / form).write_bytes(damaged)
    with pytest.raises(DataError, match="ends early or is damaged"):
        read_fer2013(tmp_path / form, None)


def test_a_vote_of_thousands_of_digits(tmp_path):
    (tmp_path / "fer2013new.csv").write_text(votes_text(FACES).replace(",10,", f",{'9' * 6000},", 1))
    with pytest.raises(DataError, match=r"is not a number of votes from 0 to 10") as error:
        read_ferplus(tmp_path / "fer2013new.csv")
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("name", ["DDS RGB 0", "SGI RGB 0", "PNG of 100 megapixels", "PNG RGB 0", "PNG I;16 0", "FTEX"])
def test_a_mosaic_that_is_another_picture_is_not_decoded(tmp_path, name, monkeypatch):
    (tmp_path / "fer2013-labels.csv").write_text(csv_text(FACES, ("emotion", "Usage")))
    (tmp_path / "fer2013-faces.png").write_bytes(pictures()[name])
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", None)  # whoever decodes it fails otherwise than expected
    with pytest.raises(DataError, match=r"this is another picture|is cut off or not a picture") as error:
        read_fer2013(tmp_path / "fer2013-faces.png", None)
    assert "NoneType" not in str(error.value)


class Stumbling(ai_edge_litert.interpreter.Interpreter):
    """LiteRT at a forged graph: `at` names the method, `error` what it raises."""

    at: str
    error: Exception

    def __getattribute__(self, name: str) -> object:
        def stumble(*_: object) -> None:
            raise type(self).error

        return stumble if name == type(self).at else super().__getattribute__(name)


@pytest.mark.parametrize(
    ("at", "error"),
    [
        ("allocate_tensors", MemoryError("std::bad_alloc")),
        ("get_output_details", UnicodeDecodeError("utf-8", b"\x80", 0, 1, "invalid start byte")),
        ("invoke", RuntimeError("Input tensor 52 lacks data")),
    ],
)
def test_litert_stumbles_over_a_graph(monkeypatch, at, error):
    monkeypatch.setattr(ai_edge_litert.interpreter, "Interpreter", type("_", (Stumbling,), {"at": at, "error": error}))
    with pytest.raises(BundleError, match=r"model\.tflite: is not a LiteRT graph"):
        LiteRTEngine(WEIGHTS / "mien" / "model.tflite").probs(np.zeros((1, 48, 48), np.uint8))


def test_a_graph_that_answers_with_no_number(monkeypatch):
    monkeypatch.setattr(LiteRTEngine, "probs", lambda self, crops: np.full((len(crops), 8), np.nan, np.float32))
    with pytest.raises(BundleError, match="answers with what is no number"):
        Recognizer().classify(np.zeros((2, 48, 48), np.uint8))


def test_a_result_file_with_numbers_that_parquet_does_not_know(tmp_path, monkeypatch):
    arrow = pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("pandas")

    def refuse(path: object) -> None:
        raise arrow.lib.ArrowNotImplementedError("Integers with more than 64 bits not implemented")

    monkeypatch.setattr(arrow, "ParquetFile", refuse)
    (tmp_path / "faces.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="is no result file of mien"):
        mien.read_results(tmp_path / "faces.parquet")


def test_a_box_beyond_all_floats():
    with pytest.raises(ImageError, match="expected x, y, width and height"):
        Recognizer().predict(np.zeros((9, 9, 3), np.uint8), [(0, 0, 10**400, 5)])
