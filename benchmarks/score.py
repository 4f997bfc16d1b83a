"""How fast many pictures are scored, and in how much memory. From the repository's root, on a quiet machine:

    python -m benchmarks.score speed --small 6000 --photos 3000 --out results/bench_score.json    # mien score, and its parts
    python -m benchmarks.score jobs --pictures 2000 --out results/bench_score.json    # mien predict --jobs against one core
    python -m benchmarks.score memory --out results/bench_score.json                  # mien score, 1,000 and 10,000 pictures

Each prints JSON, and writes it as its own part of --out. The pictures are made on the fly of one photograph: `small` is
128 x 96 with the face filling half of it, `photo` 640 x 480.
"""

import io
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from benchmarks.parts import show
from benchmarks.undisturbed import busy_s
from PIL import Image, ImageOps
from pyarrow.parquet import ParquetFile
from tests.batch.running import Programs, programs

from mien.batch.guard import Guard
from mien.batch.parts import Part, Source, find_parts, resolve
from mien.batch.run import prepare
from mien.batch.work import Counts, Job, score_part
from mien.cli.inputs import SUFFIXES
from mien.inference.recognizer import Recognizer
from mien.machine import count_cores

app = typer.Typer(help=__doc__, pretty_exceptions_enable=False)
PACKAGES = ("ray", "pyarrow")
Out = Annotated[Path | None, typer.Option(help="A JSON file whose part with this command's name is replaced.")]
PHOTO = Path(__file__).parents[1] / "examples" / "astronaut.jpg"
SIZES = {"small": (128, 96), "photo": (640, 480)}
SHARED, GROWTH = 0.85, 1.10
"""Least share of cores x one core's speed that --jobs must reach; most that ten times the pictures may take of the memory."""
PART = 250


class Others:
    """What else this machine did since this was made: figures of a busy one are worth nothing."""

    def __init__(self) -> None:
        self._start, self._all, self._own = time.perf_counter(), busy_s(), own_cpu_s()

    def share(self) -> float:
        """Of the cores' time, what processes took that are not this one or those that it started and that have ended."""
        taken = busy_s() - self._all - (own_cpu_s() - self._own)
        return round(taken / (time.perf_counter() - self._start) / (os.cpu_count() or 1), 3)


