"""Page scripts take turns: a few at once, the others wait for theirs.

Streamlit runs each visitor's script in a thread of its own, and Python runs one thread at a time.
Thirty that compete hand the interpreter around instead of coming to an end, and the server's event
loop waits in the same crowd: a thousand stats took 1.5 s beside 30 busy threads and 0.04 s beside 8
(Python 3.11, two cores). In turns the first pages are there at once and the last no later.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

AT_ONCE = 2  # of three, the event loop's answers waited: one in ten took over 100 ms
PATIENCE_SECONDS = 8.0  # then a script goes on without a turn: another may wait for something slow
SWITCH_SECONDS = (
    0.001  # after which a thread that computes lets another go on; Python's own is 0.005
)

_turns = threading.BoundedSemaphore(AT_ONCE)


@contextmanager
def turn(patience: float = PATIENCE_SECONDS) -> Iterator[bool]:
    """Wait for a turn, and keep it within the block; says whether it is one."""
    taken = _turns.acquire(timeout=patience)
    try:
        yield taken
    finally:
        if taken:
            _turns.release()
