"""Whether a run is to stop."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from engine.runs.run import Run

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Cancel:
    """Whether the run is to stop: by a signal, by its `stop` file, or because it has had its time.
    True once seen, for good.
    """

    def __init__(self, run: Run) -> None:
        self.run, self.signalled, self.seen = run, False, False
        self._end = math.inf

    def __call__(self) -> bool:
        over = time.monotonic() > self._end
        self.seen = self.seen or self.signalled or over or self.run.stop_wanted
        return self.seen

    def begin(self) -> None:
        """Count the minutes that the run may take, if whoever started it has a quota: what it had
        before it was resumed counts as well.
        """
        if minutes := self.run.status().get("most_minutes"):
            spent = max((row.get("seconds") or 0 for row in self.run.metrics()), default=0)
            self._end = time.monotonic() + 60 * minutes - spent

    @contextmanager
    def catching_signals(self) -> Iterator[None]:
        """SIGTERM, SIGINT (Ctrl-C) and SIGHUP ask for a stop; a second one interrupts at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def handle(number: int, frame: object) -> None:
            if self.signalled:
                raise KeyboardInterrupt
            self.signalled = True
            os.write(
                2, b"\nstopping; the model so far is kept (once more: at once)\n"
            )  # print is not safe in a handler

        before = {number: signal.signal(number, handle) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
