"""`mien predict` as a user types it: every kind of input, every format, and what bad input gets."""

import csv
import io
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
import zlib
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from mien.inference.weights import WEIGHTS

PICTURES = Path(__file__).parents[1] / "golden" / "pictures"
HOPPER, ASTRONAUT = PICTURES / "hopper.jpg", PICTURES / "astronaut.jpg"
STRANGE = ["two\nlines.jpg", "grüße 😀.jpg", "a,b \"c\".jpg", os.fsdecode(b"not \xff unicode.jpg")]  # fmt: skip


def shell(*words, prefix=(), **options):
    """Runs `python -m mien predict` with these words; the finished process."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    command = [*prefix, sys.executable, "-m", "mien", "predict", *map(str, words)]
    return subprocess.run(command, encoding="utf-8", timeout=120, check=False, **options)


@pytest.fixture
def predict(mien):
    """Runs `mien predict` with these words; gives exit code, stdout and stderr."""
    return partial(mien, "predict")


@pytest.fixture
def album(tmp_path):
    """A folder with two pictures, one of them deeper, and a text."""
    (tmp_path / "album" / "deeper").mkdir(parents=True)
    shutil.copy(HOPPER, tmp_path / "album" / "b.JPG")
    shutil.copy(ASTRONAUT, tmp_path / "album" / "deeper" / "a.jpeg")
    (tmp_path / "album" / "notes.txt").write_text("no picture")
    return tmp_path / "album"


def bomb():
    """A PNG whose header claims 60,000 x 60,000 pixels."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + pixel()[33:]


def pixel():
    out = io.BytesIO()
    Image.new("RGB", (1, 1)).save(out, "PNG")
    return out.getvalue()


def test_a_fresh_process_answers_on_stdout_alone():
    done = shell(ASTRONAUT)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{ASTRONAUT}: 1 face\n  face 0  ")
    assert "happiness" in done.stdout.splitlines()[1]


@pytest.mark.parametrize(
    ("format_", "read"),
    [
        ("json", json.loads),
        ("jsonl", lambda text: [json.loads(line) for line in text.splitlines()]),
        ("csv", lambda text: list(csv.DictReader(io.StringIO(text)))),
    ],
)
@pytest.mark.parametrize("to_file", [False, True], ids=["stdout", "out"])
def test_formats(predict, tmp_path, format_, read, to_file):
    out = tmp_path / "out"
    words = ["--out", out] if to_file else []
    code, text, said = predict(PICTURES / "no-face.jpg", ASTRONAUT, PICTURES / "small.jpg", "--format", format_, *words)
    assert (code, said) == (0, "")
    found = read(out.read_text(encoding="utf-8") if to_file else text)
    names = [Path(record["source"]).name for record in found]
    assert names == ["no-face.jpg", "astronaut.jpg", "small.jpg"] + ["small.jpg"] * (format_ == "csv")
    assert (text == "") == to_file


@pytest.mark.parametrize(
    ("name", "words", "start"),
    [
        ("x.csv", [], "source,frame,"),
        ("x.JSON", [], "[\n{"),
        ("x.jsonl", [], "{"),
        ("x.txt", [], str(PICTURES)),
        ("x.list", [], str(PICTURES)),
        ("x.csv", ["--format", "jsonl"], "{"),
    ],
)
def test_the_files_name_says_its_format_where_no_option_does(predict, tmp_path, name, words, start):
    assert predict(PICTURES / "no-face.jpg", "--out", tmp_path / name, *words) == (0, "", "")
    assert (tmp_path / name).read_text().startswith(start)


def test_sources_in_their_order(predict, album, monkeypatch):
    monkeypatch.chdir(album.parent)
    code, text, _ = predict("album", "album/*.JPG", "album/**/a.*", ASTRONAUT, "--format", "json")
    names = [record["source"] for record in json.loads(text)]
    assert (code, names) == (0, ["album/b.JPG", "album/deeper/a.jpeg", "album/b.JPG", "album/deeper/a.jpeg", str(ASTRONAUT)])


def test_a_name_with_glob_characters_is_first_a_name(predict, tmp_path):
    shutil.copy(HOPPER, tmp_path / "photo[1].jpg")
    code, text, _ = predict(tmp_path / "photo[1].jpg", "--format", "json")
    assert (code, len(json.loads(text)[0]["faces"])) == (0, 1)


