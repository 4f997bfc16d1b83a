"""What is around every answer: an id, security headers, a line in the log, counts; and no word of any picture."""

import logging
import secrets
import time
from collections.abc import Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mien.serving.metrics import Metrics
from mien.serving.problems import ProblemError, respond

LOG = logging.getLogger("mien.serve")
HEADERS = {
    "content-security-policy": "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' {styles}; "
    "img-src 'self' blob: data:; media-src 'self' blob: mediastream:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
}
KEPT = (b"cache-control", b"no-store")
"""Of what the API answers, nothing is kept on the way."""
REQUEST_FAILED = "the service failed at this request; its log says why."


class Envelope:
    """An ASGI application around another.

    routes: paths that are counted by their names, all others as the page's; styles: the hashes of those that stand in the
    pages themselves.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, routes: Collection[str], styles: str = ""):
        self._app, self._metrics, self._routes = app, metrics, routes
        policy = HEADERS["content-security-policy"].format(styles=styles)
        self._headers = [(k.encode(), v.encode()) for k, v in (HEADERS | {"content-security-policy": policy}).items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s, status, begun, name = time.perf_counter(), 500, False, secrets.token_hex(8)
        route = scope["path"] if scope["path"] in self._routes else "page"
        own = [(b"x-request-id", name.encode()), *self._headers, *([KEPT] if scope["path"].startswith("/v1/") else [])]
        scope.setdefault("state", {})["id"] = name

        async def answer(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                message["headers"] = [*message["headers"], *own]
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except Exception:
            if begun:
                raise
            LOG.exception("failed", extra={"fields": {"id": name, "route": route}})
            await respond(ProblemError(500, REQUEST_FAILED))(scope, receive, answer)
        finally:
            seconds = time.perf_counter() - began_s
            self._metrics.requests.labels(route, str(status)).inc()
            self._metrics.seconds.labels(route).observe(seconds)
            if status >= 400:
                self._metrics.refusals.labels(str(status)).inc()
            fields = {"id": name, "route": route, "status": status, "ms": round(seconds * 1000, 1)}
            LOG.info("answered", extra={"fields": fields})
