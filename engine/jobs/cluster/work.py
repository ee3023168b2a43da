"""What a cluster's job does: the run or task whose folder it was given, on whatever node it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import RunError
from engine.files.pulse import beating
from engine.jobs.launcher import Launcher
from engine.jobs.task_worker import work_on_task
from engine.jobs.worker import work_on_run
from engine.runs.run import Run
from engine.store.store import Store

if TYPE_CHECKING:
    from engine.jobs.task_worker import Task
    from engine.settings import Settings

LOCK_SECONDS = 150  # a network file system keeps the lock of a node that went down for up to 90 s


def work_on_job(folder: Path, settings: Settings, tasks: Mapping[str, Task]) -> None:
    """Bring the run or the task in `folder` to its end. Raises RunError if another process keeps
    working on it, or the folder is not to be seen from this node.
    """
    if not (folder / "status.json").exists():
        raise RunError(
            f"{folder} is not there on this node",
            hint="Put GLYPHLAB_HOME on a file system that all nodes mount at the same path.",
        )
    store = Store(settings.home, settings)
    run = Run(folder)
    lock = run.take_lock(LOCK_SECONDS)
    with beating(folder / "beat"):
        if folder.parent.name == "tasks":
            work_on_task(Launcher(store), folder, lock, tasks)
            return
        status = run.status()
        if status.get("pid"):  # an earlier attempt of this job was ended by the cluster
            run.write_status(resumed=status.get("resumed", 0) + 1)
        work_on_run(store, run, lock, ticket=None)