def test_stdin():
    with HOPPER.open("rb") as file:
        done = shell("-", "--format", "json", stdin=file)
    (found,) = json.loads(done.stdout)
    assert (done.returncode, found["source"], len(found["faces"])) == (0, "-", 1)


@pytest.mark.parametrize(
    ("words", "keep"),
    [
        ([], lambda faces: faces),
        (["--max-faces", 2], lambda faces: faces[:2]),
        (["--min-face", 90], lambda faces: [face for face in faces if face["box"]["width"] >= 90]),
        (["--threshold", 0.8], lambda faces: [face for face in faces if face["score"] >= 0.8]),
        (["--threshold", 1], lambda faces: []),
    ],
    ids=["none", "max-faces", "min-face", "threshold", "threshold 1"],
)
def test_limits(predict, words, keep):
    everything, found = (json.loads(predict(PICTURES / "several.jpg", "--format", "json", *more)[1])[0]["faces"]
                         for more in ([], words))  # fmt: skip
    assert len(everything) == 4
    assert [face["score"] for face in found] == [face["score"] for face in keep(everything)]


def test_whole_image_detects_nothing(predict):
    code, text, _ = predict(PICTURES / "no-face.jpg", "--whole-image", "--format", "json")
    (face,) = json.loads(text)[0]["faces"]
    assert (code, face["score"], face["box"]) == (0, 1, {"x": 0, "y": 0, "width": 202, "height": 300})


@pytest.mark.parametrize("words", [["--engine", "onnx"], ["--engine", "litert-int8"], ["--detector", "short_range"],
                                   ["--model", WEIGHTS / "mien"], ["--threads", 1]])  # fmt: skip
def test_other_parts_say_happiness_too(predict, words):
    _, text, _ = predict(ASTRONAUT, "--format", "json", *words)
    assert json.loads(text)[0]["faces"][0]["emotion"] == "happiness"


def test_annotated_pictures_of_one_name_and_never_over_an_original(predict, tmp_path):
    for place, original in (("one", HOPPER), ("two", ASTRONAUT)):
        (tmp_path / place).mkdir()
        shutil.copy(original, tmp_path / place / "face.jpg")
    code, _, said = predict(tmp_path / "one", tmp_path / "two", PICTURES / "exif.jpg", "--annotate", tmp_path / "one")
    assert code == 0
    assert said.splitlines() == [f"annotated: {tmp_path}/one/{name}.jpg" for name in ("face-2", "face-3", "exif")]
    assert (tmp_path / "one" / "face.jpg").read_bytes() == HOPPER.read_bytes()
    for name, size in (("face-2", (512, 600)), ("face-3", (512, 512)), ("exif", (340, 340))):
        with Image.open(tmp_path / "one" / f"{name}.jpg") as image:
            assert image.size == size


def test_explained_faces_are_pictures_of_their_own(predict, tmp_path):
    words = (PICTURES / "several.jpg", HOPPER, PICTURES / "no-face.jpg", "--explain", tmp_path / "why", "--format", "json")
    code, text, said = predict(*words)
    assert code == 0
    assert said.splitlines() == [f"explained: {tmp_path}/why/{name}.png" for name in ("several", "hopper")]
    (_, four), (_, one) = (Image.open(tmp_path / "why" / name).size for name in ("several.png", "hopper.png"))
    assert four > 3 * one
    code, _, said = predict(HOPPER, "--explain", HOPPER)
    assert (code, said) == (2, f"mien: --explain {HOPPER}: cannot be made or written (File exists); choose another folder.\n")
    (tmp_path / "hopper.png").mkdir()
    code, again, said = predict(HOPPER, "--explain", tmp_path, "--format", "json")
    assert (code, said) == (1, f"mien: --explain {tmp_path}/hopper.png: cannot be written (Is a directory).\n")
    assert json.loads(again) == json.loads(text)[1:2]


def test_blur_faces_hides_them_in_the_annotated_pictures_alone(predict, tmp_path):
    plain = predict(ASTRONAUT, "--format", "json", "--annotate", tmp_path / "seen")[1]
    blurred = predict(ASTRONAUT, "--format", "json", "--annotate", tmp_path / "hidden", "--blur-faces")[1]
    assert blurred == plain
    assert len(json.loads(predict(tmp_path / "seen" / "astronaut.jpg", "--format", "json")[1])[0]["faces"]) == 1
    assert json.loads(predict(tmp_path / "hidden" / "astronaut.jpg", "--format", "json")[1])[0]["faces"] == []


