"""Runs, tasks and sweeps as jobs of real clusters: watched, stopped, killed, gone on with."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import pytest
from clusters import Cluster, SlurmCluster
from deeds import trained
from made_lab import SMALL
from waiting import wait_until

from engine.errors import RunError
from engine.jobs.executor import LocalExecutor
from engine.jobs.task_status import read_status
from engine.lab import Lab
from engine.recipes.recipe import Recipe, make_recipe
from engine.runs.run import Run
from engine.runs.run_info import ENDED
from engine.sweep.spec import make_sweep

START_SECONDS = 900  # a job of Ray's or Slurm's on a busy machine
LOST_SECONDS = 60  # within which a lost node must be seen
EPOCHS = 100  # long enough to be caught in the middle


def recipe(epochs: int = 3, **changes: Any) -> Recipe:
    return make_recipe({**SMALL, "name": "trained", "epochs": epochs, **changes})


def state(lab: Lab, id: str) -> str:
    lab.launcher.refresh(wait=True)
    return lab.run(id).info().state


def ended(lab: Lab, id: str, seconds: float = START_SECONDS) -> Run:
    wait_until(lambda: state(lab, id) in ENDED, seconds)
    return lab.run(id)


def finished(lab: Lab, id: str, seconds: float = START_SECONDS) -> dict[str, Any]:
    """What the run came to, once it has ended well."""
    run = ended(lab, id, seconds)
    info = run.info()
    assert info.state == "finished", f"{info.state}: {info.error}\n{run.log_tail()}"
    return trained(run)


def in_an_epoch(lab: Lab, id: str, epoch: int = 2) -> Run:
    """The run, once it has finished that many epochs and goes on."""
    run = lab.run(id)
    wait_until(lambda: state(lab, id) in ENDED or run.info().epoch >= epoch, START_SECONDS)
    assert run.info().state == "running"
    return run


@pytest.fixture(scope="module")
def undisturbed(lab: Lab) -> dict[str, Any]:
    """What so many epochs come to on this machine, without a cluster."""
    alone = Lab.open(
        {"GLYPHLAB_HOME": str(lab.home), "GLYPHLAB_DEVICE": "cpu", "GLYPHLAB_THREADS": "1"}
    )
    assert isinstance(alone.launcher.executor, LocalExecutor)
    run = alone.train(recipe(EPOCHS))
    found = trained(run)
    run.delete()
    return found


def test_jobs_see_the_home_and_the_nodes_are_shown(lab: Lab, cluster: Cluster) -> None:
    probe = lab.launcher.probe()
    assert probe is not None and probe.ok and probe.locks, probe
    lab.launcher.refresh(wait=True)
    view = lab.launcher.cluster()
    assert view is not None and not view.error
    assert sum(node.cpus for node in view.nodes if node.alive) == 2


def test_a_killed_run_is_seen_and_goes_on_to_the_same_weights(
    lab: Lab, undisturbed: dict[str, Any]
) -> None:
    id = lab.submit(recipe(EPOCHS))
    run = in_an_epoch(lab, id)
    assert lab.runs()[0].where.endswith(f"on {os.uname().nodename}")
    os.kill(run.status()["pid"], signal.SIGKILL)
    killed = ended(lab, id, LOST_SECONDS).info()
    assert (killed.state, killed.alive) == ("failed", False)
    assert "ended without a result" in (killed.error or "") and run.log_tail()
    lab.resume(id)
    assert finished(lab, id) == undisturbed


def test_a_run_whose_node_is_lost_goes_on_elsewhere(
    lab: Lab, cluster: Cluster, undisturbed: dict[str, Any]
) -> None:
    id = lab.submit(recipe(EPOCHS))
    run = in_an_epoch(lab, id)
    lost = run.status()
    node = cluster.node_of(lost["pid"])
    cluster.lose_node_of(lost["pid"])
    wait_until(lambda: state(lab, id) != "running", LOST_SECONDS)
    if run.info().state == "failed":  # Slurm may have queued it again by itself
        lab.resume(id)
    wait_until(
        lambda: state(lab, id) in ENDED or run.status()["pid"] not in (None, lost["pid"]),
        START_SECONDS,
    )
    assert cluster.node_of(run.status()["pid"]) != node
    assert finished(lab, id) == undisturbed
    assert run.status()["pid"] != lost["pid"] and run.info().resumed == 1
    cluster.mend()


def test_runs_begin_in_the_order_in_which_they_were_handed_in(lab: Lab) -> None:
    ids = [lab.submit(recipe(1, seed=number)) for number in range(20)]
    for id in ids:
        ended(lab, id, START_SECONDS)
    infos = [lab.run(id).info() for id in ids]
    assert [info.state for info in infos] == ["finished"] * len(ids)
    begun = sorted(range(len(ids)), key=lambda number: str(infos[number].started))
    # Of two that begin at the same time either may be the first to say so.
    assert all(abs(place - number) <= 1 for place, number in enumerate(begun)), begun


def test_a_stopped_run_keeps_its_model_and_one_that_waits_leaves_the_queue(lab: Lab) -> None:
    waits = lab.submit(recipe(resources={"cpus": 64}))
    runs = lab.submit(recipe(2000))
    in_an_epoch(lab, runs)
    assert state(lab, waits) == "queued"
    lab.stop(waits)
    assert lab.run(waits).info().state == "stopped"
    with pytest.raises(RunError, match="is not running"):
        lab.stop(waits)
    lab.stop(runs)
    info = ended(lab, runs, 30).info()
    assert (info.state, info.saved) == ("stopped", True)
    assert "the best model is kept" in info.message


def test_a_task_is_a_job_and_a_task_can_be_stopped(lab: Lab) -> None:
    id = lab.launcher.start_task("embed", model="mmmmmm", data="shapes", part="all")
    wait_until(lambda: lab.launcher.task(id).state in ENDED, START_SECONDS)
    found = lab.launcher.task(id)
    assert found.state == "finished" and found.result["n"] == 120, found.error
    assert lab.spaces.find("mmmmmm", "shapes", "all") is not None


def test_an_examination_of_labels_is_a_job(lab: Lab) -> None:
    id = lab.start_task("diagnose", dataset="shapes", effort="brief")
    wait_until(lambda: lab.task(id).state in ENDED, START_SECONDS)
    found = lab.task(id)
    assert found.state == "finished", found.error
    assert read_status(lab.home / "tasks" / id).job is not None
    diagnosis = lab.noise.find("shapes", effort="brief")
    assert diagnosis is not None and len(diagnosis.arrays["given"]) == 120


def test_a_sweep_in_parallel_loses_and_doubles_no_trial_when_a_node_is_lost(
    lab: Lab, cluster: Cluster
) -> None:
    rates = [round(0.1 / 2**n, 6) for n in range(12)]
    fields = {"data.name": "shapes", "data.validation": 0.2, "data.size": 16, "epochs": 30}
    spec = make_sweep(
        {
            "name": "tried", "recipe": "quick", "trials": 12, "sampler": "grid",
            "pruner": "none", "retries": 2, "space": {"lr": rates},
            "changes": {**fields, "batch_size": 40, "model.options.width": 4},
        }
    )  # fmt: skip
    lab.sweeps.create(spec)
    sweep = threading.Thread(target=lambda: lab.sweeps.work("tried", parallel=2), daemon=True)
    sweep.start()
    victim, most = None, 0
    end = time.monotonic() + 10 * START_SECONDS
    while sweep.is_alive() and time.monotonic() < end:
        running = [run for run in lab.runs() if run.sweep == "tried" and run.state == "running"]
        most = max(most, len(running))
        if victim is None and running and (pid := lab.run(running[0].id).status().get("pid")):
            victim = running[0].id
            cluster.lose_node_of(pid)
            cluster.mend()
        time.sleep(0.5)
    assert lab.sweeps.info("tried").state == "finished"
    trials = lab.sweeps.trials("tried")
    assert sorted(trial.values["lr"] for trial in trials) == sorted(rates)
    assert [trial.state for trial in trials] == ["finished"] * 12
    assert victim in [trial.run for trial in trials] and most == 2
    assert sorted(r.state for r in lab.runs() if r.sweep == "tried") == ["finished"] * 12


def test_a_job_that_slurm_queues_again_goes_on_by_itself(
    lab: Lab, cluster: Cluster, undisturbed: dict[str, Any]
) -> None:
    if not isinstance(cluster, SlurmCluster):
        pytest.skip("Ray does not queue a job again")
    id = lab.submit(recipe(EPOCHS))
    run = in_an_epoch(lab, id)
    cluster.requeue(run.status()["job"]["id"])
    wait_until(lambda: run.info().resumed == 1, START_SECONDS * 2)
    assert finished(lab, id) == undisturbed
