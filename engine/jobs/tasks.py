"""Background work that is not training: each task a process and a folder of its own, like a run,
but without a queue.

tasks/20260102T030405-embed-k3f9a2/    status.json  log.txt  lock  stop
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import DamagedError, RunError
from engine.files.atomic import make_folder, plain, write_json
from engine.files.locks import Lock, is_locked
from engine.jobs.task_status import KEPT, TaskStatus, read_status, task_folders
from engine.runs.run_info import ALIVE
from engine.runs.times import now

if TYPE_CHECKING:
    from engine.jobs.executor import Executor

KILLED = "its process was killed or the machine went down"


@dataclass(frozen=True)
class TaskInfo:
    """A task as pages show it. `done` of `total` is its progress (total 0: unknown), `what` what it
    is doing, `result` what it returned. state: running, stopping, finished, stopped, failed, or
    damaged, when `error` says what is wrong with its folder. owner: mark of the person who started it,
    '' of whoever leads the lab.
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
    owner: str = ""


def start_task(
    home: Path, executor: Executor, kind: str, arguments: dict[str, Any], owner: str = ""
) -> str:
    """Start a task in the background and return its id; the id of the running one, if the same kind
    has the same arguments: that stays its owner's.
    """
    arguments = plain(arguments)
    parent = make_folder(Path(home) / "tasks")
    door = Lock.take(parent / ".door", seconds=30)
    if door is None:
        raise RunError("another task is still being started", hint="Try again.")
    with door:
        for info in tasks(home, kind):
            if info.state in ALIVE and info.arguments == arguments:
                return info.id
        _forget_old(parent)
        token = "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(6))
        folder = parent / f"{re.sub(r'[-:]', '', now()[:19])}-{kind}-{token}"
        lock = Lock.take(make_folder(folder) / "lock")
        assert lock is not None  # nobody else knows this folder yet
        status = {"kind": kind, "arguments": arguments, "state": "running", "created": now()}
        status |= {"owner": owner} if owner else {}
        try:
            write_json(folder / "status.json", status)
        except BaseException:
            lock.release()
            raise
    # Others need not wait for data that is sent to a store meanwhile: by its lock the task is alive.
    with lock:
        executor.start_task(folder, lock)
    return folder.name


def task(home: Path, id: str) -> TaskInfo:
    """How a task stands. Raises RunError if there is none of that id."""
    folder = Path(home) / "tasks" / id
    if not re.fullmatch(r"[\w-]+", id) or not folder.is_dir():
        raise RunError(f"there is no task '{id}'")
    try:
        found = read_status(folder)
        if found.state in ALIVE and not _is_live(folder, found):
            found = read_status(folder)  # it may have ended between the two looks
    except DamagedError as error:
        kind = "-".join(id.split("-")[1:-1])
        return TaskInfo(id=id, kind=kind, state="damaged", error=str(error))
    state, error = found.state, found.error
    if state in ALIVE:
        stopping = (folder / "stop").exists()
        if _is_live(folder, found):
            state = "stopping" if stopping else state
        else:
            state, error = ("stopped", None) if stopping else ("failed", KILLED)
    known = {name: getattr(found, name) for name in TaskInfo.__dataclass_fields__ if name != "id"}
    return TaskInfo(id=id, **(known | {"state": state, "error": error}))


def _is_live(folder: Path, status: TaskStatus) -> bool:
    """Whether its process lives; of a cluster's job, whether nobody has seen that it has ended."""
    return is_locked(folder / "lock") or (status.job is not None and status.state in ALIVE)


def tasks(home: Path, kind: str | None = None) -> list[TaskInfo]:
    """All tasks (of one kind), newest first."""
    out = []
    for folder in task_folders(home):
        if kind is None or f"-{kind}-" in folder.name:
            with suppress(RunError):
                out.append(task(home, folder.name))
    return [info for info in out if kind is None or info.kind == kind]


def stop_task(home: Path, executor: Executor, id: str) -> None:
    """Have a task stop; one that has ended stays as it is. Raises RunError if there is none of that
    id.
    """
    info = task(home, id)
    folder = Path(home) / "tasks" / id
    if info.state not in ALIVE:
        return
    executor.stop_task(folder)


def _forget_old(parent: Path) -> None:
    for name in sorted((name for name in os.listdir(parent) if name[0].isdigit()), reverse=True)[
        KEPT:
    ]:
        if not is_locked(parent / name / "lock"):
            shutil.rmtree(parent / name, ignore_errors=True)
