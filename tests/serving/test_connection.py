"""Connections: how long a head may take, how many there may be; on a server in this process, with short limits."""

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest
import uvicorn
from tests.serving.running import ASTRONAUT

from mien.serving.connection import protocol
from mien.serving.limits import Limits

HEAD = b"POST /v1/predict HTTP/1.1\r\nhost: mien\r\ncontent-type: image/jpeg\r\ncontent-length: %d\r\n\r\n"


@asynccontextmanager
async def served(client, limits):
    """The port on which it is."""
    config = uvicorn.Config(client.app, http=protocol(limits), log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        task = asyncio.create_task(server._serve([listener]))
        yield listener.getsockname()[1]
        server.should_exit = True
        await task


async def converse(port, *parts, pause_s=0.0):
    """What is said back to these, until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def say():
        for part in parts:
            writer.write(part)
            await asyncio.sleep(pause_s)

    talk = asyncio.create_task(say())
    said = await asyncio.wait_for(reader.read(), 10)
    talk.cancel()
    writer.close()
    return said


def run(client, limits, scene):
    async def whole():
        async with served(client, limits) as port:
            return await scene(port)

    return asyncio.run(whole())


def test_a_head_that_trickles_in_times_out(client):
    letters = [bytes([letter]) for letter in HEAD]
    said = run(client, Limits(head_s=0.5), lambda port: converse(port, *letters, pause_s=0.05))
    assert said.startswith(b"HTTP/1.1 408 Request Timeout")
    assert b"head had not arrived after 0.5 s" in said


def test_who_says_nothing_is_sent_away(client):
    assert run(client, Limits(head_s=0.3), lambda port: converse(port)) == b""


def test_a_second_head_that_trickles_in_times_out_too(client):
    letters = [bytes([letter]) for letter in HEAD]
    first = b"GET /healthz HTTP/1.1\r\nhost: mien\r\n\r\n"
    said = run(client, Limits(head_s=0.5), lambda port: converse(port, first, *letters, pause_s=0.05))
    assert said.startswith(b"HTTP/1.1 200 OK")
    assert b"HTTP/1.1 408 Request Timeout" in said


def test_a_body_that_takes_longer_than_a_head_may_is_read(client):
    parts = [HEAD % len(ASTRONAUT), *(ASTRONAUT[i : i + 10_000] for i in range(0, len(ASTRONAUT), 10_000))]
    close = parts[0].replace(b"host: mien", b"host: mien\r\nconnection: close")
    said = run(client, Limits(head_s=0.3), lambda port: converse(port, close, *parts[1:], pause_s=0.3))
    assert said.startswith(b"HTTP/1.1 200 OK")


def test_what_follows_a_refusal_is_not_listened_to_for_ever(client):
    """A body whose request was answered before (415) goes on and on."""
    head = b"POST /v1/predict HTTP/1.1\r\nhost: mien\r\ncontent-type: text/plain\r\ncontent-length: 1000000\r\n\r\n"
    said = run(client, Limits(head_s=0.5), lambda port: converse(port, head, *[b"x"] * 200, pause_s=0.05))
    assert said.startswith(b"HTTP/1.1 415")


def test_more_connections_than_there_may_be_are_refused_at_once(client):
    async def scene(port):
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        await asyncio.sleep(0.1)
        said = await converse(port)
        for _, writer in held:
            writer.close()
        await asyncio.sleep(0.1)
        again = await converse(port, b"GET /healthz HTTP/1.1\r\nhost: mien\r\nconnection: close\r\n\r\n")
        return said, again

    said, again = run(client, Limits(connections=3, head_s=5), scene)
    assert said.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 1" in said.lower()
    assert again.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("together", [1, 30])
def test_pipelined_requests_are_answered_in_order(client, together):
    one = b"GET /healthz HTTP/1.1\r\nhost: mien\r\n\r\n"
    last = one.replace(b"mien\r\n", b"mien\r\nconnection: close\r\n")
    said = run(client, Limits(), lambda port: converse(port, one * together + last))
    assert said.count(b"HTTP/1.1 200 OK") == together + 1
