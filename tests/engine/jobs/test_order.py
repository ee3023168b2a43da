"""Runs keep the order in which they were handed in, on a cluster that gives cores to whichever job it
comes to; a real Ray is in tests/cluster.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_lab import SMALL
from process_cluster import Processes, lab_on
from waiting import wait_until

from engine.jobs.cluster.base import Job
from engine.jobs.cluster.order import JOB
from engine.lab import Lab
from engine.recipes.recipe import make_recipe


class Unordered(Processes):
    """A cluster whose jobs wait until a test gives them cores."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: dict[str, Job] = {}

    def submit(self, job: Job) -> str:
        waits = replace(job.resources, cpus=99)
        id = super().submit(Job(job.name, job.arguments, waits, job.log, job.environment))
        self.waiting[id] = Job(
            job.name, job.arguments, job.resources, job.log, {**job.environment, JOB: id}
        )
        return id

    def give(self, id: str) -> int:
        """Cores to a job; the status of its process once that has ended."""
        self.begin(id)
        process = self.jobs[id]
        assert process
        return process.wait(900)

    def begin(self, id: str) -> None:
        """Cores to a job."""
        taken, self.taken = self.taken, int(id)
        super().submit(self.waiting.pop(id))
        self.taken = taken


@pytest.fixture
def cluster() -> Unordered:
    return Unordered()


@pytest.fixture
def lab(home: Path, cluster: Unordered) -> Iterator[Lab]:
    with lab_on(cluster, home) as found:
        yield found


def handed_in(lab: Lab, **changes: Any) -> str:
    return lab.submit(make_recipe({**SMALL, "name": "waits", "epochs": 1, **changes}))


def states(lab: Lab, *ids: str) -> list[str]:
    lab.launcher.refresh(wait=True)
    return [lab.run(id).info().state for id in ids]


def job_of(lab: Lab, id: str) -> str:
    return lab.run(id).status()["job"]["id"]


def test_whichever_job_gets_cores_computes_the_run_that_has_waited_longest(lab, cluster):
    first, second, third = (handed_in(lab, seed=number) for number in range(3))
    since = lab.run(first).status()["job"]["since"]
    assert cluster.give("2") == 0
    assert states(lab, first, second, third) == ["finished", "queued", "queued"]
    job = {"cluster": "Processes", "id": "2", "since": since}
    assert lab.run(first).status()["job"] == job, "where it was computed; its place is its own"
    assert job_of(lab, third) == "0"
    assert "finished" in lab.run(first).log_tail() and not lab.run(third).log_tail()
    assert cluster.give("0") == 0, "handed in for a run that has finished"
    assert states(lab, first, second, third) == ["finished", "finished", "queued"]
    assert cluster.give("1") == 0
    assert states(lab, first, second, third) == ["finished"] * 3
    assert [lab.run(id).recipe().seed for id in (first, second, third)] == [0, 1, 2]


def test_a_waiting_run_that_exchanged_its_job_leaves_the_queue(lab, cluster):
    first, second = handed_in(lab), handed_in(lab)
    cluster.give("1")
    lab.stop(second)
    assert states(lab, first, second) == ["finished", "stopped"]
    assert list(cluster.jobs) == ["1"]


def test_a_job_whose_run_is_gone_takes_another_or_ends_at_once(lab, cluster):
    first, second = handed_in(lab), handed_in(lab)
    job = cluster.waiting["0"]
    lab.stop(first)
    assert cluster.give("1") == 0
    assert states(lab, first, second) == ["stopped", "finished"]
    cluster.waiting["0"] = job  # the cluster had begun it before it was told to stop
    lab.run(first).write_status(job=None)
    assert cluster.give("0") == 0
    assert states(lab, first, second) == ["stopped", "finished"]


def test_runs_that_ask_for_other_machines_keep_their_jobs(lab, cluster):
    first = handed_in(lab, resources={"memory_gb": 8})
    second = handed_in(lab)
    cluster.give("1")
    assert states(lab, first, second) == ["queued", "finished"]
    assert (job_of(lab, first), job_of(lab, second)) == ("0", "1")
    lab.stop(first)


def test_two_jobs_that_begin_together_compute_two_runs(lab, cluster):
    runs = [handed_in(lab, seed=number, epochs=20) for number in range(4)]
    for id in ("3", "2"):
        cluster.begin(id)
    wait_until(lambda: states(lab, *runs[:2]) == ["finished"] * 2)
    assert states(lab, *runs) == ["finished", "finished", "queued", "queued"]
    for id in runs[2:]:
        lab.stop(id)
