"""What the server logs, whichever library writes it: each record is one line of bounded length, nothing
in it moves a terminal's cursor or turns text around, and lines of one kind come at a bounded pace.

What strangers send is quoted in such lines, by Streamlit too: by a false line somebody could have the
teacher open their address, and by long ones fill the disk.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TextIO, cast

from engine.errors import one_line, readable

LONGEST = 1_000  # characters of a line
TRACE_LINES = 40  # of a traceback, its last
PER_SECOND, AT_ONCE = 1.0, 30  # lines of one kind: 86 MB a day at the very most, of the longest
MOST_KINDS = 1_000
BESIDE = "  | "  # before each line of a traceback, which may hold others' words too


@dataclass
class _Kind:
    """Lines that one statement writes. left: how many more it may; dropped: since the last."""

    left: float
    seen: float
    dropped: int = 0


class Lines(logging.Filter):
    """Makes records fit, and drops those of a kind of which there are too many. clock: in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock, self._kinds = clock, dict[tuple[str, int], _Kind]()
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write a record, which is then one line and its traceback."""
        if getattr(record, "fits", False):  # by another logger on its way
            return True
        dropped = self._dropped(record)
        if dropped is None:
            return False
        try:
            words = one_line(record.getMessage(), LONGEST)
        except Exception:  # noqa: BLE001 - a library's mistake in its own line
            words = one_line(record.msg, LONGEST)
        if dropped:
            words += f" ({dropped:,} lines like this were left out)"
        record.msg, record.args, record.fits = words, (), True
        if record.exc_info and record.exc_info[1]:
            record.exc_text = _trace_of(record)
        return True

    def _dropped(self, record: logging.LogRecord) -> int | None:
        """How many lines of its kind were left out before this one; None: this one is too."""
        with self._lock:
            now, kind = self._clock(), (record.pathname, record.lineno)
            if len(self._kinds) >= MOST_KINDS and kind not in self._kinds:
                self._kinds.clear()
            found = self._kinds.setdefault(kind, _Kind(AT_ONCE, now))
            found.left = min(AT_ONCE, found.left + (now - found.seen) * PER_SECOND)
            found.seen = now
            if found.left < 1:
                found.dropped += 1
                return None
            found.left -= 1
            dropped, found.dropped = found.dropped, 0
            return dropped


def _trace_of(record: logging.LogRecord) -> str:
    text = logging.Formatter().formatException(record.exc_info or (None, None, None))
    kept = text.splitlines()[-TRACE_LINES:]
    indents = (" " * min(8, len(line) - len(line.lstrip(" "))) for line in kept)
    return "\n".join(
        BESIDE + indent + one_line(line, LONGEST)
        for indent, line in zip(indents, kept, strict=True)
    )


class Readable:
    """A stream for text, in which control characters are written as their codes: what libraries print
    themselves, tracebacks above all.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(readable(text))

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def bound(lines: Lines | None = None) -> None:
    """Have all loggers of this process write such lines only: those there are, and those that libraries
    will ask for. Warnings of Python become records too, and what is printed moves no cursor.
    """
    filter = lines or Lines()

    class Bounded(logging.getLoggerClass()):
        def __init__(self, name: str, level: int = logging.NOTSET) -> None:
            super().__init__(name, level)
            self.addFilter(filter)

    logging.setLoggerClass(Bounded)
    there = list(logging.root.manager.loggerDict.values())
    for logger in (logging.root, *there):
        if isinstance(logger, logging.Logger):
            logger.addFilter(filter)
    logging.captureWarnings(True)
    sys.stdout, sys.stderr = cast(TextIO, Readable(sys.stdout)), cast(TextIO, Readable(sys.stderr))
