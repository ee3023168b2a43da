"""A run that trains in two processes of this machine: its folder, its stop, its death, and going on."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from parallel_runs import LONG, ROUNDING, assert_same_weights, processes_of, recipe, trains, weights
from waiting import wait_until

from engine.errors import RecipeError
from engine.jobs.cancel import Cancel
from engine.jobs.parallel import check_devices
from engine.jobs.rank import Bystander, Follower
from engine.jobs.resources import Resources, resources_of_recipe
from engine.lab import Lab
from engine.runs.run import Run, create_run
from engine.settings import read_settings

FIGURES = ("test_accuracy", "test_loss", "val_accuracy", "val_loss", "train_accuracy")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def together(lab: Lab) -> Run:
    """A run that trained in two processes, undisturbed."""
    return lab.run(ended(lab, lab.submit(recipe(lab))).id)


@pytest.fixture(scope="module")
def undisturbed(lab: Lab) -> Run:
    """As long as one that is met in the middle, in two processes."""
    return lab.run(ended(lab, lab.submit(recipe(lab, **LONG))).id)


@pytest.fixture(scope="module")
def alone(lab: Lab) -> Run:
    """The same in one process."""
    return lab.train(recipe(lab, **{"resources.processes": None}))


def ended(lab: Lab, id: str) -> Any:
    run = lab.run(id)
    return wait_until(
        lambda: not run.alive and run.info().state in ("finished", "stopped", "failed") and run
    )


def test_it_comes_to_what_one_process_comes_to(together: Run, alone: Run) -> None:
    assert together.info().state == alone.info().state == "finished"
    found, wanted = together.final(), alone.final()
    for name in FIGURES:
        assert found[name] == pytest.approx(wanted[name], abs=0.01), name  # of 144 images, one
    epochs = [[row for row in run.metrics() if row["kind"] == "epoch"] for run in (together, alone)]
    for row, other in zip(*epochs, strict=True):
        assert row["train_loss"] == pytest.approx(other["train_loss"], rel=1e-3)
        assert row["images_seen"] == other["images_seen"]
    assert_same_weights(together, alone, ROUNDING)


def test_one_process_writes_the_folder(together: Run, alone: Run) -> None:
    kinds = [row["kind"] for row in together.metrics() if row["kind"] != "step"]
    assert kinds == ["epoch"] * 3 + ["final"]
    lines = (together.path / "log.txt").read_text().splitlines()
    told = [line[20:].split()[0] for line in lines]
    assert told == ["device", "data", "cnn5:", "epoch", "epoch", "epoch", "finished"], lines
    names = {path.name for path in together.path.iterdir()}
    assert names == {path.name for path in alone.path.iterdir()}
    wait_until(lambda: not processes_of(together))


def test_the_run_says_in_how_many_processes_it_trained(together: Run, alone: Run) -> None:
    assert together.status()["machine"]["processes"] == 2
    assert together.info().device == "cpu, 2 processes (gloo)" and alone.info().device == "cpu"
    assert "device cpu: 2 processes, gloo" in together.log_tail(50)


def test_its_checkpoint_is_like_that_of_one_process(lab: Lab, together: Run, alone: Run) -> None:
    assert weights(together).keys() == weights(alone).keys()
    images = [np.full((28, 28), 255, np.uint8)]
    first, second = (
        lab.predictor(run.id).predict(images)[0].probabilities for run in (together, alone)
    )
    assert first == pytest.approx(second, abs=0.01)


def test_a_killed_process_ends_the_run_and_it_goes_on_to_the_same_weights(
    lab: Lab, undisturbed: Run
) -> None:
    run = lab.run(lab.submit(recipe(lab, **LONG)))
    wait_until(lambda: trains(run) and "rank 1" in processes_of(run), interval=0.01)
    os.kill(processes_of(run)["rank 1"], signal.SIGKILL)
    assert ended(lab, run.id).info().state == "failed"
    assert "process 2 of 2 was ended by SIGKILL" in run.info().error
    assert "failed: process 2 of 2" in run.log_tail(1)
    wait_until(lambda: not processes_of(run))
    lab.resume(run.id)
    assert ended(lab, run.id).info().state == "finished"
    assert_same_weights(run, undisturbed, 0)


def test_it_is_stopped_and_goes_on_in_one_process(lab: Lab, undisturbed: Run) -> None:
    run = lab.run(lab.submit(recipe(lab, **LONG)))
    wait_until(lambda: trains(run), interval=0.01)
    listening = {number: addresses(number) for number in processes_of(run).values()}
    lab.stop(run.id)
    assert ended(lab, run.id).info().state == "stopped"
    assert "stopped after" in run.info().message
    wait_until(lambda: not processes_of(run))
    assert any(listening.values()), "gloo waits for the others somewhere"
    assert all(where <= {"127.0.0.1"} for where in listening.values()), listening
    lab.resume(run.id, {"resources.processes": 1})
    assert ended(lab, run.id).info().state == "finished"
    assert run.recipe().resources.processes == 1 and run.info().device == "cpu"
    assert_same_weights(run, undisturbed, ROUNDING)


def test_what_one_process_began_goes_on_in_two(lab: Lab, undisturbed: Run) -> None:
    run = lab.run(lab.submit(recipe(lab, **LONG, **{"resources.processes": 1})))
    wait_until(lambda: trains(run), interval=0.01)
    lab.stop(run.id)
    assert ended(lab, run.id).info().state == "stopped"
    lab.resume(run.id, {"resources.processes": 2})
    assert ended(lab, run.id).info().state == "finished"
    assert run.info().device == "cpu, 2 processes (gloo)"
    assert_same_weights(run, undisturbed, ROUNDING)


def test_nothing_is_left_of_a_run_that_is_killed(lab: Lab) -> None:
    run = lab.run(lab.submit(recipe(lab, epochs=500)))
    wait_until(lambda: trains(run), interval=0.01)
    numbers = processes_of(run)
    assert numbers.keys() == {"work", "ranks", "rank 0", "rank 1"}
    lab.stop(run.id, at_once=True)
    assert run.info().state == "stopped" and not run.alive
    assert not processes_of(run)  # before another may go on with it


def test_a_mistake_is_told_once(lab: Lab) -> None:
    run = lab.run(ended(lab, lab.submit(recipe(lab, lr=[0.5] * 9))).id)
    assert run.info().state == "failed" and "one a layer group" in run.info().error
    assert (run.path / "log.txt").read_text().count("can't be used") == 1


def test_only_the_first_process_heeds_a_stop_and_writes(lab: Lab) -> None:
    run = create_run(lab.home, recipe(lab))
    before = {path.name: path.read_bytes() for path in run.path.iterdir()}
    other = Bystander(run.path)
    other.own()
    other.write_status(state="failed")
    other.heartbeat(epoch=7)
    other.append_metrics({"kind": "final"})
    other.write_arrays("predictions.npz", labels=np.zeros(3))
    other.log("nothing")
    assert {path.name: path.read_bytes() for path in run.path.iterdir()} == before
    run.ask_to_stop()
    assert Cancel(run)() and not Follower(other)()


def test_more_gpus_than_there_are_are_refused_before_a_run_is_made(tmp_path: Path) -> None:
    lab = Lab(tmp_path, read_settings({"GLYPHLAB_HOME": str(tmp_path), "GLYPHLAB_DEVICE": "cpu"}))
    with pytest.raises(RecipeError, match="more GPUs than this machine has"):
        lab.submit(recipe(lab, **{"resources.processes": None, "resources.gpus": 2}))
    assert not lab.runs()


def test_gpus_and_processes_are_not_both_given(lab: Lab) -> None:
    with pytest.raises(RecipeError, match="one process for each GPU"):
        recipe(lab, **{"resources.gpus": 2})


def test_a_job_asks_for_a_core_for_each_process(lab: Lab) -> None:
    asked = resources_of_recipe(recipe(lab), Resources(cpus=1, gpus=1))
    assert (asked.trainers, asked.cpus, asked.gpus) == (2, 2, 0)
    four = resources_of_recipe(
        recipe(lab, **{"resources.processes": None, "resources.gpus": 4}), Resources(cpus=8)
    )
    assert (four.trainers, four.cpus, four.gpus) == (4, 8, 4)
    check_devices(lab.settings, Resources())


def addresses(number: int) -> set[str]:
    """The addresses on which a process listens (IPv4, and any of IPv6 as it stands)."""
    sockets = set()
    for entry in Path(f"/proc/{number}/fd").iterdir():
        with suppress(OSError):
            sockets.add(os.readlink(entry))
    out = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{number}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                host = fields[1].partition(":")[0]
                plain = ".".join(str(byte) for byte in reversed(bytes.fromhex(host)))
                out.add(plain if table == "tcp" else host)
    return out
