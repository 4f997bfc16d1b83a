"""What is in OUT: the rows of `mien predict`'s CSV, read by pandas, polars and DuckDB; and the page about a run."""

import csv
import io
import re
import shutil
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
from batch_pictures import HOPPER, PICTURES, tar_of
from runs_here import MODEL, job_of, score_here

from mien import Recognizer
from mien.batch.summary import _short, write_page
from mien.batch.totals import kind_of, probs_of, read_totals
from mien.cli.inputs import SUFFIXES
from mien.errors import DataError, UsageError
from mien.media.draw import COLOURS
from mien.media.sinks import CsvSink
from mien.media.table import COLUMNS, CSV_COLUMNS

STRANGE = "<script>alert(1)</script>&.jpg"


@pytest.fixture(scope="module")
def finished(tmp_path_factory, guard) -> Path:
    """A folder with a source and the output of its run: the golden pictures, an error, a name that looks like a tag."""
    folder = tmp_path_factory.mktemp("finished")
    shutil.copytree(PICTURES, folder / "pictures")
    (folder / "pictures" / "broken.jpg").write_bytes(HOPPER[:2_000])
    (folder / "pictures" / "empty.jpg").touch()
    (folder / "pictures" / STRANGE.replace("/", "\u2215")).write_bytes(HOPPER)
    score_here(job_of("pictures", size=4, base=folder), folder / "out", guard)
    return folder


def expected_rows(folder: Path) -> list[dict[str, str]]:
    """The CSV that the recogniser's own results make."""
    out = io.StringIO()
    sink = CsvSink(out)
    pictures = sorted((folder / "pictures").iterdir())
    for path, result in zip(pictures, Recognizer().predict_batch(pictures), strict=True):
        vars(result)["source"] = str(path.relative_to(folder))
        sink.write(result)
    return list(csv.DictReader(io.StringIO(out.getvalue())))


def test_the_rows_are_those_of_the_csv(finished):
    table = parquet.read_table(finished / "out")
    assert tuple(table.column_names) == CSV_COLUMNS
    found, expected = table.to_pylist(), expected_rows(finished)
    assert [row["source"] for row in found] == [row["source"] for row in expected]
    for row, other in zip(found, expected, strict=True):
        for key, value in row.items():
            read = {bool: lambda text: text == "true"}.get(COLUMNS[key], COLUMNS[key])
            assert value == (read(other[key]) if other[key] else None)


def test_schema_and_model_are_in_each_files_metadata(finished):
    files = sorted((finished / "out").glob("*.parquet"))
    assert len(files) == 4
    for file in files:
        facts = parquet.read_schema(file).metadata
        assert (facts[b"mien.schema"], facts[b"mien.model.sha256"].decode()) == (b"1", MODEL["sha256"])


def test_pandas_polars_and_duckdb_read_it(finished):
    pandas, polars, duckdb = (pytest.importorskip(name) for name in ("pandas", "polars", "duckdb"))
    glob = f"{finished}/out/*.parquet"
    rows = expected_rows(finished)
    happy = sum(row["emotion"] == "happiness" for row in rows)
    failed = sum(row["error"] != "" for row in rows)
    frame = pandas.read_parquet(finished / "out")
    assert (len(frame), (frame.emotion == "happiness").sum(), frame.error.notna().sum()) == (len(rows), happy, failed)
    table = polars.read_parquet(glob)
    counts = (len(table), table.filter(polars.col("emotion") == "happiness").height, table["error"].count())
    assert counts == (len(rows), happy, failed)
    query = f"select count(*), count(*) filter (emotion = 'happiness'), count(error) from '{glob}'"
    assert duckdb.sql(query).fetchall() == [(len(rows), happy, failed)]


class Tags(HTMLParser):
    """The tags of a page, with where their src and href lead."""

    def __init__(self, page: str):
        super().__init__()
        self.names: list[str] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.links += [value for key, value in attrs if key in ("src", "href")]


def test_the_page_counts_what_the_rows_hold_and_loads_nothing(finished):
    page = write_page(finished / "out", frozenset(SUFFIXES)).read_text(encoding="utf-8")
    rows = parquet.read_table(finished / "out").to_pylist()
    cells = dict(re.findall(r'<tr><td>([^<]+)</td><td class="n">([\d,]+)</td>', page))
    faces = [row for row in rows if row["face"] is not None]
    assert cells["pictures"] == str(len({row["source"] for row in rows}))
    assert cells["faces"] == str(len(faces))
    assert cells["errors"] == "2"
    assert cells["happiness"] == str(sum(row["emotion"] == "happiness" for row in faces))
    assert cells["is empty, not a picture"] == cells["is a cut-off or damaged picture"] == "1"
    assert sum(int(count) for count in re.findall(r"<title>0.\d\d to \d.\d\d: (\d+)<", page)) == len(faces)
    tags = Tags(page)
    assert "script" not in tags.names
    assert all(link.startswith("data:image/jpeg;base64,") for link in tags.links)
    assert len(tags.links) == len({probs_of(row) for row in faces}) < len(faces)  # one picture is there twice
    captions = [unescape(text) for text in re.findall(r"<br>([^<]*)</figcaption>", page)]
    for caption, extreme in ((captions[0], min), (captions[-1], max)):
        confidence = extreme(row["confidence"] for row in faces)
        assert caption in {row["source"] for row in faces if row["confidence"] == confidence}
    assert "pictures/hopper.jpg" not in captions or f"pictures/{STRANGE.replace('/', chr(0x2215))}" not in captions


