"""Jobs of a real cluster that see no file of the lab's: everything goes through a store."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from clusters import RESOURCES, Cluster
from deeds import trained
from made_lab import SMALL, furnish
from waiting import wait_until

from engine.lab import Lab
from engine.recipes.recipe import make_recipe
from engine.runs.run_info import ENDED

SECONDS = 300  # for a job on a busy machine


def test_a_killed_run_goes_on_from_the_checkpoint_in_the_store_to_the_same_weights(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)  # Slurm's own commands read theirs
    home, store, node = tmp_path / "home", tmp_path / "store", tmp_path / "node"
    furnish(home)
    recipe = make_recipe({**SMALL, "name": "stored", "epochs": 300, "batch_size": 48})
    alone = {"GLYPHLAB_HOME": str(home), "GLYPHLAB_DEVICE": "cpu", "GLYPHLAB_THREADS": "1"}
    undisturbed = trained(Lab.open(alone).train(recipe))
    lab = Lab.open(
        {
            **cluster.environment, "GLYPHLAB_HOME": str(home), "GLYPHLAB_RESOURCES": RESOURCES,
            "GLYPHLAB_STORE": f"file://{store}", "GLYPHLAB_NODE_HOME": str(node),
        }
    )  # fmt: skip
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
