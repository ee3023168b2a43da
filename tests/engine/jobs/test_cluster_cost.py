"""What a lab on a cluster costs when there are many runs and many viewers: questions to the cluster,
counted.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

from process_cluster import Processes

from bench.crowded_home import make_home
from engine.jobs.cluster.base import JobState
from engine.jobs.cluster.executor import BETWEEN_SECONDS, ClusterExecutor
from engine.lab import Lab
from engine.recipes.recipe import Recipe, make_recipe
from engine.runs.run import create_run

FINISHED, LIVE, VIEWERS, LOOKS = 60, 200, 10, 4


class Busy(Processes):
    """A cluster with hundreds of jobs that run."""

    def states(self) -> dict[str, JobState]:
        self.asked += 1
        return {str(number): JobState("running", node="n1") for number in range(LIVE)}


def look(lab: Lab, ids: list[str]) -> None:
    """What Home, Compare and a watched run ask for."""
    lab.runs()
    lab.tasks()
    lab.launcher.cluster()
    for id in ids:
        lab.run(id).info()


def test_hundreds_of_live_runs_and_many_viewers_are_one_question_in_two_seconds(
    tmp_path: Path,
) -> None:
    make_home(tmp_path, FINISHED, points=50, sweeps=0, tasks=5)
    lab = Lab.open({"GLYPHLAB_HOME": str(tmp_path), "GLYPHLAB_EXECUTOR": "ray"})
    cluster = Busy()
    lab.launcher.executor = ClusterExecutor(lab.settings, cluster)
    recipe: Recipe = make_recipe({"name": "live", "data": {"name": "digits"}})
    live = [create_run(lab.home, recipe) for _ in range(LIVE)]
    for number, run in enumerate(live):
        run.write_status(state="running", job={"cluster": "Ray", "id": str(number), "since": ""})
        (run.path / "beat").write_bytes(b"alive\n")
    begun = time.monotonic()
    lab.launcher.refresh(wait=True)
    assert cluster.asked == 1

    def viewer() -> None:
        for _ in range(LOOKS):
            look(lab, [run.id for run in live[:10]])

    viewers = [threading.Thread(target=viewer) for _ in range(VIEWERS)]
    for thread in viewers:
        thread.start()
    for thread in viewers:
        thread.join()
    seconds = time.monotonic() - begun
    assert 1 <= cluster.asked <= 1 + seconds / BETWEEN_SECONDS
    states = [run.state for run in lab.runs()]
    assert states.count("running") == LIVE and len(states) == LIVE + FINISHED
