"""benchmarks/peers.py: what its tables say of planted figures, what drivers answer, and that docs/benchmarks.md is theirs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.peers import PAGE, README, RESULTS, to_classes
from benchmarks.peers_install import DRIVERS, PEERS, folder_of, last_line, tidy
from benchmarks.peers_page import SUMMARY, accuracy_parts, commands, other_rows, speed_parts, summary, write_page

from mien.emotions import EMOTIONS
from mien.evaluation.published import read_published


def one_round(one_ms: float, frames: int, import_s: float = 0.5) -> dict:
    return {
        "import_s": import_s,
        "bare_s": 0.1,
        "first_s": 2.25,
        "first": {"emotions": ["happy"], "of": "photo", "peak_mb": 100.4, "backend": "wasm"},
        "times": {"one": {"ms": one_ms}, "many": {"ms": 1234.5}, "photo": {"ms": 20}},
        "clip": {"frames": frames, "s": 10.0, "peak_mb": 200.6},
    }


LACKS = {"lacks": "has no detector", "peak_mb": 1}
RUN = {"machine": "A processor", "date": "2026-01-02", "commit": "abc1234"}
SPEED = {
    "human": RUN
    | {"mb": 1234.4, "versions": {"node": "v1"}, "notes": ["a note"], "rounds": [one_round(3, 300), one_round(2, 500)]},
    "LiteRT, compact": RUN
    | {"mb": 10, "mb_with_clips": 20}
    | {"rounds": [
        one_round(1, 1800)
        | {"first": {"of": "face", "peak_mb": 5}, "clip": LACKS}
        | {"times": {"one": {"ms": 1}, "many": {"ms": 2}, "photo": LACKS}}
    ]},
    "uniface": RUN | {"mb": 5, "versions": {"uniface": "3"}, "notes": [], "rounds": [], "error": "no weights"},
}  # fmt: skip


def cells(text: str, name: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_the_quietest_round_counts_and_what_is_lacking_is_a_dash() -> None:
    text = "\n\n".join(speed_parts(SPEED))
    assert cells(text, "human") == ["1,234", "0.40", "2.25", "2.00", "1,234", "20.0", "36 (500)", "100", "201"]
    assert cells(text, "LiteRT, compact") == ["10 (20)", "0.40", "2.25 (face)", "1.00", "2", "–", "–", "5", "–"]
    assert "A processor, 2026-01-02, commit abc1234, 2 rounds." in text
    assert "**human**: node v1; backend wasm; a note." in text


def test_what_failed_is_listed_with_its_error() -> None:
    text = "\n\n".join(speed_parts(SPEED)).split("### What could not be had here")[1]
    assert cells(text, "uniface") == ["uniface 3", "5", "fetched from GitHub at first use", "`no weights`"]
    assert "human" not in text


def test_accuracies_come_with_half_an_interval() -> None:
    share = {"n": 100, "accuracy": 0.5}
    planted = RUN | {"ferplus": share, "ferplus_leak_free": share, "fer2013": {"n": 2500, "accuracy": 0.8}}
    found = {"fer": planted, "human": RUN | {"error": "no"}}
    text = "\n\n".join(accuracy_parts(found))
    assert cells(text, "fer") == ["0.500 ± 0.098", "0.500 ± 0.098", "0.800 ± 0.016", "FER2013"]
    assert "| human |" not in text


def test_the_peers_words_become_emotions() -> None:
    words = ["Happiness", "happy", "sad", "angry", "fearful", "disgusted", "surprised", "neutral", "contempt", "no such"]
    names = ["happiness", "happiness", "sadness", "anger", "fear", "disgust", "surprise", "neutral", "contempt"]
    assert to_classes(words, 10).tolist() == [*map(EMOTIONS.index, names), -1]
    with pytest.raises(RuntimeError, match="answers for 10 of 11 faces"):
        to_classes(words, 11)


def test_errors_lose_addresses_and_paths() -> None:
    assert tidy("OSError: cannot read '/home/x/y' from\n https://host/z, twice") == "OSError: cannot read … from … twice"
    assert last_line("Traceback\nValueError: one\n\nhint: two\n") == "ValueError: one"


@pytest.mark.parametrize("name", PEERS)
def test_each_peer_has_a_driver_and_an_environment_of_its_own_packages(name: str) -> None:
    assert (DRIVERS / PEERS[name].driver).is_file()
    sharing = [other for other in PEERS if folder_of(Path(), other) == folder_of(Path(), name)]
    assert {PEERS[other].packages for other in sharing} == {PEERS[name].packages}


DRIVER = """
import sys; sys.path.insert(0, {drivers!r})
from driver import drive
class Fake:
    def __init__(self, job): print("noise")
    def classify(self, faces): return ["happy"] * len(faces)
    def photo(self, pixels): raise NotImplementedError("has no detector")
    def clip(self, path): return iter([1, 0, 2])
