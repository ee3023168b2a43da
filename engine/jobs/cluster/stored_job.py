"""The job of a run or task on a node that does not see the lab's home: it fetches what it needs from
the store, computes in a home of its own, and pushes its folder back at every checkpoint.

    GLYPHLAB_NODE_HOME/inputs/          what was fetched, kept for the next job on this node
                       cache/ weights/  likewise: decoded images, downloaded weights
                       jobs/<folder>-<attempt>/   the job's home, gone when its folder is in the store
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import GlyphlabError, RunError
from engine.files.locks import Lock, is_locked
from engine.files.remote import Remote
from engine.jobs.cluster.inputs import MANIFEST, Input, fetch
from engine.jobs.cluster.made import Made, put_in_place
from engine.jobs.cluster.run_sync import RunSync
from engine.jobs.cluster.work import work_in

if TYPE_CHECKING:
    from engine.jobs.task_worker import Task
    from engine.settings import Settings

PUSH_SECONDS = 2.0
PATIENCE_SECONDS = 600.0  # for a store that does not answer when the work has ended
SHARED = ("cache", "weights")  # of all jobs of a node
OUSTED = 75  # exit status of a job whose folder was given to another one


def work_on_stored(place: str, attempt: str, settings: Settings, tasks: Mapping[str, Task]) -> None:
    """Bring the run or task whose folder is at `place` in a home, runs/… or tasks/…, to its end, if
    this job is the one that has it. Raises RunError if it is not, RemoteError if the store can't be
    reached from this node.
    """
    remote, name = Remote(settings.store), Path(place).name
    home = _job_home(settings.node_home, f"{name}-{attempt}")
    with home.lock:
        sync = RunSync(remote, home.path / place)
        if sync.wanted().get("attempt") != attempt:
            raise RunError(
                f"{name} is not in the store {remote.address} for this job",
                hint="The lab and the nodes need the same GLYPHLAB_STORE, and rights to it.",
            )
        sync.fetch()
        manifest = remote.read_json(f"{sync.place}/{MANIFEST}") or []
        inputs = [Input(**each) for each in manifest]
        fetch(remote, inputs, home.path, settings.node_home / "inputs")
        _log_into(sync.folder / "log.txt")  # up to here the cluster's log says what is wrong
        data = tuple(sorted((home.path / "data").glob("*"), key=lambda path: int(path.name)))
        own = replace(settings, home=home.path, data=data)
        made = Made(home.path, sync.folder)
        put_in_place(sync.folder, home.path)  # by an earlier attempt
        pushes = _Pushes(sync, attempt, made)
        with pushes.now_and_again():
            work_in(sync.folder, own, made.collecting(tasks))
        pushes.last()
    shutil.rmtree(home.path, ignore_errors=True)
    home.lock.path.unlink(missing_ok=True)


class _Home:
    def __init__(self, path: Path, lock: Lock) -> None:
        self.path, self.lock = path, lock


def _check_own(folder: Path) -> None:
    """Raise RunError if a folder is another user's: what it holds, weights and data, would be theirs."""
    if folder.stat().st_uid != os.geteuid():
        raise RunError(
            f"{folder} belongs to another user of this node",
            hint="Set GLYPHLAB_NODE_HOME to a folder of your own.",
        )


def _job_home(node_home: Path, name: str) -> _Home:
    """A new home for a job; those of jobs that were killed on this node are removed."""
    jobs = node_home / "jobs"
    try:
        node_home.mkdir(parents=True, exist_ok=True, mode=0o700)
        _check_own(node_home)
        jobs.mkdir(exist_ok=True)
        door = Lock.take(jobs / ".door", seconds=60)
    except OSError as error:
        raise RunError(
            f"{jobs} can't be made on this node",
            got=error.strerror,
            hint="Set GLYPHLAB_NODE_HOME to a folder that jobs may write to.",
        ) from None
    if door is None:
        raise RunError("another job of this node is still beginning", hint="Start it again.")
    with door:
        for old in jobs.glob("*.lock"):
            if not is_locked(old):
                shutil.rmtree(old.with_suffix(""), ignore_errors=True)
                old.unlink(missing_ok=True)
        lock = Lock.take(jobs / f"{name}.lock", seconds=60)
    if lock is None:
        raise RunError(f"{name} is being worked on by another process of this node")
    home = jobs / name
    home.mkdir(exist_ok=True)
    for folder in SHARED:
        (node_home / folder).mkdir(exist_ok=True)
        with suppress(FileExistsError):
            (home / folder).symlink_to(node_home / folder, target_is_directory=True)
    return _Home(home, lock)


def _log_into(file: Path) -> None:
    output = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(output, sys.stdout.fileno())
    os.dup2(output, sys.stderr.fileno())
    os.close(output)


class _Pushes:
    """What is new in the folder of a job's run or task, sent to the store. A job whose folder was
    given to another one ends at once, without a trace in the store.
    """

    def __init__(self, sync: RunSync, attempt: str, made: Made) -> None:
        self.sync, self.attempt, self.made = sync, attempt, made

    @contextmanager
    def now_and_again(self) -> Iterator[None]:
        """While the block runs, push, and look whether somebody wants the job to stop."""
        over = threading.Event()

        def push() -> None:
            while not over.wait(PUSH_SECONDS):
                try:
                    self._push()
                except (GlyphlabError, OSError) as error:  # the work does not wait for the store
                    print(f"{time.strftime('%H:%M:%S')} {error}", flush=True)

        thread = threading.Thread(target=push, name="push to the store", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def last(self) -> None:
        """The last push, as often as it takes."""
        end, pause = time.monotonic() + PATIENCE_SECONDS, 1.0
        while True:
            try:
                self._push()
                return
            except (GlyphlabError, OSError):
                if time.monotonic() + pause > end:
                    raise
                time.sleep(pause)
                pause = min(2 * pause, 60)

    def _push(self) -> None:
        wanted = self.sync.wanted()
        if wanted.get("attempt") != self.attempt:
            print("this was given to another job; this one ends", flush=True)
            os._exit(OUSTED)
        if wanted.get("stop"):
            (self.sync.folder / "stop").touch()
        self.made.collect()
        self.sync.push()
