"""Errors as application/problem+json (RFC 9457)."""

from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"


class ProblemError(Exception):
    """A request that gets no answer: the status, and a sentence that says what was wrong and what to do."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None):
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers or {}


def busy(reason: str, wait_s: int = 1) -> ProblemError:
    """503 with the time after which it is worth asking again."""
    return ProblemError(503, f"{reason}; ask again in {wait_s} s.", {"Retry-After": str(wait_s)})


def describe(status: int, detail: str) -> dict[str, Any]:
    """The document itself."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}


def respond(problem: ProblemError) -> JSONResponse:
    """Its document, as an answer."""
    return JSONResponse(describe(problem.status, problem.detail), problem.status, problem.headers, MEDIA_TYPE)
