"""Connections that stay silent: the lab answers others meanwhile, and lets the silent ones go."""

from __future__ import annotations

import asyncio
import resource
import socket
from contextlib import suppress

import pytest
import uvicorn
from own_loop import run
from waiting import PATIENCE_SECONDS
from websockets.asyncio.client import connect

from app.connections import LEAST_BYTES, Patience, more_files

WHOLE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
SLOW = (
    b"",  # nothing at all
    b"GET / HTTP/1.1\r\nHost:",  # half a head
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab",  # half a body
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",  # one without an end
    WHOLE + b"GET /",  # half a head after a whole request
)


async def inside(scope, receive, send):
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] != "websocket.disconnect":
            if message["type"] == "websocket.receive":
                await send({"type": "websocket.send", "text": message["text"]})
        return
    while (await receive()).get("more_body"):
        pass
    if scope["path"] == "/slow":
        await asyncio.sleep(0.5)
    if scope["path"] == "/never":
        await receive()  # until it has gone
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"in"})


def served(patience: Patience, visit):
    """What `visit(port)` returns while the application is served with this patience."""

    async def main():
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            inside,
            http=patience.protocol(),
            ws="websockets-sansio",
            log_level="critical",
            lifespan="off",
        )
        server = uvicorn.Server(config)
        server.config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[listener])
        try:
            return await visit(listener.getsockname()[1])
        finally:
            server.should_exit = True
            await server.shutdown(sockets=[listener])

    return run(main())


async def asked(port: int, question: bytes) -> bytes:
    """What comes until the connection is closed by the server; b'' also if it is cut off."""
    # All is sent before the server takes the connection: on a busy machine a second would pass between.
    ours = socket.create_connection(("127.0.0.1", port))
    ours.sendall(question)
    incoming, link = await asyncio.open_connection(sock=ours)
    with suppress(ConnectionError):
        found = await asyncio.wait_for(incoming.read(), PATIENCE_SECONDS)
        link.close()
        return found
    return b""


@pytest.mark.parametrize("question", SLOW)
def test_who_does_not_go_on_is_let_go_and_others_are_answered(question):
    patience = Patience(seconds=0.2)

    async def visit(port):
        slow = asyncio.create_task(asked(port, question))
        whole = WHOLE.replace(b"Host", b"Connection: close\r\nHost")
        assert (await asked(port, whole)).startswith(b"HTTP/1.1 200")
        found = await slow
        assert not patience.open
        return found

    found = served(patience, visit)
    assert found.count(b"HTTP/1.1 200") == (1 if question.startswith(WHOLE) else 0)


@pytest.mark.parametrize(("part", "whole"), [(b"x", False), (b"x" * LEAST_BYTES, True)])
def test_a_body_comes_at_a_pace(part, whole):
    """A byte now and then held an upload's room for as long as one liked."""

    async def visit(port):
        incoming, link = await asyncio.open_connection("127.0.0.1", port)
        head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {12 * len(part)}\r\n\r\n"
        link.write(head.encode())
        with suppress(ConnectionError):
            for _ in range(12):
                link.write(part)
                await link.drain()
                await asyncio.sleep(0.2)  # each part long before the time is over
        found = b""
        with suppress(ConnectionError):
            found = await asyncio.wait_for(incoming.read(12), PATIENCE_SECONDS)
        link.close()
        with suppress(ConnectionError):
            await link.wait_closed()
        return found

    assert served(Patience(seconds=2), visit).endswith(b"200") is whole


def test_an_answer_may_take_longer_than_that():
    async def visit(port):
        return await asked(port, b"GET /slow HTTP/1.1\r\nConnection: close\r\nHost: x\r\n\r\n")

    assert b"200" in served(Patience(seconds=0.1), visit)


@pytest.mark.parametrize(
    ("question", "answered"),
    [(WHOLE, True), (WHOLE.replace(b"/", b"/slow", 1), True), (SLOW[2], False), (b"", False)],
)
def test_a_client_that_closes_its_half_gets_its_answer(question, answered):
    async def visit(port):
        incoming, link = await asyncio.open_connection("127.0.0.1", port)
        link.write(question)
        link.write_eof()
        found = await asyncio.wait_for(incoming.read(), PATIENCE_SECONDS)
        link.close()
        return found

    found = served(Patience(), visit)
    assert found.startswith(b"HTTP/1.1 200") is answered and found.endswith(
        b"in\r\n0\r\n\r\n" if answered else b""
    )


def test_a_client_that_has_gone_is_not_waited_for_long():
    patience = Patience()

    async def visit(port):
        incoming, link = await asyncio.open_connection("127.0.0.1", port)
        link.write(WHOLE.replace(b"/", b"/never", 1))
        link.write_eof()
        found = await asyncio.wait_for(incoming.read(), PATIENCE_SECONDS)
        link.close()
        await link.wait_closed()
        return found

    patience.half_seconds = 0.1
    assert served(patience, visit) == b"" and not patience.open


def test_a_socket_may_be_silent_for_as_long_as_it_likes():
    patience = Patience(seconds=1)

    async def visit(port):
        async with connect(f"ws://127.0.0.1:{port}/", open_timeout=PATIENCE_SECONDS) as link:
            await asyncio.sleep(2)  # twice as long as a request may be
            await link.send("still here")
            assert not patience.open
            return await asyncio.wait_for(link.recv(), PATIENCE_SECONDS)

    assert served(patience, visit) == "still here"


@pytest.mark.parametrize(("exempt", "left"), [(False, 3), (True, 5)])
def test_one_client_has_so_many_connections_and_a_named_proxy_more(exempt, left):
    patience = Patience(exempt=lambda peer: exempt, most=3)

    async def visit(port):
        links = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
        heard = [asyncio.create_task(incoming.read()) for incoming, _ in links]

        async def cut(seconds: float) -> int:
            over, _ = await asyncio.wait(heard, timeout=seconds)
            return len(over)

        while await cut(0.1) < len(links) - left:
            pass
        found = await cut(0.3)  # and no more than those
        for _, link in links:
            link.close()
        await asyncio.gather(*heard, return_exceptions=True)
        return len(links) - found

    assert served(patience, visit) == left


def test_as_many_files_as_the_system_allows():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, before[1]))
        more_files(128)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 128
        more_files(100)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 128
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
