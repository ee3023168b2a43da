"""How much one client may have at once, so that nobody can take the lab from the others."""

from __future__ import annotations

import asyncio
import ipaddress
import math
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager

# Thirty browsers behind one address, each with the six connections that a browser opens to a site,
# are served; a page keeps one socket, a canvas two streams.
MOST = {"http": 256, "websocket": 100}
MOST_OF_PERSON = {"http": 60, "websocket": 8}  # of one who has come in: a browser with some tabs
QUESTIONS_BYTES = (
    100_000_000  # of bodies that are no uploads, of one client; each is under a megabyte
)
MOST_SOCKETS = 400  # of all clients together: each is a session with widgets and a script's memory


class Crowded(Exception):
    """A client has as much open as it may."""


class Limits:
    """Counts what each client has open, and the bytes of its bodies that are on their way. For one
    event loop.

    body_bytes  of one client's uploads at once; twice that of all clients together
    """

    def __init__(
        self, body_bytes: int, most: dict[str, int] | None = None, sockets: int = MOST_SOCKETS
    ) -> None:
        self._most, self._sockets, self._body_bytes = most or MOST, sockets, body_bytes
        self._open: Counter[tuple[str, str]] = Counter()
        self._all: Counter[str] = Counter()
        self._coming: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}

    @contextmanager
    def entered(self, client: str, kind: str, person: str = "") -> Iterator[None]:
        """Count one `kind` of MOST while the block lasts, of the client and, where one is known, of the
        person (an id). Raises Crowded.
        """
        most = {(whose(client), kind): self._most[kind]}
        if person:
            most[f"person {person}", kind] = MOST_OF_PERSON[kind]
        full = kind == "websocket" and self._all[kind] >= self._sockets
        if full or any(self._open[key] >= count for key, count in most.items()):
            raise Crowded
        self._open.update(most.keys())
        self._all[kind] += 1
        try:
            yield
        finally:
            self._all[kind] -= 1
            for key in most:
                self._open[key] -= 1
                if not self._open[key]:
                    del self._open[key]

    def came(self, client: str, size: int, upload: bool = True) -> None:
        """Count bytes of a body that is being read; `went` when it has been answered. upload: whether it
        is one; questions have room of their own, which no upload takes. Raises Crowded.
        """
        who, coming = whose(client), self._coming[upload]
        most = self._body_bytes if upload else QUESTIONS_BYTES
        if coming[who] + size > most or coming.total() + size > 2 * most:
            raise Crowded
        coming[who] += size

    def went(self, client: str, size: int, upload: bool = True) -> None:
        """Take back what `came` has counted."""
        who, coming = whose(client), self._coming[upload]
        coming[who] -= size
        if coming[who] <= 0:
            del coming[who]


class Rate:
    """Requests that each client may make: `burst` at once, and `per_second` from then on (a token
    bucket). Remembers the last few thousand clients.
    """

    def __init__(self, per_second: float, burst: int, clients: int = 5_000) -> None:
        self._per_second, self._burst, self._clients = per_second, burst, clients
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_seconds(self, who: str) -> int:
        """Count one request; 0 if it may be made, else how long to wait."""
        now = time.monotonic()
        left, then = self._left.pop(who, (float(self._burst), now))
        left = min(self._burst, left + (now - then) * self._per_second)
        granted = left >= 1
        self._left[who] = (left - granted, now)
        while len(self._left) > self._clients:
            self._left.popitem(last=False)
        return 0 if granted else math.ceil((1 - left) / self._per_second)


class Turns:
    """Lets those of one client through one after the other, `seconds` apart. Where `most` wait, others are
    sent away.

    Whether a key is right is known only when it is looked at. So all of a client that has shown many wrong
    ones come in turn: who has the right one waits a moment, and who guesses has four guesses a second.
    """

    def __init__(self, seconds: float = 0.25, most: int = 40, clients: int = 5_000) -> None:
        self._seconds, self._clients = seconds, clients
        self.longest_seconds = seconds * most
        self._next: OrderedDict[str, float] = OrderedDict()

    async def come(self, client: str) -> bool:
        """Wait for one's turn; False where too many wait already."""
        who, now = whose(client), time.monotonic()
        turn = max(now, self._next.pop(who, now))
        if turn - now > self.longest_seconds:
            self._next[who] = turn
            return False
        self._next[who] = turn + self._seconds
        while len(self._next) > self._clients:
            self._next.popitem(last=False)
        await asyncio.sleep(turn - now)
        return True


class Attempts:
    """Wrong keys and codes by client: `most` in a minute, then it has to wait. A right one is let in
    all the same: behind one address may be a whole class, and neither key nor code can be guessed.
    """

    def __init__(self, most: int = 30, seconds: float = 60, clients: int = 5_000) -> None:
        self._most, self._seconds, self._clients = most, seconds, clients
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()

    def failed(self, client: str) -> None:
        """Count a wrong one."""
        who = whose(client)
        times = self._failed.pop(who, deque(maxlen=self._most))
        times.append(time.monotonic())
        self._failed[who] = times
        while len(self._failed) > self._clients:
            self._failed.popitem(last=False)

    def wait_seconds(self, client: str) -> int:
        """How long this client has to wait before another wrong one is looked at; 0: not at all."""
        times = self._failed.get(whose(client))
        if times is None or len(times) < self._most:
            return 0
        return max(0, math.ceil(times[0] + self._seconds - time.monotonic()))


def whose(client: str) -> str:
    """Who counts as one: an IPv4 address, or the /64 network that a site hands out of IPv6."""
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return client
    if isinstance(address, ipaddress.IPv6Address):
        return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))
    return client
