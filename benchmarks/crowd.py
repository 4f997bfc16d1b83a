"""Clients for benchmarks/load.py: pictures of many sizes, some of them broken, sent over bare connections, by some slowly."""

import asyncio
import io
import json
import random
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from skimage import data

PICTURES = Path(__file__).parents[1] / "tests" / "golden" / "pictures"
SIDES_PX = {160: 6, 320: 10, 640: 10, 1280: 4}
"""Longer side of a picture: how often it comes, beside the others."""
LARGE = (4000, 3000, 0.2)
"""Size of the rare one of 12 megapixels, and how often it comes."""
BROKEN = 0.05
SLOW_S, PIECES = 1.0, 20
"""Time that a slow client takes for each body, and in how many pieces it sends it."""


@dataclass(frozen=True)
class Parcel:
    """A body, its content type, how often it comes, and the status that it is due; 200: with what predict gives for it."""

    name: str
    body: bytes
    kind: str
    weight: float
    status: int = 200


@dataclass
class Tally:
    """What came back. times_s: of answers to clients that send at once; sent: how often each parcel was."""

    times_s: list[float] = field(default_factory=list)
    slow_s: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    refused: int = 0
    exact: int = 0
    difference: float = 0.0
    sent: dict[str, int] = field(default_factory=dict)


def encode(image: Image.Image, kind: str = "jpeg") -> bytes:
    file = io.BytesIO()
    image.save(file, kind, quality=88)
    return file.getvalue()


def make_parcels() -> list[Parcel]:
    """Photographs with no, one and four faces in several sizes, JPEG and PNG, and what is no picture."""
    photos = {name: Image.open(PICTURES / f"{name}.jpg").convert("RGB") for name in ("several", "hopper", "no-face")}
    photos |= {name: Image.fromarray(getattr(data, name)()).convert("RGB") for name in ("astronaut", "camera", "coins")}
    parcels = []
    for name, photo in photos.items():
        for side, weight in SIDES_PX.items():
            sized = photo.resize([max(1, round(length * side / max(photo.size))) for length in photo.size])
            parcels.append(Parcel(f"{name} {side} JPEG", encode(sized), "image/jpeg", weight))
        parcels.append(Parcel(f"{name} PNG", encode(photo, "png"), "image/png", 2))
    large = encode(photos["astronaut"].resize(LARGE[:2]))
    parcels.append(Parcel("astronaut, 12 megapixels", large, "image/jpeg", LARGE[2]))
    return parcels + make_broken(parcels[0].body, sum(parcel.weight for parcel in parcels) * BROKEN / (1 - BROKEN))


def make_broken(whole: bytes, weight: float) -> list[Parcel]:
    """weight: of all of them together."""
    noise = np.random.default_rng(0).bytes(20_000)
    giant = bytearray(encode(Image.new("L", (8, 8)), "png"))
    giant[16:24] = (60_000).to_bytes(4) * 2
    giant[29:33] = zlib.crc32(giant[12:29]).to_bytes(4)
    bodies = {
        "nothing": (b"", "image/jpeg", 400),
        "cut off": (whole[: len(whole) // 2], "image/jpeg", 400),
        "noise": (noise, "image/png", 400),
        "text": (b"no picture", "image/jpeg", 400),
        "60,000 x 60,000": (bytes(giant), "image/png", 413),
        "another type": (whole, "text/plain", 415),
    }
    return [Parcel(name, body, kind, weight / len(bodies), status) for name, (body, kind, status) in bodies.items()]


def draw(parcels: list[Parcel], count: int, seed: int = 0) -> Iterator[Parcel]:
    """The sequence of a run, the same each time."""
    yield from random.Random(seed).choices(parcels, [parcel.weight for parcel in parcels], k=count)


class Client:
    """One connection, opened again when it was closed."""

    def __init__(self, port: int, slow: bool):
        self._port, self.slow = port, slow
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, parcel: Parcel) -> tuple[int, bytes]:
        """Status and body of the answer. Raises OSError, or EOFError where there is none."""
        if not self._streams or self._streams[0].at_eof() or self._streams[1].is_closing():
            self.close()
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        head = (
            f"POST /v1/predict HTTP/1.1\r\nhost: x\r\ncontent-type: {parcel.kind}\r\ncontent-length: {len(parcel.body)}\r\n\r\n"
        )
        writer.write(head.encode())
        size = -(-len(parcel.body) // PIECES) if self.slow else len(parcel.body)
        for start in range(0, len(parcel.body), size or 1):
            writer.write(parcel.body[start : start + size])
            if self.slow:
                await asyncio.sleep(SLOW_S / PIECES)
        return await read_answer(reader)

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
    return int(lines[0].split()[1]), await reader.readexactly(int(headers["content-length"]))


async def crowd(
    port: int, parcels: Iterator[Parcel], due: dict[str, Any], clients: int, slow: int, on_answer: Callable[[], None]
) -> Tally:
    """So many clients at a time, of which so many are slow, until all parcels are sent. on_answer: called after each."""
    tally = Tally()

    async def live(client: Client) -> None:
        for parcel in parcels:
            await send(client, parcel, due, tally)
            on_answer()
        client.close()

    await asyncio.gather(*[live(Client(port, i < slow)) for i in range(clients)])
    return tally


async def send(client: Client, parcel: Parcel, due: dict[str, Any], tally: Tally) -> None:
    began_s = time.perf_counter()
    tally.sent[parcel.name] = tally.sent.get(parcel.name, 0) + 1
    try:
        async with asyncio.timeout(60):
            status, body = await client.ask(parcel)
    except (OSError, EOFError, TimeoutError) as error:
        client.close()
        tally.lost.append(f"{parcel.name}: {type(error).__name__}")
        return
    (tally.slow_s if client.slow else tally.times_s).append(time.perf_counter() - began_s)
    judge(parcel, status, body, due, tally)


def judge(parcel: Parcel, status: int, body: bytes, due: dict[str, Any], tally: Tally) -> None:
    """An answer is wrong where the status is not the one due, or the result not what predict gives."""
    if status == 503:
        tally.refused += 1
    elif status != parcel.status:
        tally.wrong.append(f"{parcel.name}: {status}")
    elif status == 200:
        answer = json.loads(body)
        tally.exact += answer == due[parcel.name]
        difference = compare(answer, due[parcel.name])
        tally.difference = max(tally.difference, difference)
        if difference > 1e-5:
            tally.wrong.append(f"{parcel.name}: differs by {difference}")


def compare(one: Any, other: Any) -> float:
    """Largest difference between the numbers of two JSON values; infinite where anything else differs."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return max((compare(one[key], other[key]) for key in one), default=0.0)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return max((compare(*pair) for pair in zip(one, other, strict=True)), default=0.0)
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other)
    return 0.0 if type(one) is type(other) and one == other else float("inf")
