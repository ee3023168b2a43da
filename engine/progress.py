"""How long work tells how far it is, and how it is told to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from engine.errors import readable

Progress = Callable[
    [int, int, str], None
]  # (done, total, what): called often, from the thread that works


class Cancelled(BaseException):
    """Raised by a progress callback, or by a signal's handler, whose person has pressed stop; the
    work unwinds and leaves nothing half-written. No Exception, as KeyboardInterrupt is none: a
    library that goes on after any error must not go on after this.
    """


def no_progress(done: int, total: int, what: str) -> None:
    """For callers with nobody watching."""


def bar(stream: TextIO, width: int = 30) -> Progress:
    """A progress bar for a terminal, redrawn in place at most ten times a second; a line every few
    seconds when `stream` is a file.
    """
    last = {"time": 0.0}
    live = stream.isatty()

    def show(done: int, total: int, what: str) -> None:
        what = readable(what)  # a class or a file may be named in it
        now = time.monotonic()
        ended = done >= total
        if not live:
            if now - last["time"] >= 5 or not last["time"]:
                stream.write(f"{what}: {done:,}/{total:,}\n" if total else f"{what}\n")
                stream.flush()
                last["time"] = now
            return
        if now - last["time"] < 0.1 and not ended:
            return
        last["time"] = now
        filled = round(width * done / total) if total else 0
        shown = (
            f"{what} [{'#' * filled}{'.' * (width - filled)}] {done:,}/{total:,}" if total else what
        )
        stream.write(f"\r{shown}\x1b[K" + ("\n" if ended and total else ""))
        stream.flush()

    return show
