"""One connection: bounded in number, in the time that a request's head may take, and in what follows one that was refused."""

import asyncio
import logging
from http import HTTPStatus

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from mien.serving.limits import Limits
from mien.serving.problems import ProblemError, busy, respond


def protocol(limits: Limits) -> type[H11Protocol]:
    """The class that uvicorn makes connections of."""

    class Connection(H11Protocol):
        _clock: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > limits.connections:
                self._refuse(busy("too many connections"))
            self._watch()

        def data_received(self, data: bytes) -> None:
            self._watch()
            super().data_received(data)
            if not self._is_waiting():
                self._rest()

        def connection_lost(self, exc: Exception | None) -> None:
            self._rest()
            super().connection_lost(exc)

        def send_400_response(self, msg: str) -> None:
            self._refuse(ProblemError(400, "this is not HTTP/1.1."))

        def _is_waiting(self) -> bool:
            """For a request's head, or for the end of a body whose request was answered before."""
            return self.cycle is None or self.cycle.response_complete

        def _watch(self) -> None:
            if self._is_waiting() and not self._clock:
                self._clock = self.loop.call_later(limits.head_s, self._time_out)

        def _rest(self) -> None:
            if self._clock:
                self._clock.cancel()
                self._clock = None

        def _time_out(self) -> None:
            if self.conn.our_state is h11.IDLE and self.conn.trailing_data[0]:
                self._refuse(ProblemError(408, f"the request's head had not arrived after {limits.head_s:g} s."))
            else:
                self.transport.close()

        def _refuse(self, problem: ProblemError) -> None:
            """Answers without the application, and closes."""
            logging.getLogger("mien.serve").info("refused", extra={"fields": {"status": problem.status}})
            self.transport.write(_raw(problem))
            self.transport.close()

    return Connection


def _raw(problem: ProblemError) -> bytes:
    response = respond(problem)
    first = f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}".encode()
    headers = [name + b": " + value for name, value in response.raw_headers]
    return b"\r\n".join([first, *headers, b"connection: close", b"", bytes(response.body)])
