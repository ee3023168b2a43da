"""What a cluster's job does: the run or task whose folder it was given, on whatever node it is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import RunError
from engine.files.locks import Lock
from engine.files.pulse import beating
from engine.jobs.cluster.order import next_in_line
from engine.jobs.launcher import Launcher
from engine.jobs.task_worker import work_on_task
from engine.jobs.worker import work_on_run
from engine.runs.run import Run
from engine.runs.times import before_again
from engine.store.store import Store

if TYPE_CHECKING:
    from engine.jobs.place import Place
    from engine.jobs.task_worker import Task
    from engine.settings import Settings

LOCK_SECONDS = 150  # a network file system keeps the lock of a node that went down for up to 90 s


def work_on_job(
    folder: Path,
    settings: Settings,
    tasks: Mapping[str, Task],
    place: Place | None = None,
    job: str = "",
) -> None:
    """Bring the run or the task in `folder` to its end. place: this node, the first of several. job: the
    id of a job whose cluster keeps no order; the run that has waited longest is computed instead.
    Raises RunError if another process keeps working on it, or the folder is not to be seen from this node.
    """
    if not (folder / "status.json").exists():
        raise RunError(
            f"{folder} is not there on this node",
            hint="Put GLYPHLAB_HOME on a file system that all nodes mount at the same path.",
        )
    if not job or folder.parent.name != "runs":
        work_in(folder, settings, tasks, LOCK_SECONDS, place)
    elif found := next_in_line(Run(folder), settings, job, LOCK_SECONDS):
        run, lock = found
        if run.path != folder:
            _write_to(run.path / "log.txt")
        with beating(run.path / "beat"):
            _work_on_run(Store(settings.home, settings), run, lock, place)


def work_in(
    folder: Path,
    settings: Settings,
    tasks: Mapping[str, Task],
    lock_seconds: float = 0.5,
    place: Place | None = None,
) -> None:
    """The same where the folder is in the settings' home. Raises
    RunError if another process still works on it after some seconds.
    """
    store = Store(settings.home, settings)
    run = Run(folder)
    lock = run.take_lock(lock_seconds)
    with beating(folder / "beat"):
        if folder.parent.name == "tasks":
            work_on_task(Launcher(store), folder, lock, tasks)
            return
        _work_on_run(store, run, lock, place)


def _work_on_run(store: Store, run: Run, lock: Lock, place: Place | None) -> None:
    status = run.status()
    if status.get("pid"):  # an earlier attempt of this job was ended by the cluster
        run.write_status(resumed=status.get("resumed", 0) + 1, **before_again(status))
    work_on_run(store, run, lock, ticket=None, place=place)


def _write_to(log: Path) -> None:
    """Have what this process prints appended to another file."""
    with suppress(OSError), open(log, "ab") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
