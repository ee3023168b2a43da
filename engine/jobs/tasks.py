"""Background work that is not training: each task a process and a folder of its own, like a run,
but without a queue.

tasks/20260102T030405-embed-k3f9a2/    status.json  log.txt  lock  stop
"""

from __future__ import annotations

import importlib
import os
import re
import secrets
import shutil
import signal
import socket
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from engine.checked import Document, read_document
from engine.errors import DamagedError, GlyphlabError, RunError, unknown
from engine.files import Lock, is_locked, make_folder, plain, write_json, write_text
from engine.jobs.processes import spawn
from engine.progress import Cancelled
from engine.runs.run_info import ALIVE, now

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.settings import Settings

# kind → 'module:function'; a function takes (lab, progress, **arguments) and returns what JSON can
# hold.
TASKS: dict[str, str] = {
    "gallery": "engine.services.gallery:build_task",
    "load": "engine.store.recipes:load_data",
    "evaluate": "engine.services.evaluation:evaluate_task",
    "embed": "engine.services.spaces:embed_task",
    "project": "engine.services.spaces:project_task",
    "unfold": "engine.services.spaces:learning_task",
    "measure": "engine.embedding.retrieval:measure_task",
    "sweep": "engine.services.sweep_worker:task",
    "find_rate": "engine.services.lr_finder:find_rate",
    "diagnose": "engine.services.label_noise:diagnose_task",
    "noise-trial": "engine.services.label_noise:trial_task",
    "publish-labels": "engine.services.label_noise:publish_task",
}
KEPT = 200  # ended tasks whose folders stay
HEARTBEAT_SECONDS = 0.5
GRACE_SECONDS = 20  # to unwind after SIGTERM
KILLED = "its process was killed or the machine went down"


@dataclass(frozen=True)
class TaskInfo:
    """A task as pages show it. `done` of `total` is its progress (total 0: unknown), `what` what it
    is doing, `result` what it returned. state: running, stopping, finished, stopped, failed, or
    damaged, when `error` says what is wrong with its folder.
    """

    id: str
    kind: str
    state: str
    done: int = 0
    total: int = 0
    what: str = ""
    result: Any = None
    error: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    created: str = ""
    finished: str | None = None


class _Status(Document):
    kind: str
    state: Literal["queued", "running", "stopping", "finished", "stopped", "failed"]
    arguments: dict[str, Any] = {}
    created: str = ""
    finished: str | None = None
    done: int = Field(0, ge=0)
    total: int = Field(0, ge=0)
    what: str = ""
    result: Any = None
    error: str | None = None
    pid: int | None = Field(None, ge=1, le=2**31)
    host: str | None = None


def start_task(home: Path, settings: Settings, kind: str, arguments: dict[str, Any]) -> str:
    """Start a task in the background and return its id; the id of the one at work, if the same kind
    has the same arguments.

    Raises RunError for a kind that is not in TASKS.
    """
    if kind not in TASKS:
        raise RunError(unknown("task", kind, TASKS))
    arguments = plain(arguments)
    parent = make_folder(Path(home) / "tasks")
    door = Lock.take(parent / ".door", seconds=30)
    if door is None:
        raise RunError(
            "another task is being started and does not come to an end", hint="Try again."
        )
    with door:
        for info in tasks(home, kind):
            if info.state in ALIVE and info.arguments == arguments:
                return info.id
        _forget_old(parent)
        token = "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(6))
        folder = parent / f"{re.sub(r'[-:]', '', now()[:19])}-{kind}-{token}"
        lock = Lock.take(make_folder(folder) / "lock")
        try:
            write_json(
                folder / "status.json",
                {"kind": kind, "arguments": arguments, "state": "running", "created": now()},
            )
            spawn(["_task", str(folder)], settings, folder / "log.txt", lock)
        finally:
            lock.release()
    return folder.name


def task(home: Path, id: str) -> TaskInfo:
    """How a task stands. Raises RunError if there is none of that id."""
    folder = Path(home) / "tasks" / id
    if not re.fullmatch(r"[\w-]+", id) or not folder.is_dir():
        raise RunError(f"there is no task '{id}'")
    try:
        found = _read(folder)
        if found.state in ALIVE and not is_locked(folder / "lock"):
            found = _read(folder)  # it may have ended between the two looks
    except DamagedError as error:
        kind = "-".join(id.split("-")[1:-1])
        return TaskInfo(id=id, kind=kind, state="damaged", error=str(error))
    state, error = found.state, found.error
    if state in ALIVE:
        stopping = (folder / "stop").exists()
        if is_locked(folder / "lock"):
            state = "stopping" if stopping else state
        else:
            state, error = ("stopped", None) if stopping else ("failed", KILLED)
    known = {name: getattr(found, name) for name in TaskInfo.__dataclass_fields__ if name != "id"}
    return TaskInfo(id=id, **(known | {"state": state, "error": error}))


def _read(folder: Path) -> _Status:
    return read_document(folder / "status.json", _Status, "Delete the folder, or start it again.")


def tasks(home: Path, kind: str | None = None) -> list[TaskInfo]:
    """All tasks (of one kind), newest first."""
    parent = Path(home) / "tasks"
    try:
        names = sorted(os.listdir(parent), reverse=True)
    except OSError:
        return []
    out = []
    for name in names:
        if kind is None or f"-{kind}-" in name:
            with suppress(RunError):
                out.append(task(home, name))
    return [info for info in out if kind is None or info.kind == kind]


def stop_task(home: Path, id: str) -> None:
    """Have a task stop; one that has ended stays as it is. Raises RunError if there is none of that
    id.
    """
    info = task(home, id)
    folder = Path(home) / "tasks" / id
    if info.state not in ALIVE:
        return
    write_text(folder / "stop", now() + "\n")
    with suppress(DamagedError, ProcessLookupError):
        found = _read(folder)
        if found.host == socket.gethostname() and found.pid and is_locked(folder / "lock"):
            os.kill(found.pid, signal.SIGTERM)


def work(lab: Lab, folder: Path, lock: Lock) -> None:
    """What a task's process does: call the function, write how far it is, and what it returned. For
    the main thread.
    """
    status = _read(folder).model_dump()
    status |= {"pid": os.getpid(), "host": socket.gethostname()}
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
        write()
        signal.signal(signal.SIGTERM, interrupt)
        try:
            if (folder / "stop").exists():
                raise Cancelled
            module, _, name = TASKS[status["kind"]].partition(":")
            result = getattr(importlib.import_module(module), name)(
                lab, progress, **status["arguments"]
            )
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
        write(**end, finished=now())


def _forget_old(parent: Path) -> None:
    for name in sorted((name for name in os.listdir(parent) if name[0].isdigit()), reverse=True)[
        KEPT:
    ]:
        if not is_locked(parent / name / "lock"):
            shutil.rmtree(parent / name, ignore_errors=True)
