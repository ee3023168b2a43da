"""Background work that is not training: each task a process and a folder of its own, like a run,
but without a queue.

tasks/20260102T030405-embed-k3f9a2/    status.json  log.txt  lock  stop
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import RunError
from engine.file_cache import FileCache
from engine.files import Lock, is_locked, plain, read_json, write_json
from engine.jobs.processes import spawn
from engine.runs.run_info import ALIVE, now

if TYPE_CHECKING:
    from engine.settings import Settings

KEPT = 200  # ended tasks whose folders stay
HEARTBEAT_SECONDS = 0.25
KILLED = "its process was killed or the machine went down"


@dataclass(frozen=True)
class TaskInfo:
    """A task as pages show it. `done` of `total` is its progress (total 0: unknown), `what` what it
    is doing, `result` what it returned.
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


def start_task(home: Path, settings: Settings, kind: str, arguments: dict[str, Any]) -> str:
    """Start a task in the background and return its id; the id of the one at work, if the same kind
    has the same arguments.
    """
    arguments = plain(arguments)
    parent = Path(home) / "tasks"
    parent.mkdir(parents=True, exist_ok=True)
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
        folder.mkdir()
        lock = Lock.take(folder / "lock")
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
    try:
        status = _statuses.get(folder / "status.json") if re.fullmatch(r"[\w-]+", id) else None
    except OSError:
        status = None
    if status is None:
        raise RunError(f"there is no task '{id}'")
    status = dict(status)
    if status["state"] in ALIVE:
        if is_locked(folder / "lock"):
            status["state"] = "stopping" if (folder / "stop").exists() else status["state"]
        else:
            status = read_json(folder / "status.json")  # it may have ended between the two looks
            if status["state"] in ALIVE:
                status |= (
                    {"state": "stopped"}
                    if (folder / "stop").exists()
                    else {"state": "failed", "error": KILLED}
                )
    known = {name: status[name] for name in TaskInfo.__dataclass_fields__ if name in status}
    return TaskInfo(id=id, **known)


_statuses = FileCache(read_json, most=2 * KEPT)  # lists of tasks look at all of them


def tasks(home: Path, kind: str | None = None) -> list[TaskInfo]:
    """All tasks (of one kind), newest first."""
    parent = Path(home) / "tasks"
    names = sorted(os.listdir(parent), reverse=True) if parent.is_dir() else []
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
    (folder / "stop").touch()
    status = read_json(folder / "status.json") or {}
    if (
        status.get("host") == socket.gethostname()
        and status.get("pid")
        and is_locked(folder / "lock")
    ):
        with suppress(ProcessLookupError):
            os.kill(status["pid"], signal.SIGTERM)


def _forget_old(parent: Path) -> None:
    for name in sorted((name for name in os.listdir(parent) if name[0].isdigit()), reverse=True)[
        KEPT:
    ]:
        if not is_locked(parent / name / "lock"):
            shutil.rmtree(parent / name, ignore_errors=True)
