"""How fast the page is beside Python, in turns in one run, and whether its memory stays. From the repository's root:

    make web && python -m benchmarks.page --out results/bench_page.json

Frames of 640x480 with one face and with five, decoded beforehand: a frame of the live view in headless Chromium, from the grab
to the drawn canvas, against `Recognizer.predict`; one face of 48x48 against `Recognizer.classify`; a fresh load; 3,000 frames.
"""

import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from benchmarks.filming import film, photographs
from benchmarks.parts import write_report
from benchmarks.video import SEATS
from PIL import Image

from mien.inference.recognizer import Recognizer
from mien.machine import provenance

SCRIPT = Path(__file__).parents[1] / "web" / "benchmark.mjs"
GOALS = {"one face": 2.0, "five faces": 2.0, "classify": 2.0, "first_s": 3.0, "growth": 1.05}
"""Most times Python's, most seconds, most growth of the memory between a tenth of the frames and all."""


class Page:
    """web/benchmark.mjs as a process that answers."""

    def __init__(self, folder: Path):
        command = ["node", str(SCRIPT), str(folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.browser = self._answer()["ready"]

    def ask(self, *words: object) -> dict[str, Any]:
        assert self._process.stdin
        print(*words, file=self._process.stdin, flush=True)
        return self._answer()

    def close(self) -> None:
        self._process.communicate(timeout=30)

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        if line := self._process.stdout.readline():
            return json.loads(line)
        raise RuntimeError(f"{SCRIPT.name} ended with code {self._process.wait()}; see above.")


def write_frames(folder: Path) -> dict[str, np.ndarray]:
    """A frame of each kind, also as a PNG."""
    frames = {
        name: next(film(seats, photographs()[: len(seats)], 1, np.random.default_rng(0))) for name, seats in SEATS.items()
    }
    frames["classify"] = np.asarray(photographs()[0].convert("L").resize((48, 48)))
    for name, pixels in frames.items():
        Image.fromarray(pixels).save(folder / f"{name.replace(' ', '-')}.png")
    return frames


def median_ms(call: Any, count: int) -> float:
    times = []
    for _ in range(count):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def compare(page: Page, frames: dict[str, np.ndarray], rounds: int, count: int) -> dict[str, Any]:
    """Medians of the rounds' medians in ms, and of their ratios."""
    recognizer = Recognizer()
    ways = {name: lambda pixels=pixels: recognizer.predict(pixels) for name, pixels in frames.items() if name != "classify"}
    ways["classify"] = lambda: recognizer.classify(frames["classify"][None])
    pairs: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, call in ways.items():
            verb = "classify" if name == "classify" else "live"
            pairs[name].append((page.ask(verb, f"{name.replace(' ', '-')}.png", count)["ms"], median_ms(call, count)))
    return {
        name: {
            "page_ms": round(statistics.median(ours for ours, _ in found), 3),
            "python_ms": round(statistics.median(python for _, python in found), 3),
            "ratio": round(statistics.median(ours / python for ours, python in found), 3),
            "most": GOALS[name],
        }
        for name, found in pairs.items()
    }  # fmt: skip


def main(
    rounds: int = 7,
    count: int = 60,
    frames: int = 3000,
    out: Annotated[Path | None, typer.Option(help="A JSON file to write.")] = None,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pictures = write_frames(Path(folder))
        page = Page(Path(folder))
        first_s = statistics.median(page.ask("first", "one-face.png")["ms"] / 1000 for _ in range(5))
        report = {
            **provenance("mien", "numpy", "ai-edge-litert"), "browser": page.browser,
            "rounds": rounds, "frames_a_round": count,
            "against_python": compare(page, pictures, rounds, count),
            "first_result_s": {"median_of_5": round(first_s, 2), "most": GOALS["first_s"]},
            "memory": page.ask("flat", "one-face.png", frames),
        }  # fmt: skip
        page.close()
    write_report(report, out)


if __name__ == "__main__":
    typer.run(main)
