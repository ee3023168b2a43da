"""A cluster that is a few processes of this machine; real ones are in tests/cluster.

A job over several nodes is as many processes: its nodes, each with the other's address.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.files.remote import Remote
from engine.jobs.cluster.base import ClusterError, Job, JobState, Node
from engine.jobs.cluster.executor import ClusterExecutor
from engine.jobs.place import Place, at_place
from engine.lab import Lab


def _started(job: Job, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    with open(job.log or os.devnull, "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "engine", *arguments],
            stdout=log,
            stderr=log,
            env={**os.environ, **job.environment},
            start_new_session=True,  # Linux weighs sessions, and that of the tests gives way
        )


class Processes:
    """A cluster whose jobs are processes of this machine; what wants more than a core waits for ever."""

    name = "Processes"

    def __init__(self) -> None:
        self.jobs: dict[str, subprocess.Popen[bytes] | None] = {}
        self.others: dict[str, list[subprocess.Popen[bytes]]] = {}  # of a job: its further nodes
        self.asked, self.taken, self.down = 0, 0, False

    def submit(self, job: Job) -> str:
        if self.down:
            raise ClusterError("the cluster does not answer")
        id = str(self.taken)
        self.taken += 1
        self.jobs[id] = None
        if job.resources.cpus == 1:
            count = job.resources.nodes
            if count == 1:
                self.jobs[id] = _started(job, job.arguments)
                return id
            names = tuple(f"node-{number}" for number in range(count))
            places = [Place(number, names, "127.0.0.1", f"attempt-{id}") for number in range(count)]
            self.jobs[id], *self.others[id] = (
                _started(job, at_place(job.arguments, place)) for place in places
            )
        return id

    def states(self) -> dict[str, JobState]:
        self.asked += 1
        if self.down:
            raise ClusterError("the cluster does not answer")
        out = {}
        for id, process in self.jobs.items():
            ended = process is not None and process.poll() is not None
            out[id] = (
                JobState("waiting") if process is None
                else JobState("ended", f"exit {process.returncode}") if ended
                else JobState("running")
            )  # fmt: skip
        return out

    def cancel(self, id: str, at_once: bool = False) -> None:
        if process := self.jobs.pop(id, None):
            for each in (process, *self.others.pop(id, ())):
                each.kill()
                each.wait()

    def last_line(self, id: str) -> str:
        return ""

    def nodes(self) -> list[Node]:
        return [Node("here", "up", True, 2, 1, 0, 0, 4.0)]

    def page(self) -> str | None:
        return None


@contextmanager
def lab_on(cluster: Processes, home: Path, **environment: str) -> Iterator[Lab]:
    """A lab on such a cluster, whose jobs end with the block. It may be asked as often as a test likes."""
    found = Lab.open({"GLYPHLAB_HOME": str(home), "GLYPHLAB_EXECUTOR": "ray", **environment})
    found.launcher.executor = ClusterExecutor(found.settings, cluster, between_seconds=0)
    yield found
    for id in list(cluster.jobs):
        cluster.cancel(id)


@contextmanager
def lab_with_a_store(home: Path, folder: Path) -> Iterator[Lab]:
    """A lab whose jobs are processes that work in a folder of their own, below `folder`, and know a
    store there alone.
    """
    store = {
        "GLYPHLAB_STORE": f"file://{folder / 'store'}",
        "GLYPHLAB_NODE_HOME": str(folder / "node"),
    }
    with lab_on(Processes(), home, **store) as found:
        yield found


def count_listings(executor: ClusterExecutor, store: str) -> list[str]:
    """The folders of the `store` that the executor lists from now on, once for each time."""
    asked: list[str] = []

    class Counted(Remote):
        def stamps(self, folder: str) -> Any:
            asked.append(folder)
            return super().stamps(folder)

    executor._stored.remote = Counted(store)
    return asked
