"""A request's pictures: the body itself, or the fields `image` of a multipart body; its size is watched as it comes in."""

import asyncio
from collections.abc import AsyncGenerator

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from mien.serving.limits import Limits
from mien.serving.problems import ProblemError, busy


class Room:
    """Bytes that bodies may take up at once, all requests together."""

    def __init__(self, size: int):
        self._left = size

    def take(self, size: int) -> None:
        """Raises ProblemError 503 where there is no room."""
        if size > self._left:
            raise busy("too many pictures are under way")
        self._left -= size

    def give(self, size: int) -> None:
        self._left += size


class Body:
    """What a request brings. While it is read, and until `release`, its bytes take up room."""

    def __init__(self, request: Request, limits: Limits, room: Room):
        self._request, self._limits, self._room, self._size = request, limits, room, 0
        self._most = limits.pictures_at_once

    async def read(self) -> tuple[list[bytes], bool]:
        """The pictures' bytes, and whether there were several fields to answer in a list.

        Raises ProblemError: 400 for a broken body, 408, 413, 415 for another type, 422 for a multipart body without
        pictures or with too many, 503.
        """
        kind = self._kind()
        try:
            async with asyncio.timeout(self._limits.body_s):
                if kind != "multipart/form-data":
                    return [b"".join([chunk async for chunk in self._chunks()])], False
                return await self._read_form()
        except TimeoutError:
            raise ProblemError(
                408, f"the body had not arrived after {self._limits.body_s:g} s; send it faster, or smaller.", CLOSE
            ) from None
        except ClientDisconnect:
            raise ProblemError(400, "the connection was closed before the body had arrived.") from None

    def release(self) -> None:
        self._room.give(self._size)
        self._size = 0

    def _kind(self) -> str:
        headers = self._request.headers
        kind = headers.get("content-type", "").split(";")[0].strip().lower()
        if not (kind.startswith("image/") or kind in ("multipart/form-data", "application/octet-stream")):
            raise ProblemError(
                415, f"content type {kind or 'none'}: expected image/* or multipart/form-data with fields named image."
            )
        length = headers.get("content-length", "0")
        if not length.isdecimal():
            raise ProblemError(400, "content-length: expected a number of bytes.", CLOSE)
        if int(length) > self._limits.body_bytes:
            raise self._too_large()
        return kind

    async def _read_form(self) -> tuple[list[bytes], bool]:
        form = await self._parse()
        try:
            fields = form.getlist("image")
            pictures = [await field.read() if isinstance(field, UploadFile) else field.encode() for field in fields]
        finally:
            await form.close()
        if not 1 <= len(pictures) <= self._most:
            raise ProblemError(422, f"{len(pictures)} fields named image: expected 1 to {self._most}.")
        return pictures, len(pictures) > 1

    async def _parse(self) -> FormData:
        parser = _Parser(self._request.headers, self._chunks(), max_files=self._limits.pictures + 16, max_fields=16)
        parser.spool_max_size = parser.max_part_size = self._limits.body_bytes + 1  # never to the disk
        try:
            form = await parser.parse()
        except (MultiPartException, ValueError) as error:
            said = str(getattr(error, "message", None) or error).rstrip(".")
            if said.startswith("Too many"):
                raise ProblemError(422, f"{said}: expected 1 to {self._most} fields named image.") from None
            raise ProblemError(400, f"the multipart body is broken ({said}).") from None
        if not parser.ended:
            await form.close()
            raise ProblemError(400, "the multipart body is cut short: its last boundary is missing.")
        return form

    async def _chunks(self) -> AsyncGenerator[bytes, None]:
        async for chunk in self._request.stream():
            if self._size + len(chunk) > self._limits.body_bytes:
                raise self._too_large()
            self._room.take(len(chunk))
            self._size += len(chunk)
            yield chunk

    def _too_large(self) -> ProblemError:
        return ProblemError(413, f"the body is larger than {self._limits.body_bytes:,} bytes; make the picture smaller.", CLOSE)


CLOSE = {"Connection": "close"}


class _Parser(MultiPartParser):
    """ended: whether the last boundary was there, without which the last picture may be missing."""

    ended = False

    def on_end(self) -> None:
        self.ended = True
