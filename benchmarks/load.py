"""What the service bears, and what it costs. From the repository's root, on a quiet machine:

    python -m benchmarks.load --out results/bench_load.json      # 10,000 requests, 50 at a time: some minutes

Clients and service share this machine's cores. Prints JSON: what was lost, wrong or refused, the times to the answer, the
service's memory at the 1,000th request and at the last, its CPU time a request beside that of Recognizer.predict on the same
bytes, and how many requests a second it answers with batches and without.
"""

import asyncio
import json
import math
import os
import statistics
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from benchmarks.crowd import Parcel, Tally, crowd, draw, make_parcels
from benchmarks.parts import write_report
from benchmarks.server import serve

from mien.errors import ImageError
from mien.inference.recognizer import Recognizer
from mien.machine import provenance

app = typer.Typer(pretty_exceptions_enable=False)
GOALS = {"lost": 0, "wrong": 0, "memory": 0.05, "cpu": 1.35, "batching": 1.0}
LIMIT_S = 20 * 60
SOURCE = "<request>"
WARM = 100
"""Requests before anything is counted."""


@app.command()
def main(
    requests: Annotated[int, typer.Option(min=200)] = 10_000,
    clients: Annotated[int, typer.Option(min=1, help="At a time; one in twenty is slow.")] = 50,
    rounds: Annotated[int, typer.Option(min=1, help="Of batches and no batches, in turns.")] = 20,
    out: Annotated[Path | None, typer.Option(help="A JSON file to write.")] = None,
) -> None:
    """Load the service, and say what came back, how fast, and at what cost."""
    busy = round(os.getloadavg()[0] / (os.cpu_count() or 1), 2)
    parcels, recognizer = make_parcels(), Recognizer()
    due = {parcel.name: predict(recognizer, parcel) for parcel in parcels}
    alone = [time_alone(recognizer, parcels)]
    loaded = asyncio.run(asyncio.wait_for(load(parcels, due, requests, clients), LIMIT_S))
    alone.append(time_alone(recognizer, parcels))
    turns = asyncio.run(asyncio.wait_for(take_turns(parcels, due, max(100, requests // 50), clients, rounds), LIMIT_S))
    report = {
        **provenance("mien", "numpy", "pillow", "ai-edge-litert", "fastapi", "starlette", "uvicorn", "h11"),
        "busy_before": busy,
        **conclude(*loaded, alone, parcels, requests, clients),
        "batching": turns,
    }
    write_report(report | {"goals": check(report)}, out)


def predict(recognizer: Recognizer, parcel: Parcel) -> Any:
    """What the service is to answer, as JSON; None for what is no picture."""
    try:
        result = recognizer.predict(parcel.body).to_dict() | {"source": SOURCE}
    except ImageError:
        return None
    return json.loads(json.dumps(result))


def time_alone(recognizer: Recognizer, parcels: list[Parcel], rounds: int = 7) -> dict[str, float]:
    """CPU seconds that Recognizer.predict takes for each: the median, with nothing else running."""
    times_s: dict[str, list[float]] = {parcel.name: [] for parcel in parcels}
    for _ in range(rounds):
        for parcel in parcels:
            start = time.process_time()
            predict_bare(recognizer, parcel)
            times_s[parcel.name].append(time.process_time() - start)
    return {name: statistics.median(values) for name, values in times_s.items()}


def predict_bare(recognizer: Recognizer, parcel: Parcel) -> None:
    with suppress(ImageError):
        recognizer.predict(parcel.body)


async def load(
    parcels: list[Parcel], due: dict[str, Any], requests: int, clients: int
) -> tuple[Tally, float, dict, list[float]]:
    """What came back, in how many seconds, at what CPU time, and the memory after each tenth answer."""
    slow, memory_mb, count = math.ceil(clients / 20), [], 0
    with serve() as server:
        await crowd(server.port, draw(parcels, WARM, 1), due, clients, 0, lambda: None)

        def note() -> None:
            nonlocal count
            count += 1
            if count % 10 == 0:
                memory_mb.append(server.memory_mb())

        before, began_s = server.cpu_s(), time.perf_counter()
        tally = await crowd(server.port, draw(parcels, requests), due, clients, slow, note)
        seconds, after = time.perf_counter() - began_s, server.cpu_s()
    return tally, seconds, {name: after[name] - before[name] for name in after}, memory_mb


async def take_turns(parcels: list[Parcel], due: dict[str, Any], requests: int, clients: int, rounds: int) -> dict[str, Any]:
    """With batches and without, in turns: requests a second, and CPU ms of each; whole pictures, and none of the clients slow.

    Turns are short and many, and their ratio is taken turn by turn, so that what else the machine does disturbs both alike.
    """
    whole = [parcel for parcel in parcels if parcel.status == 200 and "megapixels" not in parcel.name]
    rates: dict[str, list[float]] = {"on": [], "off": []}
    cpu_ms: dict[str, list[float]] = {"on": [], "off": []}
    with serve() as batched, serve("--together", "1") as single:
        for turn in range(rounds + 1):
            for name, server in (("on", batched), ("off", single))[:: 1 if turn % 2 else -1]:
                used_s, began_s = sum(server.cpu_s().values()), time.perf_counter()
                await crowd(server.port, draw(whole, requests, turn), due, clients, 0, lambda: None)
                rates[name].append(requests / (time.perf_counter() - began_s))
                cpu_ms[name].append((sum(server.cpu_s().values()) - used_s) / requests * 1000)
    return {
        "requests_a_turn": requests,
        "turns_of_each": rounds,
        "requests_per_second": spread(rates["on"][1:], rates["off"][1:]),
        "cpu_ms_a_request": spread(cpu_ms["on"][1:], cpu_ms["off"][1:]),
    }


def spread(on: list[float], off: list[float]) -> dict[str, Any]:
    """Medians with batches and without; the ratio of each turn: median and quartiles."""
    low, middle, high = np.percentile(np.divide(on, off), (25, 50, 75)).round(3).tolist()
    return {
        "on": round(statistics.median(on), 2),
        "off": round(statistics.median(off), 2),
        "ratio": middle,
        "quartiles": [low, high],
    }


def conclude(
    tally: Tally,
    seconds: float,
    cpu_s: dict[str, float],
    memory_mb: list[float],
    alone: list[dict[str, float]],
    parcels: list[Parcel],
    requests: int,
    clients: int,
) -> dict[str, Any]:
    """The report's part on the load. memory_mb: after each tenth answer; alone: CPU seconds of predict, before and after."""
    expected_s = sum(count * statistics.mean(turn[name] for turn in alone) for name, count in tally.sent.items())
    kinds = {parcel.name: parcel.status for parcel in parcels}
    early, late = memory_mb[90:110] or memory_mb[:5], memory_mb[-20:]
    return {
        "requests": requests,
        "clients": clients,
        "slow_clients": math.ceil(clients / 20),
        "broken": sum(count for name, count in tally.sent.items() if kinds[name] != 200),
        "pictures": {"kinds": len(parcels), "kB": sizes(parcels)},
        "seconds": round(seconds, 1),
        "requests_per_second": round(requests / seconds, 1),
        "lost": len(tally.lost),
        "wrong": len(tally.wrong),
        "refused": tally.refused,
        "first_of_them": (tally.lost + tally.wrong)[:10],
        "equal_to_the_last_digit": tally.exact,
        "largest_difference": tally.difference,
        "ms": {f"p{q}": round(float(np.percentile(tally.times_s, q)) * 1000, 1) for q in (50, 90, 99)},
        "ms_slow_clients": {"p50": round(float(np.percentile(tally.slow_s, 50)) * 1000, 1)} if tally.slow_s else None,
        "memory_mb": {
            "at_the_1000th": round(statistics.median(early), 1),
            "at_the_last": round(statistics.median(late), 1),
            "growth": round(statistics.median(late) / statistics.median(early) - 1, 4),
            "peak": round(max(memory_mb), 1),
        },
        "cpu_ms_a_request": {
            **{name: round(value / requests * 1000, 3) for name, value in cpu_s.items()},
            "predict_alone": round(expected_s / requests * 1000, 3),
            "ratio": round(sum(cpu_s.values()) / expected_s, 3),
        },
    }


def sizes(parcels: list[Parcel]) -> dict[str, float]:
    """Of the whole pictures' files, as often as they come."""
    whole = [parcel for parcel in parcels if parcel.status == 200]
    lengths = np.array([len(parcel.body) / 1000 for parcel in whole])
    shares = np.array([parcel.weight for parcel in whole])
    return {"least": lengths.min().round(1), "mean": (lengths @ shares / shares.sum()).round(1), "most": lengths.max().round(1)}


def check(report: dict[str, Any]) -> dict[str, Any]:
    """Each goal, what was measured, and whether it was met."""
    found = {
        "lost": report["lost"] + report["refused"],
        "wrong": report["wrong"],
        "memory": abs(report["memory_mb"]["growth"]),
        "cpu": report["cpu_ms_a_request"]["ratio"],
        "batching": report["batching"]["requests_per_second"]["ratio"],
    }
    met = {name: value >= GOALS[name] if name == "batching" else value <= GOALS[name] for name, value in found.items()}
    return {name: {"goal": GOALS[name], "measured": found[name], "met": met[name]} for name in GOALS}


if __name__ == "__main__":
    app()
