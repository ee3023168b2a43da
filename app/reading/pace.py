"""How often pads may ask while their pens move, so that reading drawings leaves the machine time for all
else.

A pad alone asks twenty times a second. Fifty that did would keep a core busy with answers nobody has the
time to look at, each would wait behind the others', and training would stand still. So each answer tells
its pad how long to wait before it asks again; the answer to a drawing that is finished never waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SHARE = 0.4  # of the time, for drawings that are not finished
ACTIVE_SECONDS = 2.2  # a pad that asked so lately asks again: none waits longer than two seconds
HALF_SECONDS = 5.0  # what answers took so long ago counts half
MOST_PADS = 1000  # that are told apart; names come from browsers


class Pace:
    """Counts who asks, and how long the process that reads is busy with each answer. For one event
    loop. clock: seconds, rising.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[str, float] = {}  # pad → when it asked last
        self._waiting, self._since = 0, clock()
        self._busy = self._answers = 0.0  # seconds and count of late, older ones fading

    @contextmanager
    def asked(self, pad: str) -> Iterator[None]:
        """One question of a pad, until it is answered."""
        self._pass()
        self._last.pop(pad, None)
        self._last[pad] = self._since
        while len(self._last) > MOST_PADS:
            del self._last[next(iter(self._last))]
        self._waiting += 1
        try:
            yield
        finally:
            self._pass()
            self._waiting -= 1
            self._answers += 1

    def gap_ms(self) -> int:
        """How long a pad should wait between two questions, in milliseconds."""
        if not self._answers:
            return 0
        now = self._clock()
        active = sum(then > now - ACTIVE_SECONDS for then in self._last.values())
        return round(1000 * active * self._busy / self._answers / SHARE)

    def _pass(self) -> None:
        """Count the time since the last change as busy if a question waited, and let the past fade."""
        now = self._clock()
        passed, self._since = now - self._since, now
        fade = 0.5 ** (passed / HALF_SECONDS)
        self._busy = self._busy * fade + (passed if self._waiting else 0.0)
        self._answers *= fade
