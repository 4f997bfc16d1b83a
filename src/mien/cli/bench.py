"""`mien bench`: how long things take here, each in the same run, as medians with their spread."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.options import ModelName
from mien.errors import UsageError, unknown

if TYPE_CHECKING:
    import numpy as np

    from mien.inference.recognizer import Recognizer

PHOTO_SIZE = (640, 480)
ENGINES = ("litert", "litert-int8")  # what the bare program and the two networks alone run too
BARE = """
import sys, numpy
from ai_edge_litert.interpreter import Interpreter
for path in sys.argv[1:]:
    network = Interpreter(path, num_threads=1)
    network.allocate_tensors()
    network.set_tensor(network.get_input_details()[0]["index"], numpy.zeros(network.get_input_details()[0]["shape"], "f"))
    network.invoke()
    network.get_tensor(network.get_output_details()[0]["index"])
"""
"""The least that any program must do: import numpy and LiteRT and run both networks once."""


def bench(
    photo: Annotated[Path, typer.Argument(help="A photograph with one face, such as examples/astronaut.jpg.")],
    model: ModelName = "mien",
    against: Annotated[str | None, typer.Option(help="Another bundle, timed in turns with the first.")] = None,
    engine: Annotated[str, typer.Option(help="litert or litert-int8.")] = "litert",
    rounds: Annotated[int, typer.Option(min=3, help="Measurements of each.")] = 200,
    format_: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Time one face, 64 faces, a 640x480 photo, a fresh process and the import, on one thread."""
    from mien import Recognizer
    from mien.machine import provenance

    if format_ not in ("text", "json"):
        raise UsageError(f"--format {format_}: expected text or json.")
    if engine not in ENGINES:
        raise unknown("engine", engine, ENGINES)
    recognizer = Recognizer(model, threads=1, engine=engine)
    other = {f" ({against})": Recognizer(against, threads=1, engine=engine)} if against else {}
    times_s = time_crops({"": recognizer} | other, rounds)
    times_s |= time_photo(recognizer, open_photo(photo), engine, rounds)
    times_s |= time_processes(recognizer, photo, engine, max(3, rounds // 20))
    report = {
        **provenance("mien", "numpy", "pillow", "ai-edge-litert"),
        "model": {"name": recognizer.bundle.name, "engine": engine, "sha256": recognizer.bundle.sha256(engine)},
        "times_ms": {name: summary(values) for name, values in times_s.items()},
        "ratios": ratios({name: statistics.median(values) for name, values in times_s.items()}, against),
    }
    print(json.dumps(report, indent=1) if format_ == "json" else as_text(report))


def alternate(calls: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each call, taken in turns so that what disturbs the machine disturbs all alike; the first round is dropped."""
    times_s: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times_s[name].append(time.perf_counter() - start)
    return {name: values[1:] for name, values in times_s.items()}


def time_crops(recognizers: "dict[str, Recognizer]", rounds: int) -> dict[str, list[float]]:
    """One face and 64 faces through each recogniser's network, in turns."""
    import numpy as np

    faces = np.random.default_rng(0).integers(0, 256, (64, 48, 48), np.uint8)
    one = {f"one face{name}": partial(r.classify, faces[:1]) for name, r in recognizers.items()}
    many = {f"64 faces{name}": partial(r.classify, faces) for name, r in recognizers.items()}
    return alternate(one, rounds) | alternate(many, max(3, rounds // 4))


def open_photo(path: Path) -> "np.ndarray":
    """The photograph on a 640x480 canvas, as pixels."""
    import numpy as np
    from PIL import Image, ImageOps

    from mien.media.images import read_picture

    return np.asarray(ImageOps.pad(Image.fromarray(read_picture(path).pixels), PHOTO_SIZE))


def time_photo(recognizer: "Recognizer", pixels: "np.ndarray", engine: str, rounds: int) -> dict[str, list[float]]:
    """A decoded photo with one face, and in turns with it what its two networks alone take."""
    from mien.inference.engines import load_interpreter

    if (found := len(recognizer.predict(pixels).faces)) != 1:
        raise UsageError(f"the photo shows {found} faces at 640x480; bench needs one with exactly one face.")
    networks = [load_interpreter(path, 1) for path in network_paths(recognizer, engine)]
    calls = {
        "photo 640x480": lambda: recognizer.predict(pixels),
        "its two networks": lambda: [network.invoke() for network in networks],
    }
    return alternate(calls, rounds)


def network_paths(recognizer: "Recognizer", engine: str) -> list[Path]:
    """The files that a photo passes: the default detector's and the bundle's, for this engine."""
    from mien.inference.weights import WEIGHTS

    return [WEIGHTS / "blazeface" / "full_range.tflite", recognizer.bundle.path(engine)]


def time_processes(recognizer: "Recognizer", photo: Path, engine: str, rounds: int) -> dict[str, list[float]]:
    """A fresh `mien predict`, a bare program that runs both networks, and imports, each in a new interpreter."""
    commands = {
        "fresh mien predict": [
            "-m",
            "mien",
            "predict",
            str(photo),
            "--engine",
            engine,
            "--model",
            str(recognizer.bundle.folder),
        ],
        "fresh bare networks": ["-c", BARE, *map(str, network_paths(recognizer, engine))],
        "fresh import mien": ["-c", "import mien"],
        "fresh Python": ["-c", "pass"],
    }

    def run(arguments: list[str]) -> None:
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)

    return alternate({name: partial(run, arguments) for name, arguments in commands.items()}, rounds)


def summary(values: list[float]) -> dict[str, float]:
    """Median and quartiles in milliseconds, and how many were measured."""
    low, middle, high = statistics.quantiles(values, n=4)
    return {"median": middle * 1e3, "low": low * 1e3, "high": high * 1e3, "n": len(values)}


def ratios(median_s: dict[str, float], against: str | None) -> dict[str, float]:
    """What the goals are stated in."""
    found = {
        "networks' share of the photo": median_s["its two networks"] / median_s["photo 640x480"],
        "fresh mien predict / bare networks": median_s["fresh mien predict"] / median_s["fresh bare networks"],
        "import mien, ms": (median_s["fresh import mien"] - median_s["fresh Python"]) * 1e3,
    }
    if against:
        found[f"one face, time / {against}"] = median_s["one face"] / median_s[f"one face ({against})"]
        found[f"64 faces, throughput / {against}"] = median_s[f"64 faces ({against})"] / median_s["64 faces"]
    return found


def as_text(report: dict[str, Any]) -> str:
    """The report as lines."""
    lines = [report["machine"], "  ".join(f"{name} {number}" for name, number in report["versions"].items())]
    lines += [f"{report['model']['name']} by {report['model']['engine']}, one thread; median [quartiles], ms"]
    for name, t in report["times_ms"].items():
        lines.append(f"  {name:<36} {t['median']:9.3f}  [{t['low']:.3f}, {t['high']:.3f}]  n = {t['n']}")
    lines += [f"  {name:<36} {value:9.3f}" for name, value in report["ratios"].items()]
    return "\n".join(lines)
