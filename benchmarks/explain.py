"""What an explanation costs, against one face.

python -m benchmarks.explain --out results/bench_explain.json
"""

import json
import statistics
from pathlib import Path

import numpy as np
import typer

from mien import Recognizer
from mien.cli.bench import alternate, summary
from mien.inference.explain import explain_crop
from mien.machine import provenance

PICTURE = Path(__file__).parents[1] / "examples" / "astronaut.jpg"
GOAL = 300


def main(rounds: int = 30, out: Path | None = None) -> None:
    """Times one face and its explanation in turns, one thread, and prints JSON."""
    recognizer = Recognizer()
    crop = recognizer.explain(PICTURE).crop
    calls = {
        "one face": lambda: recognizer.classify(crop[None]),
        "64 faces": lambda: recognizer.classify(np.repeat(crop[None], 64, 0)),
        "explanation": lambda: explain_crop(crop, recognizer.classify),
    }
    times = alternate(calls, rounds)
    ratio = statistics.median(times["explanation"]) / statistics.median(times["one face"])
    report = {
        **provenance("mien", "numpy", "ai-edge-litert"),
        "times_ms": {name: summary(values) for name, values in times.items()},
        "times_of_one_face": round(ratio, 1),
        "goal": {"most": GOAL, "met": ratio <= GOAL},
    }
    print(text := json.dumps(report, indent=1))
    if out:
        out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