def none(job): sys.exit("no weights")
drive(none if {fails} else Fake)
"""


@pytest.mark.parametrize(
    ("task", "fails", "found"),
    [
        ("first", False, {"emotions": ["happy"], "of": "face"}),
        ("classify", False, {"emotions": ["happy"] * 70}),
        ("clip", False, {"frames": 3, "faces": 3}),
        ("first", True, {"error": "SystemExit: no weights"}),
    ],
)
def test_a_driver_says_one_line_of_json(tmp_path: Path, task: str, fails: bool, found: dict) -> None:
    (tmp_path / "faces").write_bytes(bytes(70 * 48 * 48))
    (tmp_path / "photo").write_bytes(bytes(480 * 640 * 3))
    job = {"task": task, "faces": str(tmp_path / "faces"), "photo": str(tmp_path / "photo"), "clip": "", "seconds": 9}
    (tmp_path / "job.json").write_text(json.dumps(job))
    code = DRIVER.format(drivers=str(DRIVERS), fails=fails)
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "job.json"], capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert found.items() <= answer.items()
    assert answer["peak_mb"] > 1


def test_every_benchmark_file_has_a_command() -> None:
    assert commands("bench_load.json") == ["python -m benchmarks.load --out results/bench_load.json"]
    assert [row["file"] for row in other_rows(RESULTS.parent) if row["commands"] == "–"] == []


def test_the_report_has_the_same_figures_of_the_peers() -> None:
    found = json.loads(RESULTS.read_text())
    stated = {peer.name.split()[0]: peer for peer in read_published().peers}

    def one_face_ms(name: str) -> float:
        return min(part["times"]["one"]["ms"] for part in found["speed"][name]["rounds"])

    for name in ("fer", "face-api", "human"):
        accuracy = found["accuracy"][name]
        assert stated[name].accuracy == round(accuracy["ferplus"]["accuracy"], 3)
        assert stated[name].fer2013 == round(accuracy["fer2013"]["accuracy"], 3)
        assert stated[name].time == pytest.approx(one_face_ms(name) / one_face_ms("LiteRT, compact"), rel=0.02)


def test_the_page_is_what_its_command_writes() -> None:
    assert PAGE.read_text(encoding="utf-8") == write_page(RESULTS), "run: python -m benchmarks.peers page"


def test_the_readme_has_the_committed_figures() -> None:
    shown = SUMMARY.search(README.read_text(encoding="utf-8"))
    assert shown
    assert shown[0] == summary(RESULTS), "run: python -m benchmarks.peers page"
    assert [line.split("|")[1].strip() for line in shown[0].splitlines()[2:]] == ["mien", "fer", "face-api", "human"]


def test_nothing_private_is_in_the_results() -> None:
    text = RESULTS.read_text(encoding="utf-8")
    assert [word for word in ("://", "/tmp", "/root", "/home", "/work") if word in text] == []
