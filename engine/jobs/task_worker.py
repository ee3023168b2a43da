"""What a background task's process does, and how much it may take where the lab serves others."""

from __future__ import annotations

import os
import signal
import socket
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.bounds import confine, end_after_cpu_seconds
from engine.errors import GlyphlabError, RunError, unknown
from engine.files.atomic import plain, write_json
from engine.files.locks import Lock
from engine.jobs.outcome import in_words
from engine.jobs.queue import queue_of
from engine.jobs.task_status import read_status
from engine.progress import Cancelled
from engine.runs.times import now

if TYPE_CHECKING:
    from engine.jobs.launcher import Launcher

Task = Callable[..., Any]  # (launcher, progress, **arguments) → what JSON can hold
HEARTBEAT_SECONDS = 0.5
GRACE_SECONDS = 20  # to unwind after SIGTERM


class Bounds(NamedTuple):
    """seconds: after which a task ends; memory_gb: of main memory, of each of its processes (not on a
    GPU, whose driver maps what it never uses)."""

    seconds: float
    memory_gb: float


# In a lab of others (GLYPHLAB_MODE class or public), whoever starts a task. An hour is four times what
# the longest of a student's takes here (a map of 60,000 images, two cores), and 8 GB half of what a
# machine for a class has; only whoever leads starts sweeps, which end by their own budget.
BOUNDS = Bounds(3_600, 8.0)
UNBOUNDED = ("sweep",)


def work_on_task(
    launcher: Launcher,
    folder: Path,
    lock: Lock,
    kinds: Mapping[str, Task],
    bounds: Bounds = BOUNDS,
) -> None:
    """What a task's process does: call the function, write how far it is, and what it returned. For
    the main thread. bounds: hold where the lab serves others than its owner.
    """
    status = read_status(folder).model_dump()
    status |= {"pid": os.getpid(), "host": socket.gethostname(), "state": "running"}
    written, over = 0.0, False

    def write(lasting: bool = True, **changes: Any) -> None:
        status.update(changes)
        write_json(folder / "status.json", status, lasting)

    def progress(done: int, total: int, what: str) -> None:
        nonlocal written
        if (folder / "stop").exists():
            raise Cancelled
        if time.monotonic() - written >= HEARTBEAT_SECONDS:
            write(False, done=int(done), total=int(total), what=what)
            written = time.monotonic()

    def interrupt(number: int, frame: object) -> None:
        (folder / "stop").touch()
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # the kernel ends what does not unwind
        signal.alarm(GRACE_SECONDS)
        raise Cancelled

    def overtime(number: int, frame: object) -> None:
        nonlocal over
        over = True
        interrupt(number, frame)

    with lock:
        signal.signal(signal.SIGTERM, interrupt)
        settings = launcher.store.settings
        if settings.mode != "own" and status["kind"] not in UNBOUNDED:
            signal.signal(signal.SIGALRM, overtime)
            signal.setitimer(signal.ITIMER_REAL, bounds.seconds)
            # A decoder that hangs comes to no handler; the kernel ends what computes on and on.
            end_after_cpu_seconds((bounds.seconds + GRACE_SECONDS) * (os.cpu_count() or 1))
            if queue_of(settings.device) == "cpu":
                confine(bounds.memory_gb)
        try:
            write()
            if (folder / "stop").exists():
                raise Cancelled
            if status["kind"] not in kinds:
                raise RunError(unknown("task", status["kind"], kinds))
            result = kinds[status["kind"]](launcher, progress, **status["arguments"])
            end = {"state": "finished", "result": plain(result), "done": status.get("total", 0)}
        except (Cancelled, KeyboardInterrupt):
            words = (
                f"it took longer than the {bounds.seconds / 60:g} minutes that a task may take here"
            )
            end = {"state": "failed", "error": words} if over else {"state": "stopped"}
        except GlyphlabError as error:
            end = {"state": "failed", "error": str(error)}
        except Exception as error:
            traceback.print_exc()
            end = {"state": "failed", "error": in_words(error)}
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.alarm(0)
        write(True, **end, finished=now())