def test_what_stands_beside_an_original_is_never_overwritten(predict, tmp_path):
    shutil.copy(HOPPER, tmp_path / "one.png")
    (tmp_path / "one.jpg").write_bytes(b"another picture of the same name")
    code, _, said = predict(tmp_path / "one.png", "--annotate", tmp_path)
    assert (code, said) == (0, f"annotated: {tmp_path / 'one-2.jpg'}\n")
    assert (tmp_path / "one.jpg").read_bytes() == b"another picture of the same name"


def test_drawn_pictures_stand_in_the_same_folders_as_their_originals(predict, tmp_path):
    for place in ("2025/may", "2025/june", "2026"):
        (tmp_path / "photos" / place).mkdir(parents=True)
        shutil.copy(HOPPER, tmp_path / "photos" / place / "face.png")
    before = tmp_path / "photos" / "2026" / "face.jpg"
    before.write_bytes(b"another picture of the same name")
    code, _, said = predict(tmp_path / "photos", "--annotate", tmp_path / "marked", "--format", "json")
    assert code == 1
    assert f"{before}: " in said
    made = {str(path.relative_to(tmp_path / "marked")) for path in (tmp_path / "marked").rglob("*.*")}
    assert made == {"2025/may/face.jpg", "2025/june/face.jpg", "2026/face.jpg"}
    predict(tmp_path / "photos" / "2025", tmp_path / "photos" / "2026", "--annotate", tmp_path / "photos")
    assert before.read_bytes() == b"another picture of the same name"
    assert (tmp_path / "photos" / "may" / "face.jpg").exists()
    assert (tmp_path / "photos" / "face.jpg").exists()


def test_hidden_files_and_pipes_in_a_folder_are_no_pictures(predict, album):
    (album / "._b.jpg").write_bytes(b"what macOS leaves beside b.jpg")
    (album / ".thumbs").mkdir()
    shutil.copy(HOPPER, album / ".thumbs" / "t.jpg")
    os.mkfifo(album / "pipe.jpg")
    code, text, said = predict(album, "--format", "json")
    assert (code, said) == (0, "")
    assert [Path(result["source"]).name for result in json.loads(text)] == ["b.JPG", "a.jpeg"]


def test_results_are_never_written_over_a_picture(predict, tmp_path):
    picture = shutil.copy(HOPPER, tmp_path / "one.jpg")
    code, text, said = predict(picture, "--out", picture)
    assert (code, text) == (2, "")
    assert "is one of the pictures" in said
    assert Path(picture).read_bytes() == HOPPER.read_bytes()


def test_a_file_called_dash_that_a_glob_matches_is_a_file(predict, tmp_path, monkeypatch):
    shutil.copy(HOPPER, tmp_path / "-")
    monkeypatch.chdir(tmp_path)
    code, text, _ = predict("[-]", "--format", "json")
    assert (code, len(json.loads(text)[0]["faces"])) == (0, 1)


def test_a_second_run_annotates_in_the_same_places(predict, tmp_path):
    said = [predict(HOPPER, "--annotate", tmp_path / "marked")[2] for _ in range(2)]
    assert said[0] == said[1]
    assert os.listdir(tmp_path / "marked") == ["hopper.jpg"]


BAD = {
    "empty.jpg": (b"", "is empty"),
    "text.png": (b"I am a text", "is not a picture"),
    "cut-off.jpg": (HOPPER.read_bytes()[:9000], "cut-off or damaged"),
    "cut-off.png": ((PICTURES / "grey.png").read_bytes()[:9000], "cut-off or damaged"),
    "clip.MP4": (b"I am a clip", "is not a picture but, by its name, a video; `mien video` reads it."),
    "https://example.org/face.jpg?size=9": (None, "addresses are not fetched; download it first."),
    "bomb.png": (bomb(), "megapixels; make it smaller"),
    "missing.jpg": (None, "no such file; check the path"),
    "*.nothing": (None, "matches no file; check the pattern"),
    "folder.jpg/": (None, "holds no pictures; looked for .avif"),
    "n" * 300 + ".jpg": (None, "File name too long"),
    "empty.jpg/below.jpg": (None, "Not a directory"),
}


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    """One run over all bad inputs, with good ones before, between and after: the finished process, its folder and names."""
    folder = tmp_path_factory.mktemp("bad")
    (folder / "folder.jpg").mkdir()
    for name, (content, _) in BAD.items():
        if content is not None:
            (folder / name).write_bytes(content)
    (folder / "pixel.png").write_bytes(pixel())
    for name in STRANGE:
        shutil.copy(HOPPER, folder / name)
    names = [*STRANGE, "pixel.png", *BAD, "missing\nas well.jpg"]
    return shell(*names, HOPPER, "--format", "json", cwd=folder), names


