"""Timings on a machine that others use too: what they took while each call ran, and the rounds in which that was little."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

QUIET = 0.1
"""Cores that other programs may take while a call is timed; where they take more, the clip's round does not count."""


class Watched:
    """A call; cores: how many this program and all others kept busy, each time it ran."""

    def __init__(self, call: Callable[[], Any]):
        self._call = call
        self.cores: list[tuple[float, float]] = []

    def __call__(self) -> None:
        start, own_s, all_s = time.perf_counter(), time.process_time(), busy_s()
        self._call()
        taken, own_s, all_s = time.perf_counter() - start, time.process_time() - own_s, busy_s() - all_s
        self.cores.append((own_s / taken, (all_s - own_s) / taken))


def busy_s() -> float:
    """Seconds that the machine's cores were busy, or taken by the machine's host, since it started."""
    _, user, nice, system, _, _, irq, softirq, steal, *_ = Path("/proc/stat").read_text(encoding="ascii").split(None, 10)
    return sum(map(int, (user, nice, system, irq, softirq, steal))) / os.sysconf("SC_CLK_TCK")


def calm(times_s: dict[str, list[float]], others: dict[str, list[float]]) -> dict[str, list[float]]:
    """The times of the rounds in which a clip's calls had the machine to themselves; all, where those are fewer than two."""

    def kept(name: str) -> list[float]:
        rivals = [values for other, values in others.items() if other.split(",")[0] == name.split(",")[0]]
        times = [time_s for time_s, *cores in zip(times_s[name], *rivals, strict=True) if max(cores) <= QUIET]
        return times if len(times) > 1 else times_s[name]

    return {name: kept(name) for name in times_s}
