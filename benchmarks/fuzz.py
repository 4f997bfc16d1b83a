"""What hostile files do to mien: nothing but its own errors may come out. From the repository's root, on Linux:

    python -m benchmarks.fuzz --pictures 20000 --bundles 2000 --csvs 2000 --clips 1000 --seed 0 --out results/fuzz.json
    python -m benchmarks.fuzz case pictures 1234 --seed 0       # one of them again, with its traceback

Each file (benchmarks/hostile.py) is read in a child process with MEMORY_BYTES of address space. A child that ends, or that
takes more than LIMIT_S for one, is a failure of that case, and the next child goes on behind it. At the end a sample goes
through the command line. Exits with 1 where anything failed.
"""

import json
import os
import re
import resource
import select
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from benchmarks.hostile import is_forged, make_bundle, make_clip, make_picture, make_tables
from benchmarks.parts import write_report
from benchmarks.small_pictures import EXAMPLE, pictures
from benchmarks.trials import TRY, recognizer

from mien.errors import MienError
from mien.machine import provenance

app = typer.Typer(help=__doc__, pretty_exceptions_enable=False)
MEMORY_BYTES = 4 << 30
LIMIT_S = 5.0
"""Longest for one file: of the processor, as others may use it too, or twelve times that on the clock."""
PACKAGES = ("mien", "numpy", "pillow", "ai-edge-litert", "onnxruntime", "av")


@app.command(hidden=True)
def child(kind: str, seed: int, start: int, stop: int) -> None:
    """Says how each case ended, a line of JSON a case."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    recognizer().predict(np.zeros((48, 48, 3), np.uint8))
    limit_memory()
    print("{}", file=answers, flush=True)
    for number in range(start, stop):
        began_s = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            ended = attempt(kind, seed, number, Path(folder))
        print(json.dumps({"ended": ended, "time_s": time.process_time() - began_s}), file=answers, flush=True)


def limit_memory() -> None:
    """Of this process, for good."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def attempt(kind: str, seed: int, number: int, folder: Path) -> str:
    """`read`, `refused`, or what came out that is not mien's."""
    try:
        TRY[kind](seed, number, folder)
    except MienError:
        return "refused"
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} in {Path(last.filename).name}, line {last.lineno}: {error!s:.200}"
    return "read"


def run(kind: str, seed: int, count: int, start: int = 0) -> Iterator[tuple[str, float]]:
    """How each case ended, and the processor's seconds that it took."""
    done = start
    while done < count:
        words = [sys.executable, "-m", "benchmarks.fuzz", "child", kind, str(seed), str(done), str(count)]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        answers = Answers(process)
        if answers.next(120) is None:
            raise RuntimeError(f"the child for {kind} does not start")
        while (answer := answers.next(LIMIT_S)) is not None:
            yield answer["ended"], answer["time_s"]
            done += 1
        process.kill()
        code = process.wait()
        if done < count:
            yield ("hangs" if answers.late else f"ends the process ({code})"), answers.used_s
            done += 1


class Answers:
    """The lines that a child says. late: the last one did not come; used_s: the processor's seconds spent on it."""

    def __init__(self, process: "subprocess.Popen[bytes]"):
        assert process.stdout
        self._process, self._stdout = process, process.stdout
        self._rest = b""
        self.late, self.used_s = False, 0.0

    def next(self, limit_s: float) -> dict[str, Any] | None:
        """The next, or None if there is none within so many seconds of the child's, or twelve times that on the clock."""
        began_s, before_s = time.monotonic(), self._processor_s()
        while b"\n" not in self._rest:
            if select.select([self._stdout], [], [], 0.5)[0]:
                if not (more := os.read(self._stdout.fileno(), 1 << 16)):
                    return None
                self._rest += more
            self.used_s = self._processor_s() - before_s
            if b"\n" not in self._rest and (self.used_s > limit_s or time.monotonic() - began_s > 12 * limit_s):
                self.late = True
                return None
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line)

    def _processor_s(self) -> float:
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def fuzz(kind: str, seed: int, count: int) -> dict[str, Any]:
    """How all cases ended."""
    counts: Counter[str] = Counter()
    failures, slowest_s, began_s = [], 0.0, time.monotonic()
    for number, (ended, time_s) in enumerate(run(kind, seed, count)):
        ended = ended if time_s <= LIMIT_S or ended.startswith("hangs") else f"takes {time_s:.1f} s ({ended})"
        good = ended in ("read", "refused")
        counts[ended if good else "failed"] += 1
        slowest_s = max(slowest_s, time_s if good else 0.0)
        if not good:
            failures.append({"case": number, "ended": ended})
            if kind == "bundles" and is_forged(seed, number):
                failures[-1]["forged"] = True
            print(f"{kind} {number}: {ended}", file=sys.stderr)
        if number % 500 == 499:
            print(f"{kind}: {number + 1} in {time.monotonic() - began_s:.0f} s, {dict(counts)}", file=sys.stderr)
    outcomes = {ended: counts[ended] for ended in ("read", "refused", "failed")}
    forged = {"forged": sum(is_forged(seed, number) for number in range(count))} if kind == "bundles" else {}
    return {"cases": count, **forged, **outcomes, "slowest_s": round(slowest_s, 2), "failures": failures}


