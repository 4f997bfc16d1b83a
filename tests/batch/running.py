"""Programs that a test starts, found and ended by a mark in their environment, whatever sessions they make."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

LISTEN = "0A"


class Programs:
    """Starts programs with `environment` and a mark of its own; `running` are their processes and all that these started."""

    def __init__(self, environment: dict[str, str]):
        self._mark = f"MIEN_TEST_MARK={uuid4().hex}"
        name, _, value = self._mark.partition("=")
        self.environment = {**os.environ, **environment, name: value}

    def start(self, *words: object) -> subprocess.Popen:
        words = tuple(map(str, words))
        return subprocess.Popen(words, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def mien(self, *words: object, inside: tuple = ()) -> subprocess.Popen:
        return self.start(*inside, sys.executable, "-m", "mien", *words)

    def running(self, named: str = "") -> list[int]:
        """Of those, the ones whose command line holds `named`."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                ours = self._mark.encode() in (folder / "environ").read_bytes().split(b"\0")
                if ours and named in (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"):
                    found.append(int(folder.name))
            except OSError:
                continue
        return found

    def addresses(self) -> set[str]:
        """Those that their processes listen at, as /proc/net has them."""
        sockets = set()
        for pid in self.running():
            for link in Path(f"/proc/{pid}/fd").glob("*"):
                try:
                    sockets.add(os.readlink(link))
                except OSError:
                    continue
        lines = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
        return {line[1].split(":")[0] for line in lines if line[3] == LISTEN and f"socket:[{line[9]}]" in sockets}

    def end(self) -> None:
        for pid in self.running():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


@contextmanager
def programs(**environment: str) -> Iterator[Programs]:
    made = Programs(environment)
    try:
        yield made
    finally:
        made.end()


def wait_for(what: Callable[[], object], seconds: float) -> None:
    """Until `what` gives something true. Fails the test where it does not in time."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