def test_bad_files_never_stop_the_rest(bad):
    done, names = bad
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert [record["source"].rstrip("/") for record in found] == [name.rstrip("/") for name in [*names, str(HOPPER)]]
    good = [record["source"] for record in found if record["faces"]]
    assert good == [*STRANGE, str(HOPPER)]
    assert [record["error"] for record in found if record["source"] in (*good, "pixel.png")] == [None] * 6


@pytest.mark.parametrize("name", BAD, ids=lambda name: name[:20])
def test_a_bad_file_is_one_line_that_says_what_was_wrong(bad, name):
    done, _ = bad
    (record,) = [record for record in json.loads(done.stdout) if record["source"].rstrip("/") == name.rstrip("/")]
    lines = [line for line in done.stderr.splitlines() if line.startswith(f"mien: {record['source']}: ")]
    assert lines == [f"mien: {record['source']}: {record['error']}"]
    assert BAD[name][1] in record["error"]
    assert record["faces"] == []


def test_stderr_holds_a_line_a_failure_and_nothing_else(bad):
    done, _ = bad
    assert len(done.stderr.splitlines()) == len(BAD) + 1
    assert done.stderr.splitlines()[-1].startswith("mien: missing\\nas well.jpg: no such file")


def test_text_names_what_failed_once_on_stderr_and_keeps_it_in_a_file(predict, tmp_path):
    failed, good = f"{tmp_path}/missing.jpg: no such file; check the path.\n", f"{PICTURES}/no-face.jpg: 0 faces\n"
    assert predict(tmp_path / "missing.jpg", PICTURES / "no-face.jpg") == (1, good, f"mien: {failed}")
    words = ("--out", tmp_path / "out.txt")
    assert predict(tmp_path / "missing.jpg", PICTURES / "no-face.jpg", *words) == (1, "", f"mien: {failed}")
    assert (tmp_path / "out.txt").read_text() == failed + good


def test_no_permission(album):
    as_owner = ()
    if os.geteuid() == 0:  # root without its override: a file's mode counts
        if not shutil.which("setpriv"):
            pytest.skip("root may read everything, and there is no setpriv to take that away")
        as_owner = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    (album / "b.JPG").chmod(0)
    (album / "deeper").chmod(0)
    done = shell(album, album / "deeper" / "a.jpeg", HOPPER, "--format", "jsonl", prefix=as_owner)
    (album / "deeper").chmod(0o700)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert [(record["source"], record["error"]) for record in found] == [
        (f"{album}/b.JPG", "no permission to read it; change its mode or owner."),
        (f"{album}/deeper", "cannot be listed (Permission denied); change its mode."),
        (f"{album}/deeper/a.jpeg", "no permission to read it; change its mode or owner."),
        (str(HOPPER), None),
    ]
    assert len(done.stderr.splitlines()) == 3


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--model", "mein"], "unknown model 'mein'. Did you mean 'mien'?"),
        (["--model", "COPY"], "sha256 is "),
        (["--model", "EMPTY"], "is not a bundle"),
        (["--engine", "litert_int8"], "Did you mean 'litert-int8'?"),
        (["--detector", "full-range"], "unknown detector 'full-range'. Did you mean 'full_range'?"),
        (["--format", "jsno"], "unknown format 'jsno'. Did you mean 'json'?"),
        (["--out", "EMPTY"], "cannot be written (Is a directory); choose another file."),
        (["--out", "EMPTY/none/x.csv"], "cannot be written (No such file or directory); choose another file."),
        (["--blur-faces"], "--blur-faces: needs --annotate DIR"),
        (["--annotate", HOPPER], "cannot be made or written (File exists); choose another folder."),
    ],
    ids=lambda value: "" if isinstance(value, str) else " ".join(map(str, value))[:30],
)
def test_a_wrong_request_is_one_line_and_exit_2(predict, tmp_path, words, expected):
    (tmp_path / "EMPTY").mkdir()
    copy = shutil.copytree(WEIGHTS / "mien", tmp_path / "COPY")
    (copy / "model.tflite").write_bytes(b"another")
    code, text, said = predict(HOPPER, *(tmp_path / word if str(word)[:4] in ("COPY", "EMPT") else word for word in words))
    assert (code, text) == (2, "")
    assert said.startswith("mien: ")
    assert expected in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("words", [[], [HOPPER, "--threshold", "2"], [HOPPER, "--min-face", "-1"], [HOPPER, "--max-faces", "0"],
                                   [HOPPER, "--treshold", "0.5"]])  # fmt: skip
