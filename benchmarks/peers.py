"""mien beside what users would pick instead: on the same pictures, in the same run. From the repository's root:

    python -m benchmarks.peers install --envs DIR                # an environment for each; TensorFlow's alone takes gigabytes
    python -m benchmarks.peers measure --envs DIR                # size, import, first answer, speed, memory; on a quiet machine
    python -m benchmarks.peers accuracy --envs DIR --data DIR    # on FER+'s and FER2013's test faces
    python -m benchmarks.peers page                              # docs/benchmarks.md and the README's table, from it

The results go to results/peers.json. Each peer is driven by a program of its own (benchmarks/peers), in a fresh process and
under a time limit; one that fails becomes a row with its error. NAMEs choose among the peers; the others' results stay.
"""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from benchmarks.peers_install import DRIVERS, PEERS, ROOT, folder_of, last_line, tidy
from benchmarks.peers_install import install as make
from benchmarks.peers_page import SUMMARY, summary, write_page

from mien.emotions import EMOTIONS
from mien.machine import provenance

app = typer.Typer(help=__doc__, pretty_exceptions_enable=False)
Names = Annotated[list[str] | None, typer.Argument(help=f"Of: {'; '.join(PEERS)}. All if none.")]
Envs = Annotated[Path, typer.Option(resolve_path=True, help="Folder of the environments.")]
Out = Annotated[Path, typer.Option(help="The JSON file to bring up to date.")]
SeedModel = Annotated[
    Path | None, typer.Option(exists=True, resolve_path=True, help="The seed's .tflite: faces / 255 to eight probabilities.")
]
ENVS, RESULTS, PAGE = ROOT / ".venv-peers", ROOT / "results" / "peers.json", ROOT / "docs" / "benchmarks.md"
README = ROOT / "README.md"
LIMIT_S = 300
"""Longest that one job may take."""
CLIP_S = 60
SEED, COMPACT = "LiteRT, the seed's file", "LiteRT, compact"
SCALES = {COMPACT: 1.0, SEED: 1 / 255}
WORDS = {
    "neutral": "neutral", "happy": "happiness", "surprise": "surprise", "surprised": "surprise", "sad": "sadness",
    "angry": "anger", "disgust": "disgust", "disgusted": "disgust", "fear": "fear", "fearful": "fear",
}  # fmt: skip
"""The peers' words for the emotions -> mien's."""


@app.command()
def install(names: Names = None, envs: Envs = ENVS) -> None:
    """Make the environments that are not there yet, one after the other."""
    for name in names or PEERS:
        print(name, json.dumps(make(name, envs)), flush=True)


@app.command()
def measure(
    names: Names = None,
    envs: Envs = ENVS,
    rounds: int = 2,
    seconds: float = 10,
    seed_model: SeedModel = None,
    more: Annotated[bool, typer.Option(help="Add to the rounds that the file has.")] = False,
    out: Out = RESULTS,
) -> None:
    """Everything but accuracy, round by round: all peers in each. seconds: how long a clip may take."""
    job = prepare(envs) | {"seconds": seconds}
    found = {name: describe(name, envs, seed_model) for name in names or PEERS}
    for name, peer in json.loads(out.read_text(encoding="utf-8"))["speed"].items() if more else ():
        if name in found:
            found[name]["rounds"] = peer["rounds"]
    for _ in range(rounds):
        for name, peer in found.items():
            if not peer.get("error"):
                add_round(peer, name, envs, job | {"model": model_of(name, job, seed_model), "scale": SCALES.get(name)})
                print(name, peer.get("error") or peer["rounds"][-1], flush=True)
    update(out, "speed", found)


def add_round(peer: dict[str, Any], name: str, envs: Path, job: dict[str, Any]) -> None:
    """Adds what one round measured, or the error that ended it."""
    one: dict[str, Any] = {}
    try:
        one["import_s"], one["bare_s"] = time_import(name, envs)
        start = time.perf_counter()
        first = do(name, envs, job | {"task": "first"})
        one |= {"first_s": time.perf_counter() - start, "first": first}
        one["times"] = do(name, envs, job | {"task": "times"})
        one["clip"] = do(name, envs, job | {"task": "clip"})
        peer["rounds"].append(one)
    except RuntimeError as error:
        peer["error"] = str(error)


@app.command()
def accuracy(
    data: Annotated[Path, typer.Option(help="Folder with FER2013 and fer2013new.csv.")],
    names: Names = None, envs: Envs = ENVS, seed_model: SeedModel = None, out: Out = RESULTS,
) -> None:  # fmt: skip
    """Top emotions of the test faces, each given whole, as a face already cropped."""
    from mien.data.dataset import read_dataset
    from mien.data.splits import leak_free

    dataset = read_dataset(data)
    ferplus, fer2013 = dataset.split("test", "majority"), dataset.split("test", "fer2013")
    kept = np.isin(fer2013.rows, ferplus.rows)
    found: dict[str, Any] = {}
    with tempfile.NamedTemporaryFile() as faces:
        fer2013.images.tofile(faces.name)
        for name in names or PEERS:
            if name == COMPACT or (name == SEED and not seed_model):
                continue
            job: dict[str, Any] = {"task": "classify", "faces": faces.name, "model": str(seed_model), "scale": SCALES.get(name)}
            try:
                answers = to_classes(do(name, envs, job, 4 * LIMIT_S)["emotions"], len(fer2013.rows))
                right = answers[kept] == ferplus.targets.argmax(1)
                found[name] = {
                    "ferplus": share(right), "ferplus_leak_free": share(right[leak_free(ferplus)]),
                    "fer2013": share(answers == fer2013.targets.argmax(1)),
                }  # fmt: skip
            except RuntimeError as error:
                found[name] = {"error": str(error)}
            found[name] |= {key: value for key, value in describe(name, envs, seed_model).items() if key == "commit"}
            print(name, found[name], flush=True)
    update(out, "accuracy", found)


