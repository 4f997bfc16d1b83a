"""`mien report`: the same bytes from the same runs, and what bad input gets."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.evaluation.planted_runs import plant

from mien.data.dataset import SPLITS, Dataset
from mien.data.fer2013 import Faces
from mien.data.ferplus import Votes
from mien.evaluation.faces import choose_samples, most_confident_mistakes, write_faces
from mien.evaluation.gallery import Picture

TIMES = {"times_ms": {"one face": {"slim": {"median": 0.4}, "compact": {"median": 1.0}}}}


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    plant(folder)
    (folder / "bench_networks.json").write_text(json.dumps(TIMES))
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.suffix in (".md", ".svg")}


def test_twice_gives_the_same_bytes_wherever_it_is_written(mien, results, tmp_path):
    code, text, said = mien("report", "--results", results)
    assert (code, said) == (0, "")
    first = content(results)
    assert text == f"{results / 'README.md'}, {len(first) - 1} figures\n"
    assert {"README.md", "figures/accuracy-time-dark.svg", "figures/confusion-mien-0-light.svg"} <= set(first)
    assert mien("report", "--results", results, "--out", tmp_path / "elsewhere")[0] == 0
    assert content(tmp_path / "elsewhere") == first
    assert max(map(len, first.values())) < 60_000


@pytest.fixture
def report_with(mien, monkeypatch, tmp_path):
    """Runs `mien report` as if its page showed the pictures of these names; gives what is then in the folder of figures."""

    def run(*names: str) -> set[str]:
        page = "Written by `mien report`" + "".join(f' <img src="figures/{name}-light.svg">' for name in names)
        pictures = [Picture(name, "", lambda theme: pytest.fail("is not drawn here")) for name in names]
        monkeypatch.setattr("mien.evaluation.results_page.read_report", lambda folder: (page, pictures))
        monkeypatch.setattr(
            "mien.evaluation.figures.write_svg", lambda draw, folder, name: (folder / f"{name}-light.svg").touch()
        )
        assert mien("report", "--out", tmp_path)[0] == 0
        return {path.name for path in (tmp_path / "figures").iterdir()}

    return run


def test_figures_of_an_earlier_report_go_and_the_users_own_stay(report_with, tmp_path):
    assert report_with("curves-mien", "accuracy-time") == {"curves-mien-light.svg", "accuracy-time-light.svg"}
    (tmp_path / "figures" / "logo-light.svg").touch()
    assert report_with("curves-nimble", "accuracy-time") == {
        "curves-nimble-light.svg", "accuracy-time-light.svg", "logo-light.svg"
    }  # fmt: skip
    (tmp_path / "figures" / "accuracy-time-light.svg").unlink()
    assert report_with() == {"logo-light.svg"}, "what is gone already is no error"


@pytest.mark.parametrize("page", [b'# Mine\n<img src="figures/logo-light.svg">', b'\xff "figures/logo-light.svg"'])
def test_figures_of_a_page_of_the_users_own_stay(report_with, tmp_path, page):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "logo-light.svg").touch()
    (tmp_path / "README.md").write_bytes(page)
    assert report_with() == {"logo-light.svg"}


def test_results_of_two_schemas_are_one_sentence_and_leave_the_old_report(mien, results):
    (results / "README.md").write_text("as it was")
    path = results / "mien-0.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 2}))
    code, text, said = mien("report", "--results", results)
    assert (code, text) == (1, "")
    assert said == f"mien: {path}: has schema 2, this version of mien reads 1; finish the run again.\n"
    assert content(results) == {"README.md": b"as it was"}


@pytest.mark.parametrize(
    ("spoil", "code", "words"),
    [
        (lambda r: (r / "mien-0.npz").write_bytes((r / "mien-0.npz").read_bytes()[:400]), 1, "mien-0.json: is cut short"),
        (lambda r: shutil.rmtree(r), 1, "holds no finished run; expected NAME-SEED.json and .npz"),
        (lambda r: (r / "bench_networks.json").write_text("{}"), 1, "bench_networks.json: is cut short or holds no time"),
    ],
)
def test_bad_input_is_one_sentence(mien, results, spoil, code, words):
    spoil(results)
    found, text, said = mien("report", "--results", results)
    assert (found, text) == (code, "")
    assert words in said
    assert said.count("\n") == 1


def test_faces_are_refused_where_they_could_be_published(mien, results, tmp_path):
    for words, expected in (
        (("--faces", results / "faces", "--data", tmp_path), "is inside the results folder"),
        (("--faces", tmp_path / "faces"), "faces need both"),
        (("--run", "mien-0"), "it needs --faces and --data"),
        (
            ("--faces", tmp_path / "f", "--data", tmp_path, "--run", "mien-1"),
            "unknown run with answers on the test split 'mien-1'",
        ),
    ):
        code, text, said = mien("report", "--results", results, *words)
        assert (code, text) == (2, "")
        assert expected in said


@pytest.mark.data
def test_faces_are_drawn_from_the_data_and_cannot_be_committed_by_accident(mien, data_folder, tmp_path):
    code, text, said = mien("report", "--faces", tmp_path / "faces", "--data", data_folder, "--run", "mien-0")
    assert (code, said) == (0, "")
    assert [Path(line).name for line in text.splitlines()] == ["samples-mien-0.png", "mistakes-mien-0.png"]
    for line in text.splitlines():
        assert min(Image.open(line).size) > 800
    assert (tmp_path / "faces" / ".gitignore").read_text() == "*\n"


def test_a_gitignore_that_is_there_stays(tmp_path):
    run = plant(tmp_path / "results")
    votes = run[1]["test"].votes
    usage = np.full(len(votes), SPLITS.index("test"))
    faces = Faces(np.zeros((len(votes), 48, 48), np.uint8), np.zeros(len(votes), int), usage)
    (tmp_path / ".gitignore").write_text("*.pt\n")
    for path in write_faces(run, Dataset(faces, Votes(votes, usage, np.ones(len(votes), bool)), {}), tmp_path):
        assert path.parent == tmp_path
        assert path.is_file()
    assert (tmp_path / ".gitignore").read_text() == "*.pt\n"


@pytest.mark.data
def test_answers_to_other_faces_than_the_datas_are_refused(mien, results, data_folder, tmp_path):
    code, _, said = mien("report", "--results", results, "--faces", tmp_path / "faces", "--data", data_folder)
    assert code == 1
    assert said == "mien: mien-0: answers other test faces than this data holds; give the data that it was trained on.\n"


def test_mistakes_are_wrong_and_the_most_confident_first():
    probs = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.05, 0.95], [0.01, 0.99]])
    classes = np.array([0, 0, 0, 0, 0])
    assert most_confident_mistakes(probs, classes, np.arange(4)).tolist() == [3, 1, 2]
    assert most_confident_mistakes(probs, classes, np.arange(5), count=2).tolist() == [4, 3]


def test_samples_are_some_of_the_rows_and_the_same_each_time():
    rows = np.arange(100, 200)
    found = choose_samples(rows)
    assert len(set(found)) == 8
    assert set(found) <= set(rows)
    assert found.tolist() == choose_samples(rows).tolist()
    assert choose_samples(rows[:3]).tolist() == [100, 101, 102]
