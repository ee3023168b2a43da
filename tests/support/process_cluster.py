"""A cluster that is a few processes of this machine; real ones are in tests/cluster."""

from __future__ import annotations

import os
import subprocess
import sys

from engine.jobs.cluster.base import ClusterError, Job, JobState, Node


class Processes:
    """A cluster whose jobs are processes of this machine; what wants more than a core waits for ever."""

    name = "Processes"

    def __init__(self) -> None:
        self.jobs: dict[str, subprocess.Popen[bytes] | None] = {}
        self.asked, self.taken, self.down = 0, 0, False

    def submit(self, job: Job) -> str:
        if self.down:
            raise ClusterError("the cluster does not answer")
        id = str(self.taken)
        self.taken += 1
        self.jobs[id] = None
        if job.resources.cpus == 1:
            with open(job.log or os.devnull, "ab") as log:
                self.jobs[id] = subprocess.Popen(
                    [sys.executable, "-P", "-m", "engine", *job.arguments],
                    stdout=log,
                    stderr=log,
                    env={**os.environ, **job.environment},
                    start_new_session=True,  # Linux weighs sessions, and that of the tests gives way
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
            process.kill()
            process.wait()

    def last_line(self, id: str) -> str:
        return ""

    def nodes(self) -> list[Node]:
        return [Node("here", "up", True, 2, 1, 0, 0, 4.0)]

    def page(self) -> str | None:
        return None