def test_the_pages_bars_have_colours_counts_and_an_axis_and_its_errors_names(finished):
    page = write_page(finished / "out", frozenset(SUFFIXES)).read_text(encoding="utf-8")
    faces = [row for row in parquet.read_table(finished / "out").to_pylist() if row["face"] is not None]
    most = max(sum(row["emotion"] == emotion for row in faces) for emotion in COLOURS)
    for emotion, colour in COLOURS.items():
        count = sum(row["emotion"] == emotion for row in faces)
        assert f'<tr><td>{emotion}</td><td class="n">{count}</td><td class="n">{count / len(faces):.1%}</td>' in page
        assert f"width:{count / most:.1%};background:{colour}" in page
    words = re.findall(r"<text [^>]*>([^<]*)</text>", page)
    assert words[-6:] == ["0", "0.25", "0.5", "0.75", "1", "confidence: the calibrated probability of the emotion named"]
    assert sum(map(int, words[:-6])) == len(faces)
    assert re.search(r">is empty, not a picture</td>.*?<td class=\"files\">pictures/empty.jpg</td>", page)


def test_counts_are_short_enough_to_stand_on_a_bar():
    shown = [_short(count) for count in (7, 9_999, 10_000, 123_456, 999_499, 999_500, 1_234_567, 12_345_678, 123_456_789)]
    assert shown == ["7", "9,999", "10k", "123k", "999k", "1M", "1.23M", "12.3M", "123M"]


def test_the_page_does_without_sources_that_are_gone(tmp_path, guard):
    (tmp_path / "s.tar").write_bytes(tar_of({"0.jpg": HOPPER, "1.jpg": (PICTURES / "astronaut.jpg").read_bytes()}))
    score_here(job_of(tmp_path / "s.tar"), tmp_path / "out", guard)
    suffixes = frozenset(SUFFIXES)
    assert write_page(tmp_path / "out", suffixes).read_text().count("<img") == 2
    (tmp_path / "s.tar").unlink()
    page = write_page(tmp_path / "out", suffixes).read_text()
    assert (page.count("<img"), page.count(">gone<")) == (0, 2)


def test_the_page_of_a_run_that_is_not_finished_says_so(finished, tmp_path):
    shutil.copytree(finished / "out", tmp_path / "out")
    (tmp_path / "out" / "part-00000001.parquet").unlink()
    page = write_page(tmp_path / "out", frozenset(SUFFIXES)).read_text(encoding="utf-8")
    assert "Not finished: 3 of 4 parts" in page
    (tmp_path / "out" / "part-00000000.parquet").write_bytes(b"no table")
    with pytest.raises(DataError, match="cannot be made"):
        write_page(tmp_path / "out", frozenset(SUFFIXES))
    with pytest.raises(UsageError, match="holds no run"):
        write_page(tmp_path, frozenset(SUFFIXES))


def test_the_least_certain_are_the_least(finished, guard):
    store = score_here(job_of("pictures", size=4, base=finished), finished / "out", guard)
    faces = [row for row in parquet.read_table(finished / "out").to_pylist() if row["face"] is not None]
    rows = list({probs_of(row): row["confidence"] for row in faces}.values())
    for most in (1, 5, 100):
        assert [row["confidence"] for _, row in read_totals(store, most).least] == sorted(rows)[:most]


def test_three_pictures_are_named_for_each_kind_of_error(tmp_path, guard):
    for i in range(5):
        (tmp_path / f"{i}.jpg").touch()
    totals = read_totals(score_here(job_of(tmp_path), tmp_path / "out", guard), 1)
    (kind,) = totals.kinds
    assert (totals.kinds[kind], [Path(name).name for name in totals.named[kind]]) == (5, ["0.jpg", "1.jpg", "2.jpg"])


def test_errors_of_one_kind_are_one():
    assert kind_of("is a cut-off picture (image file is truncated (7 bytes)); fetch it.") == "is a cut-off picture"
    assert kind_of("ended the process that read it (SIGSEGV); leave") == "ended the process that read it"
    assert kind_of("has 300,000,000 bytes, too many for a picture.") == kind_of("has 9 bytes, too many for a picture.")
