"""Whether a stream is quicker than a plain loop, keeps its memory, and still says the same. From the repository's root:

    python -m benchmarks.video speed --seconds 6 --rounds 4 --fer-python PYTHON --out results/bench_video.json    # in turns
    python -m benchmarks.video memory --out results/bench_video.json    # the peaks of ten minutes and of one
    python -m benchmarks.video agreement --clips 3 --seeds 1 --seconds 3 --out results/bench_video.json    # also --data DIR

Each prints JSON, and writes it as its own part of --out. The clips are made on the fly (benchmarks/filming.py).
"""

import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import av
import numpy as np
import typer
from benchmarks.fer_loop import Peer
from benchmarks.filming import FPS, choose, film, photographs, repeat, sit, write
from benchmarks.likeness import Tally, add, compare
from benchmarks.parts import show
from benchmarks.undisturbed import Watched, calm
from tests.inference.moving_faces import SCENES
from tests.inference.moving_faces import Path as Way

from mien.cli.bench import alternate
from mien.data.dataset import read_dataset
from mien.inference.recognizer import Recognizer
from mien.results import Result

app = typer.Typer(help=__doc__, pretty_exceptions_enable=False)
PACKAGES = ("av", "scipy")
Out = Annotated[Path | None, typer.Option(help="A JSON file whose part with this command's name is replaced.")]
Data = Annotated[Path | None, typer.Option(help="Folder with FER2013 and fer2013new.csv: validation faces as well.")]
Python = Annotated[Path | None, typer.Option(exists=True, help="An environment's python that has the package fer.")]
SEATS = {
    "one face": [sit(320, 240, 150)],
    "five faces": [sit(80 + 120 * i, 150 + 180 * (i % 2), 90, 1.7 * i) for i in range(5)],
}
GOALS = {"one face, defaults": 3.0, "one face, every frame": 1.6, "five faces, defaults": 2.0}
"""Least ratio of frames a second to those of the plain loop."""
GROWTH, SAME, OVERLAP = 1.05, 0.98, 0.9
"""Most that ten times as much video may take of the memory; least agreement with searching every frame, and overlap."""
MEMORY = """
import sys
from mien import Recognizer
frames = sum(1 for result in Recognizer().stream(sys.argv[1]))
print(frames, next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
"""Says how many frames and the peak in kB of this program alone: getrusage's is that of who started it, if that had more."""


class Counting(Recognizer):
    """A recogniser that notes each frame that its streams search."""

    def __init__(self) -> None:
        super().__init__()
        self.searches: list[int] = []

    def search(self, pixels: np.ndarray) -> Any:
        self.searches.append(1)
        return super().search(pixels)


@app.command()
def speed(seconds: int = 10, rounds: int = 7, fer_python: Python = None, out: Out = None) -> None:
    """Each clip through a plain loop, a stream that searches every frame, one with defaults, and fer's loop, in turns.

    Each figure's n says how many of the rounds were undisturbed; if fewer than two were, it stands on all of them.
    """
    with tempfile.TemporaryDirectory() as folder, closing(Peer(fer_python)) if fer_python else nullcontext() as peer:
        clips = {name: make(Path(folder) / f"{name}.mp4", name, seconds) for name in SEATS}
        recognizer = Recognizer()
        calls = {f"{name}, {way}": call for name, clip in clips.items() for way, call in ways(recognizer, clip, peer).items()}
        watched = {name: Watched(call) for name, call in calls.items() if not name.endswith("fer")}  # fer is another program
        seen = {name: describe(clip, len(SEATS[name])) for name, clip in clips.items()}
        times_s = alternate(calls | watched, rounds)
    cores = {name: watch.cores[1:] for name, watch in watched.items()}
    found = conclude(calm(times_s, {name: [others for _, others in values] for name, values in cores.items()}), seconds * FPS)
    ours = {name: ratio["median"] for name, ratio in found["ratios"].items()}
    show("speed", {
        "clips": seen, "rounds": rounds, **found,
        "cores": {name: dict(zip(("own", "others"), np.median(values, 0).round(2).tolist(), strict=True))
                  for name, values in cores.items()},
        "goals": {name: {"least": least, "met": ours[name] >= least} for name, least in GOALS.items()},
        "fer": peer.version if peer else None,
        **({} if peer else {"why_no_fer": "not installed here: name an environment that has it by --fer-python"}),
    }, PACKAGES, out)  # fmt: skip


def make(path: Path, name: str, seconds: int) -> Path:
    return write(path, film(SEATS[name], photographs()[: len(SEATS[name])], seconds * FPS, np.random.default_rng(0)))


def ways(recognizer: Recognizer, clip: Path, peer: Peer | None) -> dict[str, Callable[[], Any]]:
    """A call for each way of going through the clip."""
    calls: dict[str, Callable[[], Any]] = {
        "plain": partial(read_plainly, recognizer, clip),
        "every frame": lambda: list(recognizer.stream(clip, detect_every=1)),
        "defaults": lambda: list(recognizer.stream(clip)),
    }
    return calls | ({"fer": partial(peer.read, clip)} if peer else {})


def read_plainly(recognizer: Recognizer, clip: Path) -> list[Result]:
    """What a user would write."""
    results = []
    with av.open(str(clip)) as container:
        for frame in container.decode(video=0):
            results.append(recognizer.predict(frame.to_ndarray(format="rgb24")))
    return results


