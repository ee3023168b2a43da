"""Jobs of a real cluster that see no file of the lab's: everything goes through a store."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from clusters import RESOURCES, Cluster
from deeds import trained
from made_lab import SMALL, furnish
from waiting import wait_until

from engine.embedding.projection import Options
from engine.jobs.task_status import read_status
from engine.jobs.tasks import TaskInfo
from engine.lab import Lab
from engine.recipes.recipe import make_recipe
from engine.runs.run_info import ENDED

SECONDS = 900  # for a job on a busy machine


def opened(cluster: Cluster, tmp_path: Path) -> Lab:
    """A lab in `home`, whose jobs work in `node` and know the `store` alone."""
    return Lab.open(
        {
            **cluster.environment, "GLYPHLAB_HOME": str(tmp_path / "home"),
            "GLYPHLAB_RESOURCES": RESOURCES, "GLYPHLAB_STORE": f"file://{tmp_path / 'store'}",
            "GLYPHLAB_NODE_HOME": str(tmp_path / "node"),
        }
    )  # fmt: skip


def test_a_killed_run_goes_on_from_the_checkpoint_in_the_store_to_the_same_weights(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)  # Slurm's own commands read theirs
    home, store = tmp_path / "home", tmp_path / "store"
    furnish(home)
    recipe = make_recipe({**SMALL, "name": "stored", "epochs": 150, "batch_size": 8})
    alone = {"GLYPHLAB_HOME": str(home), "GLYPHLAB_DEVICE": "cpu", "GLYPHLAB_THREADS": "1"}
    undisturbed = trained(Lab.open(alone).train(recipe))
    lab = opened(cluster, tmp_path)
    probe = lab.launcher.probe()
    assert probe is not None and probe.ok and "reaches the store" in probe.message
    id = lab.submit(recipe)
    run = lab.run(id)

    def pushed() -> bool:
        lab.launcher.refresh(wait=True)
        assert run.info().state not in ENDED, run.info().error
        return bool(run.metrics() and list((store / "runs").glob("*/last/state.json")))

    wait_until(pushed, SECONDS)
    os.kill(run.status()["pid"], signal.SIGKILL)

    def ended() -> bool:
        lab.launcher.refresh(wait=True)
        return run.info().state in ENDED

    wait_until(ended, SECONDS)
    if run.info().state == "failed":
        lab.resume(id)
        wait_until(ended, SECONDS)
    assert run.info().state == "finished", run.log_tail()
    assert run.info().resumed == 1 and trained(run) == undisturbed
    assert not list((store / "runs").iterdir())


def look(lab: Lab, id: str) -> TaskInfo:
    lab.launcher.refresh(wait=True)
    return lab.task(id)


def ended(lab: Lab, id: str) -> TaskInfo:
    wait_until(lambda: look(lab, id).state in ENDED, SECONDS)
    return lab.task(id)


def finished(lab: Lab, id: str) -> None:
    info = ended(lab, id)
    assert info.state == "finished", info.error
    assert read_status(lab.home / "tasks" / id).job is not None


def test_digits_are_embedded_mapped_and_examined_as_on_one_machine(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    furnish(tmp_path / "home")
    shutil.copytree(tmp_path / "home", tmp_path / "alone")
    one = {"GLYPHLAB_DEVICE": "cpu", "GLYPHLAB_THREADS": "1"}
    alone = Lab.open({**one, "GLYPHLAB_HOME": str(tmp_path / "alone")})
    lab = opened(cluster, tmp_path)
    asked = {"model": "mmmmmm", "data": "digits", "part": "test"}
    finished(lab, lab.start_task("embed", **asked))
    found, own = lab.spaces.find(**asked), alone.spaces.embed(**asked)
    assert found is not None and found.key == own.key
    assert np.array_equal(found.embeddings, own.embeddings)
    options = Options(epochs=50)
    finished(lab, lab.start_task("project", **asked, epochs=50))
    made = found.find_map(options)
    assert made is not None
    assert np.array_equal(made.coordinates, alone.spaces.map(own, options).coordinates)

    examined = {"dataset": "digits", "effort": "brief"}
    first = lab.start_task("diagnose", **examined)

    def some_fold() -> bool:
        assert look(lab, first).state not in ENDED
        return bool(list((tmp_path / "store" / "runs").glob("*/made/noise/*/*.npz")))

    wait_until(some_fold, SECONDS)
    wait_until(lambda: look(lab, first).what, SECONDS)
    pid = read_status(lab.home / "tasks" / first).pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    info = ended(lab, first)
    assert info.state == "failed" and "start it again" in (info.error or "")
    assert list((lab.home / "noise").glob(".*-folds/*.npz"))
    stopped = lab.start_task("diagnose", **examined, split="train")
    wait_until(lambda: look(lab, stopped).what, SECONDS)
    lab.stop_task(stopped)
    assert ended(lab, stopped).state == "stopped"
    finished(lab, lab.start_task("diagnose", **examined))
    diagnosis, same = lab.noise.find("digits", effort="brief"), alone.noise.diagnose(**examined)
    assert diagnosis is not None and diagnosis.key == same.key
    for name, array in same.arrays.items():
        assert np.allclose(diagnosis.arrays[name], array, atol=1e-3), name
    assert not list((tmp_path / "store" / "runs").iterdir())
