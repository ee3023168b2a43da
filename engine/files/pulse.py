"""Signs of life across machines: a file whose time of change grows while its process lives.

A lock (flock) is the better sign, but a machine that went down may keep its locks on a network file
system for minutes, and some file systems do not show them to other machines. The age of a sign is
taken between two files of the same file system, written by whoever keeps its clock, so that the
clocks of the machines need not agree.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

BEAT_SECONDS = 5.0
SILENT_SECONDS = 9 * BEAT_SECONDS  # after which a node that gave signs of life counts as lost


@contextmanager
def beating(file: Path, every_seconds: float = BEAT_SECONDS) -> Iterator[None]:
    """Give a sign of life in `file` now and again while the block runs; it is gone afterwards."""
    over = threading.Event()

    def beat() -> None:
        while True:
            with suppress(OSError):  # a full disk: the file is there already, and needs no room
                file.write_bytes(b"alive\n")
            if over.wait(every_seconds):
                return

    thread = threading.Thread(target=beat, name=f"heartbeat in {file}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        with suppress(OSError):
            file.unlink()


def age_seconds(file: Path, now_ns: int | None = None) -> float | None:
    """Seconds since the file was last written, by the clock of its file system, which `clock_ns` has
    read a moment ago; None if it is not there. Raises OSError if nothing can be written beside it.
    """
    try:
        then = os.stat(file).st_mtime_ns
    except OSError:
        return None
    return max(0.0, ((clock_ns(file.parent) if now_ns is None else now_ns) - then) / 1e9)


def clock_ns(folder: Path) -> int:
    """What time it is for the file system of a folder, in nanoseconds. Raises OSError if nothing can be
    written there.
    """
    now = folder / f".now-{os.getpid()}-{threading.get_ident()}"
    try:
        now.write_bytes(b"now\n")
        return os.stat(now).st_mtime_ns
    finally:
        with suppress(OSError):
            now.unlink()
