"""Who gets in: tokens, compared in constant time, and a rate for each of them."""

import hashlib
import hmac
import os
import time
from collections.abc import Sequence
from pathlib import Path

from starlette.requests import Request

from mien.errors import UsageError
from mien.serving.problems import ProblemError

VARIABLE = "MIEN_TOKENS"
TOKEN_CHARACTERS = 16
"""Characters that a token has at least."""


def read_tokens(path: Path | None) -> list[str]:
    """Those in a file, one a line (# begins a comment), and in the environment's MIEN_TOKENS, separated by spaces.

    Raises UsageError for a file that cannot be read, or a token that is easily guessed.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path else []
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"--token-file {path}: cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8'}); give a text file."
        ) from None
    stripped = [line.strip() for line in lines]
    tokens = [line for line in stripped if line and not line.startswith("#")] + os.environ.get(VARIABLE, "").split()
    if any(len(token) < TOKEN_CHARACTERS for token in tokens):
        raise UsageError(
            f"a token has fewer than {TOKEN_CHARACTERS} characters; take a longer one, such as secrets.token_urlsafe() gives."
        )
    return tokens


class Gate:
    """tokens: none lets everybody in. rate: requests a minute for each, or for each address where there are no tokens.

    A full minute's worth may come at once; 0: any number.
    """

    def __init__(self, tokens: Sequence[str], rate: int):
        self._digests = [_digest(token) for token in tokens]
        self._rate = rate
        self._allowance: dict[bytes, tuple[float, float]] = {}

    @property
    def closed(self) -> bool:
        """Whether it asks for a token."""
        return bool(self._digests)

    def check(self, request: Request) -> None:
        """Raises ProblemError: 401 without a token that is known, 429 where there were too many requests."""
        self._count(self.admit(request))

    def admit(self, request: Request) -> bytes:
        """Who asks: a token's digest, or an address where none is asked for. Raises ProblemError 401."""
        return self._known(request) if self._digests else str(request.client and request.client.host).encode()

    def _count(self, who: bytes) -> None:
        if not self._rate:
            return
        now = time.monotonic()
        left, since = self._allowance.get(who, (float(self._rate), now))
        left = min(self._rate, left + (now - since) * self._rate / 60)
        if left < 1:
            raise ProblemError(
                429, f"more than {self._rate} requests a minute; wait.", {"Retry-After": str(int(60 / self._rate) + 1)}
            )
        self._allowance[who] = (left - 1, now)
        if len(self._allowance) > 10_000:  # whoever has not come for a minute has a full allowance again
            self._allowance = {key: value for key, value in self._allowance.items() if now - value[1] < 60}

    def _known(self, request: Request) -> bytes:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        digest = _digest(token.strip())
        # all are compared, so that the time tells nothing of which
        if scheme.lower() != "bearer" or not max([hmac.compare_digest(digest, known) for known in self._digests]):
            raise ProblemError(
                401,
                "expected the header `Authorization: Bearer TOKEN` with a token of this service.",
                {"WWW-Authenticate": "Bearer"},
            )
        return digest


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
