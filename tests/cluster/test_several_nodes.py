"""One run over two nodes of a real cluster: to the weights of one process, and gone everywhere when any
part of it is.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import parallel_runs
import pytest
from clusters import Cluster, SlurmCluster
from parallel_runs import ROUNDING, assert_same_weights, processes_of, trains
from waiting import wait_until

from engine.lab import Lab
from engine.recipes.recipe import Recipe
from engine.runs.run import Run
from engine.runs.run_info import ENDED

START_SECONDS = 900  # two of everything on a busy machine
EPOCHS = 30  # some seconds: long enough to be caught in the middle


def recipe(lab: Lab, **changes: Any) -> Recipe:
    on_two = {"resources.processes": None, "resources.nodes": 2, "epochs": EPOCHS}
    return parallel_runs.recipe(lab, **{**on_two, **changes})


@pytest.fixture(scope="module")
def alone(lab: Lab) -> Iterator[Run]:
    """The same run in one process of this machine."""
    here = Lab.open(
        {"GLYPHLAB_HOME": str(lab.home), "GLYPHLAB_DEVICE": "cpu", "GLYPHLAB_THREADS": "1"}
    )
    run = here.train(recipe(here, **{"resources.nodes": 1}))
    assert run.info().state == "finished"
    yield run
    run.delete()


def state(lab: Lab, run: Run) -> str:
    lab.launcher.refresh(wait=True)
    return run.info().state


def ended(lab: Lab, run: Run) -> Run:
    """The run, once it has ended, and nothing of it is left on any node."""
    wait_until(lambda: state(lab, run) in ENDED, START_SECONDS)
    wait_until(lambda: not processes_of(run))
    assert state(lab, run) != "finished" or not (run.path / "processes").exists()
    return run


def in_mid_run(lab: Lab, **changes: Any) -> Run:
    run = lab.run(lab.submit(recipe(lab, **changes)))
    wait_until(lambda: trains(run) or state(lab, run) in ENDED, START_SECONDS, 0.01)
    assert run.info().state == "running", (run.info().error, run.log_tail())
    return run


def test_two_nodes_come_to_what_one_process_comes_to(
    lab: Lab, cluster: Cluster, alone: Run
) -> None:
    run = in_mid_run(lab)
    ranks = {"rank 0", "rank 1"}
    # a process that begins or ends while it is looked at is not seen: look again
    seen = wait_until(lambda: ranks <= (now := processes_of(run)).keys() and now, interval=0.01)
    assert isinstance(seen, dict)
    first, second = seen["rank 0"], seen["rank 1"]
    assert cluster.node_of(first) != cluster.node_of(second)
    info = ended(lab, run).info()
    assert info.state == "finished", (info.error, run.log_tail(30))
    assert info.device == "cpu, 2 processes on 2 nodes (gloo)"
    names = (
        "node0, node1"
        if isinstance(cluster, SlurmCluster)
        else ", ".join([os.uname().nodename] * 2)
    )
    assert info.where.endswith(f"on {names}")
    assert_same_weights(run, alone, ROUNDING)


def test_a_process_that_dies_on_the_second_node_ends_the_run_and_one_node_goes_on(
    lab: Lab, alone: Run
) -> None:
    run = in_mid_run(lab)
    os.kill(processes_of(run)["rank 1"], signal.SIGKILL)
    info = ended(lab, run).info()
    assert info.state == "failed" and "process 2 of 2 was ended by SIGKILL" in (info.error or "")
    lab.resume(run.id, {"resources.nodes": 1})
    info = ended(lab, run).info()
    assert (info.state, info.device) == ("finished", "cpu"), (info.error, run.log_tail())
    assert_same_weights(run, alone, ROUNDING)


def test_nothing_goes_on_when_the_runs_process_is_killed_and_two_nodes_go_on(
    lab: Lab, alone: Run
) -> None:
    run = in_mid_run(lab)
    os.kill(run.status()["pid"], signal.SIGKILL)
    assert ended(lab, run).info().state == "failed"
    lab.resume(run.id)
    info = ended(lab, run).info()
    assert info.state == "finished", (info.error, run.log_tail())
    assert_same_weights(run, alone, ROUNDING)


def test_a_lost_node_ends_the_run_and_it_goes_on_when_the_node_is_back(
    lab: Lab, cluster: Cluster, alone: Run
) -> None:
    run = in_mid_run(lab)
    cluster.lose_node_of(processes_of(run)["rank 1"])
    wait_until(lambda: state(lab, run) != "running", START_SECONDS)
    wait_until(lambda: not processes_of(run))  # nor on the node that is left
    cluster.mend()
    if state(lab, run) == "failed":  # Slurm may have queued it again by itself
        lab.resume(run.id)
    info = ended(lab, run).info()
    assert info.state == "finished" and info.resumed >= 1, (info.error, run.log_tail())
    assert_same_weights(run, alone, ROUNDING)


def test_it_is_stopped_on_both_nodes(lab: Lab) -> None:
    run = in_mid_run(lab, epochs=2000)
    lab.stop(run.id)
    info = ended(lab, run).info()
    assert (info.state, info.saved) == ("stopped", True)
    run = in_mid_run(lab, epochs=2000)
    lab.stop(run.id, at_once=True)
    assert ended(lab, run).info().state == "stopped"


def test_one_that_waits_for_its_nodes_leaves_the_queue(lab: Lab) -> None:
    run = lab.run(lab.submit(recipe(lab, **{"resources.nodes": 3})))
    assert state(lab, run) == "queued"
    lab.stop(run.id)
    assert ended(lab, run).info().state == "stopped"
