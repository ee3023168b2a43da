"""Where runs are started: behind one small seam, so that a cluster can take the place of this
machine.
"""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from engine.errors import DamagedError, RunError
from engine.files.atomic import write_text
from engine.files.locks import Lock, is_locked
from engine.jobs.processes import spawn
from engine.jobs.queue import queue_of, queue_up
from engine.jobs.task_status import read_status
from engine.runs.run import Run
from engine.runs.run_info import ALIVE
from engine.runs.times import before_again, now
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.recipes.recipe import Recipe


FRESH: dict[str, Any] = {  # what a run's status says of it until it begins
    "message": "", "error": None, "finished": None, "pid": None, "nodes": None, "attempt": None,
}  # fmt: skip


class Executor(Protocol):
    """Starts runs and stops them. Everything else is read from the run's folder, wherever the run
    is computed.
    """

    def start(self, run: Run) -> None:
        """Have the run computed, from its last checkpoint if it has one; returns at once. Raises
        RunError if it already is.
        """

    def stop(self, run: Run, at_once: bool = False) -> None:
        """Have it stop and keep its best checkpoint; `at_once` kills it. Raises RunError if it is
        not alive.
        """

    def start_task(self, folder: Path, lock: Lock) -> None:
        """Have a background task computed, whose status is in `folder`; its `lock` goes over to
        whatever computes it, or is let go.
        """

    def stop_task(self, folder: Path) -> None:
        """Have a task stop that is alive."""

    def refresh(self, wait: bool = False) -> None:
        """Bring the folders up to date with what only the machines know; cheap to call often.
        `wait` until that is done.
        """


class LocalExecutor:
    """Each run is a detached process of this machine, one at a time on each device. It outlives
    whoever started it.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def start(self, run: Run) -> None:
        """Spawn the run's process, which holds the run's lock from its first instant and waits for
        its turn by itself.
        """
        lock = run.take_lock()
        try:
            (run.path / "stop").unlink(missing_ok=True)
            again = before_again(run.status())
            run.write_status(state="queued", **again, **FRESH, job=None)
            ticket = queue_up(self.settings.home, queue_of(self.settings.device), run.path)
            folder = run.status().get("cwd")
            spawn(
                ["_work", str(run.path), str(ticket)],
                self.settings,
                run.path / "log.txt",
                lock,
                Path(folder) if folder else None,
            )
        finally:
            lock.release()  # the child, if it came to be, holds it on

    def stop(self, run: Run, at_once: bool = False) -> None:
        """Leave word in the run's folder; `at_once`: kill its process, if it is on this machine."""
        if not run.alive:
            raise RunError(f"run {run.id} is not running", got=run.info().state)
        run.ask_to_stop()
        status = run.status()
        if not at_once or not status.get(
            "pid"
        ):  # a process that has not written its number down yet will not get far
            return
        if status.get("host") != socket.gethostname():
            raise RunError(
                f"run {run.id} can't be killed from here",
                expected=f"host {status.get('host')}",
                got=socket.gethostname(),
            )
        with suppress(ProcessLookupError):
            os.kill(status["pid"], signal.SIGKILL)
        from engine.jobs.parallel import END_SECONDS

        # What trained beside it holds the lock as well, until torchrun has ended that.
        with run.take_lock(seconds=END_SECONDS):
            if run.status().get("state") in ALIVE:
                run.end("stopped", "killed on request; it can be resumed")

    def start_task(self, folder: Path, lock: Lock) -> None:
        """Spawn the task's process, which holds its lock from its first instant."""
        spawn(["_task", str(folder)], self.settings, folder / "log.txt", lock)

    def stop_task(self, folder: Path) -> None:
        """Leave word in the task's folder, and wake its process if that is on this machine."""
        write_text(folder / "stop", now() + "\n")
        with suppress(DamagedError, ProcessLookupError):
            found = read_status(folder)
            if found.host == socket.gethostname() and found.pid and is_locked(folder / "lock"):
                os.kill(found.pid, signal.SIGTERM)

    def refresh(self, wait: bool = False) -> None:
        """Nothing: on one machine locks tell everything."""


def resume(executor: Executor, run: Run, recipe: Recipe | None = None) -> None:
    """Have a stopped or failed run go on from its last checkpoint; recipe: its own, with other
    resources. Raises RunError if it finished or is alive.
    """
    info = run.info()
    if info.alive:
        raise RunError(f"run {run.id} is {info.state}", expected="a stopped or failed one")
    if info.state == "finished":
        raise RunError(
            f"run {run.id} has finished",
            hint="Start its recipe again, with more epochs if you want it longer.",
        )
    with run.take_lock():
        run.write_status(resumed=info.resumed + 1)
        if recipe is not None:
            run.write_recipe(recipe)
    executor.start(run)