def own_cpu_s() -> float:
    """What this process has taken, and those that it started and that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def make_pictures(folder: Path, kind: str, count: int) -> Path:
    """`count` JPEGs, each a little different from the one before."""
    folder.mkdir()
    photo = ImageOps.fit(Image.open(PHOTO).convert("RGB"), (800, 600), centering=(0.4, 0))
    for i in range(count):
        left, top = i % 40, i // 40 % 40
        part = photo.crop((left, top, left + 720, top + 540)) if kind == "photo" else photo.crop((180, top, 500, top + 240))
        part.resize(SIZES[kind]).save(folder / f"{i:06}.jpg", quality=85 + i // 1600 % 10)
    return folder


@app.command()
def speed(small: int = 4_000, photos: int = 2_000, out: Out = None) -> None:
    """The time that more pictures take, so that Ray's start does not count; and what the driver alone has to do for them."""
    counts = {"small": (small // 4, small), "photo": (photos // 4, photos)}
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind, (few, many) in counts.items():
            part = {n: make_pictures(Path(folder) / f"{kind}-{n}", kind, n) for n in (few, many)}
            times_s = {n: time_score(path, Path(folder) / f"out-{kind}-{n}") for n, path in part.items()}
            rate = (many - few) / (times_s[many] - times_s[few])
            found[kind] = {
                "pixels": SIZES[kind], "pictures": [few, many], "seconds": [round(times_s[n], 2) for n in (few, many)],
                "pictures_per_second": round(rate, 1), "per_core": round(rate / count_cores(), 1),
                "one_core_alone": round(time_alone(part[few]), 1),
            }  # fmt: skip
        lone = time_lone(Path(folder) / f"photo-{photos}", Path(folder))
    show("speed", {"cores": count_cores(), **found, "one_process": lone}, PACKAGES, out)


def time_score(pictures: Path, out: Path) -> float:
    start = time.perf_counter()
    words = ("score", pictures, "--out", out, "--part", PART)
    subprocess.run([sys.executable, "-m", "mien", *map(str, words)], check=True, capture_output=True)
    return time.perf_counter() - start


def time_alone(pictures: Path) -> float:
    """Pictures a second of one recogniser in this process, no other work being done."""
    recognizer, paths = Recognizer(), sorted(pictures.iterdir())
    recognizer.predict_batch(paths[:16])
    start = time.perf_counter()
    for i in range(0, len(paths), 16):
        recognizer.predict_batch(paths[i : i + 16])
    return len(paths) / (time.perf_counter() - start)


def time_lone(pictures: Path, folder: Path) -> dict[str, float]:
    """What the driver does for all workers: lists pictures, writes parts; and what a row takes on disk."""
    source = Source(str(pictures), "/", frozenset(SUFFIXES), PART)
    job = Job(source, {"model": "mien"}, dict(Recognizer().model))
    start = time.perf_counter()
    parts: list[Part] = list(find_parts(resolve(source)))
    listed = time.perf_counter() - start
    with Guard(job.options) as guard:
        table, counts = score_part(job, parts[0], guard)
    _, store = prepare(job, folder / "lone")
    start = time.perf_counter()
    with store.writer() as writer:
        for i in range(400):
            writer.add(i, table, counts)
    written = time.perf_counter() - start
    total = sum((Counts(len(part.names)) for part in parts), Counts())
    return {
        "pictures_listed_per_second": round(total.pictures / listed),
        "pictures_written_per_second": round(400 * counts.pictures / written),
        "bytes_per_row": round(len(table) / ParquetFile(io.BytesIO(table)).metadata.num_rows, 1),
        "bytes_per_picture_planned": round(store.plan.stat().st_size / total.pictures, 1),
    }


@app.command()
def jobs(pictures: int = 2_000, kind: str = "photo", rounds: int = 3, out: Out = None) -> None:
    """`mien predict` on a folder by one process and by one a core, in turns, each command's whole time."""
    cores = count_cores()
    with tempfile.TemporaryDirectory() as folder:
        source = make_pictures(Path(folder) / "pictures", kind, pictures)
        others = Others()
        taken = [{n: time_predict(source, n) for n in (1, cores)} for _ in range(rounds)]
    times_s, cpu_s = ([{n: pair[i] for n, pair in turn.items()} for turn in taken] for i in (0, 1))
    shares = [turn[1] / (cores * turn[cores]) for turn in times_s]
    show("jobs", {
        "cores": cores, "kind": kind, "pictures": pictures, "rounds": rounds,
        "pictures_per_second": {n: round(pictures / statistics.median(turn[n] for turn in times_s), 1) for n in (1, cores)},
        "cpu_ms_per_picture": {n: round(statistics.median(turn[n] for turn in cpu_s) * 1e3 / pictures, 2) for n in (1, cores)},
        "share_of_cores_times_one": [round(share, 3) for share in sorted(shares)],
        "cpu_of_others": others.share(),
        "goal": {"least": SHARED, "met": statistics.median(shares) >= SHARED},
    }, PACKAGES, out)  # fmt: skip


def time_predict(source: Path, count: int) -> tuple[float, float]:
    """Seconds by the clock, and of the processors."""
    start, before = time.perf_counter(), own_cpu_s()
    words = ("predict", source, "--format", "csv", "--jobs", count)
    subprocess.run([sys.executable, "-m", "mien", *map(str, words)], check=True, capture_output=True)
    return time.perf_counter() - start, own_cpu_s() - before


@app.command()
def memory(pictures: Annotated[list[int] | None, typer.Option()] = None, out: Out = None) -> None:
    """The peak of all processes of a run together, Ray's included, what they share counted once."""
    few, many = pictures or (1_000, 10_000)
    with tempfile.TemporaryDirectory() as folder:
        peaks = {}
        for count in (few, many):
            source = make_pictures(Path(folder) / str(count), "small", count)
            peaks[count] = measure_peak("score", source, "--out", Path(folder) / f"out-{count}", "--part", PART)
    growth = peaks[many] / peaks[few]
    show("memory", {
        "peak_mb": {count: round(peak) for count, peak in peaks.items()}, "growth": round(growth, 3),
        "goal": {"most": GROWTH, "met": growth <= GROWTH},
    }, PACKAGES, out)  # fmt: skip


def measure_peak(*words: object) -> float:
    """MB that `mien` with these words has at most, looked at a few times a second."""
    with programs() as started:
        process, peak = started.mien(*words), 0.0
        while process.poll() is None:
            peak = max(peak, resident_mb(started))
            time.sleep(0.25)
    if process.returncode:
        raise SystemExit(f"mien {' '.join(map(str, words))}: {process.stderr.read() if process.stderr else ''}")
    return peak


def resident_mb(started: Programs) -> float:
    """Proportional set size of all its processes."""
    total = 0
    for pid in started.running():
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except (OSError, StopIteration):  # it has ended
            continue
    return total / 1000


if __name__ == "__main__":
    app()