def failed(found: dict[str, Any]) -> bool:
    """Whether anything did that must not. A forged graph may end the process: LiteRT trusts what it loads."""
    return any(not (f.get("forged") and f["ended"].startswith("ends the process")) for f in found["failures"])


def by_command(kind: str, seed: int, numbers: range, folder: Path) -> dict[str, Any]:
    """The same files through the command line, each by one command, pictures all by one: its exit codes and tracebacks."""
    codes: Counter[str] = Counter()
    tracebacks = []
    for number, words in commands(kind, seed, numbers, folder):
        line = [sys.executable, "-m", "mien", *words]
        done = subprocess.run(line, capture_output=True, check=False, timeout=300, preexec_fn=limit_memory)
        codes[str(done.returncode)] += 1
        if b"Traceback" in done.stderr + done.stdout or done.returncode not in (0, 1, 2):
            tracebacks.append({"case": number, "exit": done.returncode, "said": done.stderr.decode(errors="replace")[-300:]})
            print(f"{kind} {number} by command: {tracebacks[-1]}", file=sys.stderr)
    return {
        "files": len(numbers),
        "commands": codes.total(),
        "exit_codes": dict(sorted(codes.items())),
        "tracebacks": tracebacks,
    }


def commands(kind: str, seed: int, numbers: range, folder: Path) -> Iterator[tuple[int, list[str]]]:
    """The case of the first file and the words of each command."""
    if kind == "pictures":
        for number in numbers:
            (folder / f"{number}.png").write_bytes(make_picture(seed, number)[1])
        yield numbers.start, ["predict", *(str(folder / f"{number}.png") for number in numbers), "--format", "jsonl"]
        return
    for number in numbers:
        place = folder / kind / str(number)
        if kind == "bundles":
            engine = make_bundle(seed, number, place)
            yield (
                number,
                ["predict", str(EXAMPLE), "--model", str(place), "--engine", engine] if number % 3 else ["info", str(place)],
            )
        elif kind == "csvs":
            make_tables(seed, number, place)
            yield number, ["data", "check", str(place)]
        else:
            yield number, ["video", str(make_clip(seed, number, place)), "--format", "csv"]


@app.command()
def case(
    kind: str, number: int, seed: int = 0, keep: Annotated[Path | None, typer.Option(help="Leave its files here.")] = None
) -> None:
    """One case again, here, without limits."""
    folder = keep or Path(tempfile.mkdtemp())
    folder.mkdir(exist_ok=True, parents=True)
    if kind == "pictures":
        name, content = make_picture(seed, number)
        (folder / re.sub(r"\W+", "-", name)).write_bytes(content)
    print(folder)
    TRY[kind](seed, number, folder)


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    pictures_: Annotated[int, typer.Option("--pictures")] = 200,
    bundles: int = 20,
    csvs: int = 20,
    clips: int = 10,
    seed: int = 0,
    sample: Annotated[int, typer.Option(help="Of so many files of each kind one goes through the command line.")] = 40,
    out: Annotated[Path | None, typer.Option(help="Write the JSON to this file too.")] = None,
) -> None:
    if context.invoked_subcommand:
        return
    began_s = time.monotonic()
    counts = {"pictures": pictures_, "bundles": bundles, "csvs": csvs, "clips": clips}
    found: dict[str, Any] = {
        **provenance(*PACKAGES),
        "seed": seed,
        "memory_gb": MEMORY_BYTES >> 30,
        "limit_s": LIMIT_S,
        "formats": sorted({name.split()[0] for name in pictures()}),
        **{kind: fuzz(kind, seed, count) for kind, count in counts.items()},
    }
    with tempfile.TemporaryDirectory() as folder:
        found["command_line"] = {
            kind: by_command(kind, seed, range(0, count, sample), Path(folder)) for kind, count in counts.items()
        }
    found["time_s"] = round(time.monotonic() - began_s)
    write_report(found, out)
    raise typer.Exit(int(any(failed(found[kind]) or found["command_line"][kind]["tracebacks"] for kind in counts)))


if __name__ == "__main__":
    app()
