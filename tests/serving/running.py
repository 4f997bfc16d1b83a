"""A service to ask: its application in this process, or `mien serve` in one of its own."""

import asyncio
import os
import re
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import httpx

from mien import Recognizer
from mien.serving.app import build_app
from mien.serving.gate import Gate
from mien.serving.limits import Limits
from mien.serving.service import Service

PICTURES = Path(__file__).parents[1] / "golden" / "pictures"
ASTRONAUT = (PICTURES / "astronaut.jpg").read_bytes()
JPEG = {"content-type": "image/jpeg"}
TOKEN = "a-token-of-some-length"


def problem(response, status):
    """What a problem document says, which that answer must be."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == status
    return document["detail"]


class Client:
    """Asks an application in this process; its workers are processes all the same."""

    def __init__(self, limits=Limits(), tokens=(), rate=0, workers=1, origins=(), recognizer=Recognizer):  # noqa: B008
        self.service = Service(recognizer, limits, Gate(tokens, rate), workers)
        self.app = build_app(self.service, origins)

    def __enter__(self):
        self.service.start()
        return self

    def __exit__(self, *error):
        self.service.close()

    def ask(self, *requests, together=False):
        """(method, path, options) each -> the responses."""

        async def all_of_them():
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://mien") as client:
                calls = [client.request(method, path, **options) for method, path, options in requests]
                return await asyncio.gather(*calls) if together else [await call for call in calls]

        return asyncio.run(all_of_them())

    def get(self, path, **options):
        return self.ask(("GET", path, options))[0]

    def post(self, path, **options):
        return self.ask(("POST", path, options))[0]


class Running:
    """`mien serve` in a process of its own: address, pid, and what it wrote to stderr."""

    def __init__(self, folder: Path, *options: str, **environment: str):
        self._errors = folder / "stderr.txt"
        with self._errors.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mien", "serve", "--port", "0", *options],
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env={**os.environ, **environment},
            )

    @property
    def stderr(self) -> str:
        return self._errors.read_text()

    def __enter__(self):
        end_s = time.monotonic() + 60
        while not (found := re.search(r"(https?)://(\S+):(\d+)/", self.stderr)):
            assert self.process.poll() is None, self.stderr
            assert time.monotonic() < end_s, self.stderr
            time.sleep(0.05)
        self.scheme, self.host, self.port = found[1], found[2], int(found[3])
        self.address = found[0]
        return self

    def __exit__(self, *error):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def client(self, **options) -> httpx.Client:
        return httpx.Client(base_url=self.address, timeout=30, **options)

    def connect(self, context: ssl.SSLContext | None = None) -> socket.socket:
        """A bare connection."""
        bare = socket.create_connection((self.host, self.port), timeout=30)
        return context.wrap_socket(bare, server_hostname=self.host) if context else bare

    def workers(self) -> list[int]:
        """The pids of its workers."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(child) for task in tasks for child in task.read_text().split()]


def read_all(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)
