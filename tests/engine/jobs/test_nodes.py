"""A run over two nodes, which are processes of this machine that meet by an address; those of real
clusters are in tests/cluster.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from parallel_runs import LONG, ROUNDING, assert_same_weights, processes_of, recipe, trains, weights
from process_cluster import Processes, lab_on
from waiting import wait_until

from engine.errors import RecipeError, RunError
from engine.files.atomic import make_folder, write_json
from engine.jobs.ended import how_it_ended, node_failed
from engine.jobs.place import Place, interface_of, own_address, read_place
from engine.jobs.resources import Resources, resources_of_recipe
from engine.lab import Lab
from engine.runs.run import Run
from engine.runs.run_info import ENDED

TWO = {"resources.processes": None, "resources.nodes": 2, "resources.cpus": 1}
PLACE = Place(0, ("a", "b", "c"), "127.0.0.1", "x")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab_on(Processes(), tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture(scope="module")
def alone(lab: Lab) -> Run:
    """The same run in one process."""
    here = Lab.open({"GLYPHLAB_HOME": str(lab.home), "GLYPHLAB_DEVICE": "cpu"})
    return here.train(recipe(here, **LONG, **{"resources.processes": None}))


def ended(lab: Lab, id: str) -> Run:
    run = lab.run(id)

    def is_over() -> bool:
        lab.launcher.refresh(wait=True)
        return not run.alive and run.info().state in ENDED

    wait_until(is_over)
    wait_until(lambda: not processes_of(run))  # of either node
    return run


def in_mid_run(lab: Lab, **changes: Any) -> Run:
    run = lab.run(lab.submit(recipe(lab, **TWO, **changes)))
    wait_until(lambda: trains(run) or run.info().state in ENDED, interval=0.01)
    return run


def test_two_nodes_come_to_what_one_process_comes_to(lab: Lab, alone: Run) -> None:
    run = ended(lab, lab.submit(recipe(lab, **LONG, **TWO)))
    info = run.info()
    assert info.state == "finished", (info.error, run.log_tail(30))
    assert info.device == "cpu, 2 processes on 2 nodes (gloo)"
    assert info.where.endswith("on node-0, node-1")
    assert_same_weights(run, alone, ROUNDING)
    assert weights(run).keys() == weights(alone).keys()
    assert {path.name for path in run.path.iterdir()} == {p.name for p in alone.path.iterdir()}


def test_a_process_that_dies_on_the_second_node_ends_the_run_and_one_node_goes_on(
    lab: Lab, alone: Run
) -> None:
    run = in_mid_run(lab, **LONG)
    os.kill(processes_of(run)["rank 1"], signal.SIGKILL)
    info = ended(lab, run.id).info()
    assert info.state == "failed" and "process 2 of 2 was ended by SIGKILL" in (info.error or "")
    lab.resume(run.id, {"resources.nodes": 1})
    info = ended(lab, run.id).info()
    assert (info.state, info.device, info.resumed) == ("finished", "cpu", 1), info.error
    assert "node-1" not in info.where
    assert_same_weights(run, alone, ROUNDING)


def test_nothing_goes_on_elsewhere_when_the_runs_process_is_killed(lab: Lab) -> None:
    run = in_mid_run(lab, epochs=500)
    running = processes_of(run)
    assert running.keys() == {"job", "node", "ranks", "rank 0", "rank 1"}
    os.kill(running["job"], signal.SIGKILL)
    (run.path / "beat").unlink(missing_ok=True)  # or the next look waits for last words
    assert ended(lab, run.id).info().state == "failed"


def test_a_node_that_is_lost_ends_the_run_and_is_named(lab: Lab) -> None:
    run = in_mid_run(lab, epochs=500)
    running = processes_of(run)
    os.kill(running["node"], signal.SIGKILL)
    with suppress(ProcessLookupError):  # it ends with its node, and may have by now
        os.kill(running["rank 1"], signal.SIGKILL)
    info = ended(lab, run.id).info()
    assert info.state == "failed"
    assert "process 2 of 2 was ended by SIGKILL" in (info.error or "") or "node node-1" in (
        info.error or ""
    )


def test_it_is_stopped_on_both(lab: Lab) -> None:
    run = in_mid_run(lab, epochs=500)
    lab.stop(run.id)
    info = ended(lab, run.id).info()
    assert (info.state, info.saved) == ("stopped", True)
    assert "the best model is kept" in info.message


def test_several_nodes_need_a_cluster_that_shares_the_home(tmp_path: Path) -> None:
    here = Lab(tmp_path)
    with pytest.raises(RecipeError, match="is a job of a cluster"):
        here.submit(recipe(here, **TWO))
    stored = {"GLYPHLAB_EXECUTOR": "ray", "GLYPHLAB_STORE": f"file://{tmp_path}/store"}
    far = Lab.open({"GLYPHLAB_HOME": str(tmp_path), **stored})
    with pytest.raises(RecipeError, match="a home that all of them mount"):
        far.submit(recipe(far, **TWO))
    assert not here.runs()
    with pytest.raises(RecipeError, match="less than or equal to 64"):
        recipe(here, **{"resources.nodes": 65})


def test_what_is_asked_for_is_of_each_node(lab: Lab) -> None:
    asked = resources_of_recipe(recipe(lab, **{**TWO, "resources.processes": 3}))
    assert (asked.nodes, asked.cpus, asked.on_a_node, asked.trainers) == (2, 3, 3, 6)
    asked = resources_of_recipe(recipe(lab, **TWO), Resources(gpus=4))
    assert (asked.gpus, asked.trainers) == (4, 8)


def test_a_node_finds_the_address_that_leads_to_another(tmp_path: Path) -> None:
    assert own_address("localhost") in ("127.0.0.1", "::1")
    assert (interface_of("127.0.0.1") or "").startswith("lo")
    assert interface_of("192.0.2.77") is None
    with pytest.raises(RunError, match="can't reach nowhere.invalid"):
        own_address("nowhere.invalid")
    assert read_place(PLACE.written()) == PLACE and read_place("") is None


def test_last_words_of_nodes_are_told(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "processes")
    for number in (1, 2):
        write_json(PLACE.farewell(tmp_path, number), {"error": "", "code": 0})
    assert not node_failed(tmp_path, PLACE)
    ended = {"state": "failed", "message": "", "error": "Connection reset", "more": {}}
    row = {"rank": 0, "at": 1.0, "lost": True, "outcome": {**ended, "mistake": False}}
    write_json(folder / "ended-0.json", row)
    assert how_it_ended(tmp_path, 3, PLACE).error == "Connection reset"
    write_json(folder / "failed-2.json", [{"rank": 2, "code": -9}])
    assert "process 3 of 3 was ended by SIGKILL" in (how_it_ended(tmp_path, 3, PLACE).error or "")
    write_json(PLACE.farewell(tmp_path, 1), {"error": "node b: no GPU", "code": 1})
    assert node_failed(tmp_path, PLACE)
    found = how_it_ended(tmp_path, 3, PLACE)
    assert (found.error, found.mistake) == ("node b: no GPU", True)
