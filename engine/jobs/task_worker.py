"""What a background task's process does."""

from __future__ import annotations

import os
import signal
import socket
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import GlyphlabError, RunError, unknown
from engine.files.atomic import plain, write_json
from engine.files.locks import Lock
from engine.jobs.task_status import read_status
from engine.progress import Cancelled
from engine.runs.run_info import now

if TYPE_CHECKING:
    from engine.jobs.launcher import Launcher

Task = Callable[..., Any]  # (launcher, progress, **arguments) → what JSON can hold
HEARTBEAT_SECONDS = 0.5
GRACE_SECONDS = 20  # to unwind after SIGTERM


def work_on_task(launcher: Launcher, folder: Path, lock: Lock, kinds: Mapping[str, Task]) -> None:
    """What a task's process does: call the function, write how far it is, and what it returned. For
    the main thread.
    """
    status = read_status(folder).model_dump()
    status |= {"pid": os.getpid(), "host": socket.gethostname(), "state": "running"}
    written = 0.0

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

    with lock:
        signal.signal(signal.SIGTERM, interrupt)
        try:
            write()
            if (folder / "stop").exists():
                raise Cancelled
            if status["kind"] not in kinds:
                raise RunError(unknown("task", status["kind"], kinds))
            result = kinds[status["kind"]](launcher, progress, **status["arguments"])
            end = {"state": "finished", "result": plain(result), "done": status.get("total", 0)}
        except (Cancelled, KeyboardInterrupt):
            end = {"state": "stopped"}
        except GlyphlabError as error:
            end = {"state": "failed", "error": str(error)}
        except Exception as error:
            traceback.print_exc()
            end = {"state": "failed", "error": f"{type(error).__name__}: {error}"[:300]}
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.alarm(0)
        write(True, **end, finished=now())
