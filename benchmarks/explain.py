"""What an explanation costs, against one face.

python -m benchmarks.explain --out results/bench_explain.json
"""

import statistics
from pathlib import Path

import numpy as np
import typer
from benchmarks.parts import write_report

from mien import Recognizer
from mien.cli.bench import alternate, summary
from mien.inference.explain import explain_crop
from mien.machine import provenance

PICTURE = Path(__file__).parents[1] / "examples" / "astronaut.jpg"
GOAL = 300
TIMES = 30
"""Faces that are classified one by one for a measurement of one, by a recogniser that does nothing else."""


def main(rounds: int = 30, out: Path | None = None) -> None:
    """Times one face and its explanation in turns, one thread, and prints JSON."""
    recognizer, alone = Recognizer(), Recognizer()
    crop = recognizer.explain(PICTURE).crop
    calls = {
        f"{TIMES} faces, one by one": lambda: [alone.classify(crop[None]) for _ in range(TIMES)],
        "64 faces": lambda: recognizer.classify(np.repeat(crop[None], 64, 0)),
        "explanation": lambda: explain_crop(crop, recognizer.classify),
    }
    times = alternate(calls, rounds)
    one_by_one, _, explanation = (statistics.median(values) for values in times.values())
    ratio = explanation / one_by_one * TIMES
    report = {
        **provenance("mien", "numpy", "ai-edge-litert"),
        "times_ms": {name: summary(values) for name, values in times.items()},
        "times_of_one_face": round(ratio, 1),
        "goal": {"most": GOAL, "met": ratio <= GOAL},
    }
    write_report(report, out)


if __name__ == "__main__":
    typer.run(main)
