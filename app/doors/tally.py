"""What passed the door: counts and times of each kind of request, and a line about each in a log.

    logs/requests.jsonl    of a class or a public lab: id, who, door, status and milliseconds of each
                           request; no address, no query (engine.people.request_log)

Counting costs a few microseconds; what Prometheus reads is made from it when it asks (app.metrics).
"""

from __future__ import annotations

import json
import logging
import random
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.types import Message, Scope, Send

from engine.errors import GlyphlabError
from engine.files.line_log import LineLog

# Seconds: upper ends of the classes of a request's time. The pad's answers are to come within 0.3.
BUCKETS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 10.0)
_ids = random.Random()
log = logging.getLogger(__name__)


@dataclass
class Times:
    """Requests by class of their time (one more class than BUCKETS), and their seconds together."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0


class Seen:
    """One request on its way. door: its path in the table, '' where nothing is served; who: id of the
    person, or the role of one without. `send` gives the answer the id and notes its status.
    """

    def __init__(self, scope: Scope, send: Send) -> None:
        # No secret: and to ask the system for one would have other threads take their turn each time.
        self.id = f"{_ids.getrandbits(48):012x}"
        self.began, self._send = time.monotonic(), send
        self.method = scope["method"] if scope["type"] == "http" else "WEBSOCKET"
        self.door, self.who, self.status = "", "", 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            pair = (b"x-request-id", self.id.encode())
            message = {**message, "headers": [*message.get("headers", ()), pair]}
        elif message["type"] == "websocket.accept":
            self.status = 101
        elif message["type"] == "websocket.close" and not self.status:
            self.status = 403
        await self._send(message)


class Tally:
    """Counts for one door. lines: a log for a line about each request; None for none. may_say: whether
    such a line may name this person.
    """

    def __init__(
        self, lines: LineLog | None = None, may_say: Callable[[str], bool] = lambda who: True
    ) -> None:
        self.answers: Counter[tuple[str, str, int]] = Counter()  # method, door, status
        self.times: dict[
            tuple[str, str], Times
        ] = {}  # of the HTTP requests let in, by method, door
        self._lines, self._may_say, self._fails = lines, may_say, False

    def count(self, seen: Seen) -> None:
        """Count a request that has been answered."""
        passed = time.monotonic() - seen.began
        method = (
            seen.method if seen.door else "any"
        )  # or strangers could invent methods without end
        self.answers[method, seen.door, seen.status] += 1
        if method != "WEBSOCKET" and seen.door:
            times = self.times.setdefault((method, seen.door), Times())
            times.counts[bisect_left(BUCKETS, passed)] += 1
            times.seconds += passed
        if self._lines is not None:
            row = {
                "at": round(time.time(), 3),
                "id": seen.id,
                "who": seen.who if self._may_say(seen.who) else "",
                "method": method,
                "door": seen.door,
                "status": seen.status,
                "ms": round(1000 * passed, 1),
            }
            self._write(self._lines, json.dumps(row))

    def close(self) -> None:
        """Let go of the log."""
        if self._lines is not None:
            self._lines.close()

    def _write(self, lines: LineLog, line: str) -> None:
        try:
            lines.add(line)
            self._fails = False
        except GlyphlabError as error:  # no reason to fail a request; said once
            if not self._fails:
                log.warning("requests are not logged now: %s", error)
            self._fails = True
