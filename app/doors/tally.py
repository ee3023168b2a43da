"""What passed the door: counts and times of each kind of request, and a line about each in a log.

    logs/requests.jsonl    of a class or a public lab: id, who, door, status and milliseconds of each
                           request; no address, no query. Rotated at 5 MB, one older file is kept

Counting costs a few microseconds; what Prometheus reads is made from it when it asks (app.metrics).
"""

from __future__ import annotations

import json
import logging
import random
import time
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from logging.handlers import RotatingFileHandler
from pathlib import Path

from starlette.types import Message, Scope, Send

# Seconds: upper ends of the classes of a request's time. The pad's answers are to come within 0.3.
BUCKETS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 10.0)
LARGEST_LOG = 5_000_000  # bytes
_ids = random.Random()


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
    """Counts for one door. log: a file for a line about each request; None for none."""

    def __init__(self, log: Path | None = None) -> None:
        self.answers: Counter[tuple[str, str, int]] = Counter()  # method, door, status
        self.times: dict[
            tuple[str, str], Times
        ] = {}  # of the HTTP requests let in, by method, door
        self._log = _logger(log) if log else None

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
        if self._log is not None:
            row = {
                "at": round(time.time(), 3),
                "id": seen.id,
                "who": seen.who,
                "method": method,
                "door": seen.door,
                "status": seen.status,
                "ms": round(1000 * passed, 1),
            }
            self._log.info(json.dumps(row))

    def close(self) -> None:
        """Let go of the log."""
        for handler in self._log.handlers if self._log else ():
            handler.close()


def _logger(file: Path) -> logging.Logger:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = logging.Logger("requests")
    log.addHandler(
        RotatingFileHandler(file, maxBytes=LARGEST_LOG, backupCount=1, encoding="utf-8", delay=True)
    )
    return log
