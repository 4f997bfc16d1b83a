"""`mien serve` in processes of its own, and what they take."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Server:
    """`mien serve` with these options, and what it and its workers take."""

    def __init__(self, process: subprocess.Popen, port: int):
        self._process, self.port = process, port

    def family(self) -> list[int]:
        """The pids of the service and its workers."""
        children = [path.read_text() for path in Path(f"/proc/{self._process.pid}/task").glob("*/children")]
        return [self._process.pid, *map(int, " ".join(children).split())]

    def memory_mb(self) -> float:
        """Resident, all together."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.family())
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def cpu_s(self) -> dict[str, float]:
        """Used so far, of the service and of its workers."""
        ticks = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13] for pid in self.family()]
        own, *workers = [sum(map(int, pair)) / os.sysconf("SC_CLK_TCK") for pair in ticks]
        return {"service": own, "workers": sum(workers)}


@contextmanager
def serve(*options: str) -> Iterator[Server]:
    """A service on a free port of loopback, ended with the block."""
    with tempfile.TemporaryFile("w+") as errors:
        command = [sys.executable, "-m", "mien", "serve", "--port", "0", *options]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        try:
            while not (found := re.search(r"http://127.0.0.1:(\d+)/", read(errors))):
                if process.poll() is not None:
                    raise RuntimeError(read(errors))
                time.sleep(0.05)
            yield Server(process, int(found[1]))
        finally:
            process.terminate()
            process.wait(60)


def read(file: Any) -> str:
    return os.pread(file.fileno(), 100_000, 0).decode()
