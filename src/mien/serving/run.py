"""The service on a port, ended cleanly: what is under way is answered, what is new is refused."""

import asyncio
import signal
import socket
import sys
from types import FrameType
from typing import Any

import uvicorn

from mien.errors import UsageError
from mien.serving.connection import protocol
from mien.serving.service import Service


class Server(uvicorn.Server):
    """At SIGTERM /readyz turns false and requests are refused for `drain_s` before the port closes; Ctrl-C does not wait."""

    def __init__(self, config: uvicorn.Config, service: Service):
        super().__init__(config)
        self._service = service
        self.interrupted = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        again, self._service.draining = self._service.draining, True
        self.interrupted |= sig == signal.SIGINT
        if again or sig == signal.SIGINT:
            super().handle_exit(sig, frame)
        else:
            asyncio.get_running_loop().call_later(self._service.limits.drain_s, super().handle_exit, sig, frame)


def end_tidily() -> None:
    """Makes SIGTERM raise SystemExit, now and when uvicorn, which answers what is under way first, raises it again."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))


def open_port(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises UsageError for a port that is taken, or an address that is not this machine's."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=1024)
    except OSError as error:
        reason = str(error.strerror).split(" (")[0]  # Python repeats the address behind it
        raise UsageError(f"--host {host} --port {port}: cannot be opened ({reason}); choose another.") from None


def serve(app: Any, service: Service, listener: socket.socket, certificate: str | None = None, key: str | None = None) -> None:
    """Answers until it is ended: raises SystemExit after SIGTERM, KeyboardInterrupt after Ctrl-C."""
    config = uvicorn.Config(
        app,
        http=protocol(service.limits),
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=int(service.limits.end_s),
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    server = Server(config, service)
    server.run(sockets=[listener])
    if server.interrupted or not server.started:  # at its start uvicorn takes Ctrl-C for a failure, or ends as if all were well
        raise KeyboardInterrupt