def describe(clip: Path, faces: int) -> dict[str, Any]:
    """Data rate, in how many frames all faces are found by either stream, and the share of frames that the default searches."""
    recognizer = Counting()
    results = list(recognizer.stream(clip))
    searched = len(recognizer.searches)
    every = list(recognizer.stream(clip, detect_every=1))
    return {
        "frames": len(results), "kbit_per_second": round(clip.stat().st_size * 8 / 1000 / len(results) * FPS),
        "face_px": round(statistics.median(face.box.width for result in every for face in result.faces)),
        "searched": round(searched / len(results), 3),
        "all_faces_found": {name: float(np.mean([len(result.faces) == faces for result in found]))
                            for name, found in (("defaults", results), ("every frame", every))},
    }  # fmt: skip


def conclude(times_s: dict[str, list[float]], frames: int) -> dict[str, Any]:
    """Frames a second of each call, and ratios to the same clip's plain loop, round by round: medians and quartiles."""
    plain = {name: times_s[f"{name.split(',')[0]}, plain"] for name in times_s}
    ratios = {
        name: [loop / taken for loop, taken in zip(plain[name], values, strict=True)]
        for name, values in times_s.items() if not name.endswith("plain")
    }  # fmt: skip
    return {
        "frames_per_second": {name: spread([frames / taken for taken in values]) for name, values in times_s.items()},
        "ratios": {name: spread(values) for name, values in ratios.items()},
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    low, middle, high = statistics.quantiles(values, n=4)
    return {"median": round(middle, 3), "low": round(low, 3), "high": round(high, 3), "n": len(values)}


@app.command()
def memory(minutes: int = 10, clip_s: int = 10, out: Out = None) -> None:
    """The peak of a program that reads a clip's results and keeps none: of one minute, and of so many."""
    with tempfile.TemporaryDirectory() as folder:
        clip = make(Path(folder) / "clip.mp4", "one face", clip_s)
        peaks = {n: measure_peak(repeat(clip, Path(folder) / f"{n}.mp4", n * 60 // clip_s)) for n in (1, minutes)}
    growth = peaks[minutes]["peak_mb"] / peaks[1]["peak_mb"]
    show(
        "memory",
        {"minutes": peaks, "growth": round(growth, 4), "goal": {"most": GROWTH, "met": growth <= GROWTH}},
        PACKAGES,
        out,
    )


def measure_peak(clip: Path) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", MEMORY, str(clip)], check=True, capture_output=True, text=True)
    frames, peak_kb = map(int, done.stdout.split())
    return {"frames": frames, "peak_mb": round(peak_kb / 1024, 1)}


@app.command()
def agreement(data: Data = None, seconds: int = 5, clips: int = 12, seeds: int = 2, out: Out = None) -> None:
    """Streams with defaults against streams that search every frame: people who sit, and the tests' scenes of fast ones.

    Faces from public photographs and, with --data, from validation, as they are and in poor light, with noise and bad focus.
    """
    recognizer, rng = Counting(), np.random.default_rng(0)
    faces = {"photographs": photographs()}
    if data:
        found = choose(read_dataset(data).split("valid", "majority").images, clips, rng, recognizer)
        faces |= {"validation faces": found, "validation faces, worse": found}
    calm: list[list[Way]] = [[sit(320, 240, 80 + 100 * i / clips, i)] for i in range(clips)]
    fast = [SCENES[scene](random.Random(f"{scene} {seed}")) for scene in SCENES for seed in range(seeds)]
    report = {}
    for source, shown in faces.items():
        for pace, scenes in (("calm", [*calm, SEATS["five faces"]]), ("fast", fast)):
            cast = [(scene, shown[i % len(shown) :] + shown) for i, scene in enumerate(scenes)]
            films = (film(*scene, seconds * FPS, rng, worse=source.endswith("worse")) for scene in cast)
            report[f"{pace}, {source}"] = judge(recognizer, films)
    show("agreement", {"seconds_each": seconds, **report}, PACKAGES, out)


def judge(recognizer: Counting, films: Iterable[Iterator[np.ndarray]]) -> dict[str, Any]:
    """Shares of all sightings, the faces of all frames that either stream gives; what the other lacks agrees in nothing."""
    total, searched, clips = Tally(), 0, 0
    for frames in films:
        with tempfile.TemporaryDirectory() as folder:
            clip = write(Path(folder) / "clip.mp4", frames)
            before = len(recognizer.searches)
            ours = list(recognizer.stream(clip))
            searched, clips = searched + len(recognizer.searches) - before, clips + 1
            total = add([total, compare(list(recognizer.stream(clip, detect_every=1)), ours)])
    shares = {name: round(getattr(total, name) / total.sightings, 4) for name in ("same", "same_smoothed", "overlap", "alone")}
    return {
        "clips": clips, "frames": total.frames, "sightings": total.sightings, "searched": round(searched / total.frames, 3),
        **shares,
        "overlap_of_pairs": round(total.overlap / (total.sightings - total.alone), 4),
        "labels_that_change": round(total.changes / total.sightings, 4),
        "met": {"same": shares["same"] >= SAME, "same_smoothed": shares["same_smoothed"] >= SAME,
                "overlap": shares["overlap"] >= OVERLAP},
    }  # fmt: skip


if __name__ == "__main__":
    app()