def to_classes(words: list[str], n: int) -> np.ndarray:
    """Index in EMOTIONS of each of the peers' words; -1 for none of them. int [n]. Raises RuntimeError for fewer."""
    if len(words) != n:
        raise RuntimeError(f"answers for {len(words)} of {n} faces")
    names = [WORDS.get(word.lower(), word.lower()) for word in words]
    return np.array([EMOTIONS.index(name) if name in EMOTIONS else -1 for name in names], int)


def share(right: np.ndarray) -> dict[str, Any]:
    return {"n": len(right), "accuracy": float(right.mean())}


@app.command()
def page(results: Path = RESULTS, out: Path = PAGE) -> None:
    """Write docs/benchmarks.md, and the README's table, from the results."""
    out.write_text(write_page(results), encoding="utf-8")
    README.write_text(SUMMARY.sub(lambda _: summary(results), README.read_text(encoding="utf-8")), encoding="utf-8")


def describe(name: str, envs: Path, seed_model: Path | None) -> dict[str, Any]:
    """What is known of a peer before it runs."""
    note = folder_of(envs, name) / "installed.json"
    if not note.exists():
        return {"error": "not installed: python -m benchmarks.peers install"}
    installed = json.loads(note.read_text(encoding="utf-8"))
    if name == SEED and not seed_model:
        installed["error"] = "no file was given (--seed-model)"
    return installed | {"rounds": []}


def model_of(name: str, job: dict[str, Any], seed_model: Path | None) -> str | None:
    return {COMPACT: job["compact"], SEED: str(seed_model)}.get(name)


def prepare(envs: Path) -> dict[str, str]:
    """The pictures and the untrained network, made once: a photo, its face 64 times, a minute's clip.

    raw_clip: the first ten seconds as decoded frames, for Node, which reads no video; 28 MB a second.
    """
    from benchmarks.filming import repeat
    from benchmarks.networks import convert
    from benchmarks.video import make as film_clip
    from PIL import Image

    from mien import Recognizer
    from mien.cli.bench import open_photo
    from mien.media.video import open_video

    folder = envs / "pictures"
    names = {"photo": "photo.rgb", "faces": "faces.bin", "clip": "clip.mp4", "raw_clip": "clip.rgb",
             "compact": "compact.tflite"}  # fmt: skip
    paths = {key: folder / file for key, file in names.items()}
    if all(path.exists() for path in paths.values()):
        return {key: str(path) for key, path in paths.items()}
    folder.mkdir(parents=True, exist_ok=True)
    photo = open_photo(ROOT / "examples" / "astronaut.jpg")
    photo.tofile(paths["photo"])
    x, y, width, height = Recognizer().predict(photo).faces[0].box
    face = np.asarray(Image.fromarray(photo).crop((x, y, x + width, y + height)).convert("L").resize((48, 48)))
    np.stack([face] * 64).tofile(paths["faces"])
    ten = film_clip(folder / "ten.mp4", "one face", 10)
    repeat(ten, paths["clip"], CLIP_S // 10)
    with open(paths["raw_clip"], "wb") as raw, open_video(ten) as frames:
        for frame in frames:
            raw.write(np.ascontiguousarray(frame.pixels).tobytes())
    convert("compact", folder)
    return {key: str(path) for key, path in paths.items()}


def do(name: str, envs: Path, job: dict[str, Any], limit_s: float = LIMIT_S) -> dict[str, Any]:
    """What the peer's driver says to a job. Raises RuntimeError with the reason where it fails or takes too long."""
    folder = folder_of(envs, name)
    path = folder / "job.json"
    path.write_text(json.dumps(job | {"env": str(folder)}), encoding="utf-8")
    done = run([*PEERS[name].command(folder), str(DRIVERS / PEERS[name].driver), str(path)], folder, limit_s)
    try:
        found = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise RuntimeError(last_line(done.stderr) or f"ended with {done.returncode}") from None
    if "error" in found:
        raise RuntimeError(tidy(found["error"]))
    return found


def run(command: list[str], cwd: Path, limit_s: float = LIMIT_S) -> subprocess.CompletedProcess[str]:
    """With the threads that the peer chooses itself, and without TensorFlow's talk."""
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"} | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=limit_s, check=False, env=environment)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"no answer within {limit_s:.0f} s") from None


def time_import(name: str, envs: Path) -> tuple[float, float]:
    """Seconds of a fresh process that imports the peer, and of one that does nothing: the least of three each."""
    folder = folder_of(envs, name)
    start = [*PEERS[name].command(folder), "-e" if PEERS[name].is_node else "-c"]

    def once(code: str) -> float:
        before = time.perf_counter()
        done = run([*start, code], folder)
        if done.returncode:
            raise RuntimeError(last_line(done.stderr))
        return time.perf_counter() - before

    times: list[Callable[[], float]] = [lambda: once(PEERS[name].imports), lambda: once("")]
    imported, bare = (min(time_() for _ in range(3)) for time_ in times)
    return imported, bare


def update(out: Path, part: str, found: dict[str, Any]) -> None:
    """Replaces what the file's part says of these peers; each says when and where it was measured, mien its wheel's commit."""
    whole = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
    run_of = {key: value for key, value in provenance().items() if key != "versions"}  # each peer has its own
    peers = whole.get(part, {}) | {name: run_of | peer for name, peer in found.items()}
    whole[part] = {name: peers[name] for name in PEERS if name in peers}
    out.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    app()