def test_a_wrong_option_is_usage(predict, words):
    code, text, said = predict(*words)
    assert (code, text) == (2, "")
    assert said.startswith("Usage: ")
    assert words == [] or str(words[1]) in said


@pytest.mark.parametrize("format_", ["text", "json", "jsonl", "csv"])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line(format_):
    with open("/dev/full", "w") as full:
        done = shell(HOPPER, "--format", format_, stdout=full)
    other = shell(HOPPER, "--format", format_, "--out", "/dev/full")
    assert done.returncode == other.returncode == 1
    assert done.stderr == other.stderr == "mien: output: No space left on device; make room, or choose another place.\n"


@pytest.mark.parametrize("format_", ["text", "json"])
def test_a_closed_pipe_ends_without_a_word(format_):
    read, write = os.pipe()
    os.close(read)
    done = shell(HOPPER, "--format", format_, stdout=write)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_closed_stderr_takes_no_place_of_the_results(tmp_path):
    done = shell(
        "none.jpg", HOPPER, "--format", "jsonl", "--out", tmp_path / "r.jsonl", prefix=["sh", "-c", 'exec "$@" 2>&-', "-"]
    )
    assert (done.returncode, done.stdout) == (1, "")
    lines = (tmp_path / "r.jsonl").read_text().splitlines()
    assert [bool(json.loads(line)["error"]) for line in lines] == [True, False]


def test_an_annotated_picture_that_cannot_be_written_stops_nothing(predict, tmp_path):
    (tmp_path / "hopper.jpg").mkdir()
    code, text, said = predict(HOPPER, ASTRONAUT, "--annotate", tmp_path, "--format", "json")
    assert (code, len(json.loads(text))) == (1, 2)
    assert said.splitlines() == [
        f"mien: --annotate {tmp_path}/hopper.jpg: cannot be written (Is a directory).",
        f"annotated: {tmp_path}/astronaut.jpg",
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_ctrl_c_is_exit_130_and_keeps_what_was_finished(tmp_path):
    """Sixteen pictures pass together; the seventeenth is a pipe into which nobody writes."""
    os.mkfifo(tmp_path / "waits.jpg")
    words = ["predict", *[str(PICTURES / "no-face.jpg")] * 16, str(tmp_path / "waits.jpg"), "--format", "json",
             "--out", str(tmp_path / "out.json")]  # fmt: skip
    running = subprocess.Popen(
        [sys.executable, "-m", "mien", *words], stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # where the tests' own shell ignores it
    )  # fmt: skip
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            writer = os.open(tmp_path / "waits.jpg", os.O_WRONLY | os.O_NONBLOCK)
            break
        except OSError:  # nobody reads yet
            time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    os.close(writer)  # wakes a read that had just begun when the signal came
    _, said = running.communicate(timeout=60)
    assert (running.returncode, said) == (130, "mien: interrupted; what was finished is kept.\n")
    assert len(json.loads((tmp_path / "out.json").read_text())) == 16


def test_a_bar_for_many_pictures_on_a_terminal_alone(predict, monkeypatch, tmp_path):
    words = [*[PICTURES / "no-face.jpg"] * 17, "--format", "jsonl", "--out", tmp_path / "out.jsonl"]
    assert predict(*words)[2] == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert "100%" in predict(*words)[2]
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 17
