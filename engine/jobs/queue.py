"""One run at a time on each device, first come first served, without a scheduler: the waiting
processes order themselves.

    queue/cuda-0/00001767322925123456789-k3f9a2    a ticket a waiting run, in the order of arrival;
    it names the run's folder
    queue/cuda-0.lock                              held (flock) by the run that computes

A ticket counts while its run's process lives, so a killed run holds nobody up; a run has one ticket
at most, so one that goes on never waits for the ticket it left behind. Each waiting process watches
only the ticket before its own. The lock alone keeps two runs apart; tickets only decide who takes
it next.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from engine.files.atomic import failure, write_text
from engine.files.locks import Lock, is_locked

POLL_SECONDS = 0.1  # of the run whose turn is next
WATCH_SECONDS = 0.4  # of the runs behind it
_NAME = re.compile(r"[0-9]{1,30}-\w+")


def queue_of(device: str) -> str:
    """The queue for a wanted device, decided without loading torch: 'auto' is the first GPU where
    there is one.
    """
    if device == "auto":
        hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
        if not hidden and any(os.path.exists(path) for path in ("/dev/nvidiactl", "/dev/dxg")):
            return "cuda-0"
        return "mps" if sys.platform == "darwin" and os.uname().machine == "arm64" else "cpu"
    return "cuda-0" if device == "cuda" else device.replace(":", "-")


def queue_up(home: Path, queue: str, run: Path) -> Path:
    """Take a ticket for the run in that folder, whose lock is already held; tickets that it left in
    any queue when it was killed are thrown away. Raises GlyphlabError if the disk is full.
    """
    folder = Path(home) / "queue" / queue
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.parent.glob(f"*/*-{_token(run)}"):
            if _run_of(old) == run:
                old.unlink(missing_ok=True)
        last = max((int(name.partition("-")[0]) for name in _tickets(folder)), default=0)
    except OSError as error:
        raise failure(error, folder) from error
    # A clock that was put back must not let a run pass those that came before it.
    ticket = folder / f"{max(time.time_ns(), last + 1):020d}-{_token(run)}"
    write_text(ticket, str(run))
    return ticket


def wait_turn(
    ticket: Path,
    cancelled: Callable[[], bool],
    show: Callable[[int], None],
    watch_seconds: float = WATCH_SECONDS,
) -> Lock | None:
    """The device's lock when the ticket's turn has come; None if cancelled. `show(n)`, called when
    n changes: so many runs come first.
    """
    shown = 0
    try:
        while not cancelled():
            before = [
                name for name in _tickets(ticket.parent) if _place(name) < _place(ticket.name)
            ]
            while before and not _is_live(ticket.parent / before[-1]):
                with suppress(OSError):  # a folder of such a name stays, and counts for nothing
                    (ticket.parent / before[-1]).unlink()
                before.pop()
            if not before and (lock := Lock.take(ticket.parent.with_suffix(".lock"))):
                return lock
            if len(before) + 1 != shown:
                shown = len(before) + 1
                show(shown)
            time.sleep(watch_seconds if before else POLL_SECONDS)
        return None
    finally:
        with suppress(OSError):
            ticket.unlink()


def _tickets(folder: Path) -> list[str]:
    """Names of the tickets in a queue, first come first."""
    return sorted((name for name in os.listdir(folder) if _NAME.fullmatch(name)), key=_place)


def _place(name: str) -> tuple[int, str]:
    # By number: one more than twenty nines has a digit more, and would come first by letters.
    return int(name.partition("-")[0]), name


def _is_live(ticket: Path) -> bool:
    """Whether a run that computes or waits stands behind a ticket: its own, not one that only names
    it, or a run could wait for itself.
    """
    run = _run_of(ticket)
    return run is not None and ticket.name.endswith(f"-{_token(run)}") and is_locked(run / "lock")


def _run_of(ticket: Path) -> Path | None:
    """The run's folder that a ticket names; None if the ticket is gone or damaged."""
    try:
        text = ticket.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    return Path(text) if text.startswith("/") and "\0" not in text else None


def _token(run: Path) -> str:
    return run.name.rpartition("-")[2]
