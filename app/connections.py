"""Connections before they are requests. uvicorn waits for ever for a request to come whole, so silence
costs whoever keeps it nothing and the lab a file each: with the usual limit of 1,024 open files, a
thousand silent connections were all that it took to shut everybody out.
"""

from __future__ import annotations

import asyncio
import resource
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from app.doors.limits import whose

MOST_OF_CLIENT = 512  # as limits.MOST, requests and sockets together, and some that come and go
PATIENCE_SECONDS = 20.0  # for a request's head, and for every LEAST_BYTES of its body
LEAST_BYTES = 100_000
MOST_FILES = 65_536
HALF_SECONDS = 10.0  # for the answer to a client that has closed its own half of the connection


class Patience:
    """What the connections of one server share: how many each client has, and who may have more.

    exempt  whether a peer speaks for many: a proxy that the owner named
    """

    def __init__(
        self,
        exempt: Callable[[str], bool] = lambda peer: False,
        most: int = MOST_OF_CLIENT,
        seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self.exempt, self.most, self.seconds = exempt, most, seconds
        self.half_seconds = HALF_SECONDS
        self.open: Counter[str] = Counter()

    def protocol(self) -> type[H11Protocol]:
        """uvicorn's protocol for HTTP, with these limits."""
        patience = self

        class Patient(_Patient):
            shared = patience

        return Patient


class _Patient(H11Protocol):
    shared: Patience

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        peer = self.client[0] if self.client else ""
        self._who = "" if self.shared.exempt(peer) else whose(peer)
        self._timer: asyncio.TimerHandle | None = None
        self._closing: asyncio.TimerHandle | None = None
        self._is_socket, self._came = False, 0  # bytes since the timer was set
        if self._who:
            self.shared.open[self._who] += 1
            if self.shared.open[self._who] > self.shared.most:
                transport.abort()
                return
        self._wait()

    def data_received(self, data: bytes) -> None:
        self._came += len(data)
        super().data_received(data)
        if not self._is_coming():
            self._forget()
        elif self._timer is None or self._came >= LEAST_BYTES:
            self._wait()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._closing is not None:
            self._close()
        elif self._is_coming():  # the next one has begun already
            self._wait()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Whether to keep a connection whose client has said all it will: until what it has asked is
        answered, and not for long. One that has gone away says no more either; who leaves while an answer
        comes is taken for one of those.
        """
        asked = self.cycle is not None and not self.cycle.more_body
        if not asked or self.cycle.response_started or self._is_socket:
            return False
        self.cycle.keep_alive = False
        self._closing = self.loop.call_later(self.shared.half_seconds, self._close)
        return True

    def _close(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        if self._closing is not None:
            self._closing.cancel()
        self._left()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        # A WebSocket from here on, which is silent as long as nothing happens. The doors count it.
        self._is_socket = True
        self._forget()
        self._left()
        super().handle_websocket_upgrade(event)

    def _is_coming(self) -> bool:
        """Whether a request, or the rest of one, is still to come."""
        if self._is_socket or self.transport.is_closing():
            return False
        begun = self.conn.their_state is h11.SEND_BODY
        return begun or (self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0]))

    def _wait(self) -> None:
        self._forget()
        self._came = 0
        self._timer = self.loop.call_later(self.shared.seconds, self._give_up)

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        paused: Any = self.flow
        if paused.read_paused:  # it is the lab that has not read on
            self._wait()
        elif not self.transport.is_closing():
            self.transport.abort()

    def _left(self) -> None:
        if self._who:
            self.shared.open[self._who] -= 1
            if self.shared.open[self._who] <= 0:
                del self.shared.open[self._who]
            self._who = ""


def more_files(most: int = MOST_FILES) -> None:
    """Let this process have as many files and connections open as the system allows it, up to `most`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # what the system does not grant is done without
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
