"""One run at a time on each device, first come first served, without a scheduler: the waiting
processes order themselves.

    queue/cuda-0/00001767322925123456789-k3f9a2    a ticket a waiting run, in the order of arrival;
    it names the run's folder
    queue/cuda-0.lock                              held (flock) by the run that computes

A ticket counts while its run's process lives, so a killed run holds nobody up. The lock alone keeps
two runs apart; tickets only decide who takes it next.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from engine.files import Lock, failure, is_locked, write_text

POLL_SECONDS = 0.1


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
    """Take a ticket for the run in that folder, whose lock is already held. Raises GlyphlabError if
    the disk is full.
    """
    folder = Path(home) / "queue" / queue
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise failure(error, folder) from error
    ticket = folder / f"{time.time_ns():020d}-{run.name.rpartition('-')[2]}"
    write_text(ticket, str(run))
    return ticket


def ahead_of(ticket: Path) -> list[Path]:
    """The folders of the live runs whose turn comes before; tickets of dead ones are thrown away."""
    out = []
    for name in sorted(
        name for name in os.listdir(ticket.parent) if name < ticket.name and name[0].isdigit()
    ):
        other = ticket.parent / name
        try:
            run = Path(other.read_text(encoding="utf-8"))
        except OSError:
            continue  # its turn came between the two looks
        if is_locked(run / "lock"):
            out.append(run)
        else:
            other.unlink(missing_ok=True)
    return out


def wait_turn(
    ticket: Path, cancelled: Callable[[], bool], tell: Callable[[int], None]
) -> Lock | None:
    """The device's lock when the ticket's turn has come; None if cancelled. `tell(n)`, called when
    n changes: so many runs come first.
    """
    told = 0
    try:
        while not cancelled():
            ahead = ahead_of(ticket)
            if not ahead and (lock := Lock.take(ticket.parent.with_suffix(".lock"))):
                return lock
            if len(ahead) + 1 != told:
                told = len(ahead) + 1
                tell(told)
            time.sleep(POLL_SECONDS)
        return None
    finally:
        with suppress(OSError):
            ticket.unlink()
