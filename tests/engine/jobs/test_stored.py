"""Runs whose jobs share no file system with the lab: everything goes through a store."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deeds import trained
from made_lab import SMALL
from process_cluster import Processes, count_listings, lab_with_a_store
from trained import model_run
from waiting import wait_until

from engine.errors import DataError, RunError, SettingsError
from engine.files.remote import Remote, RemoteError
from engine.jobs.cluster.executor import BETWEEN_SECONDS, ClusterExecutor
from engine.jobs.cluster.inputs import Input, fetch, needed
from engine.jobs.cluster.live import live_jobs
from engine.jobs.cluster.run_sync import RunSync
from engine.jobs.cluster.stored_job import _job_home
from engine.lab import Lab
from engine.labels.journal import Journal
from engine.recipes.recipe import Recipe, make_recipe
from engine.runs.run import Run
from engine.runs.run_info import ENDED

SECONDS = 900  # for a job that begins on a busy machine
HOUR = 3600.0
# Ten seconds: it is pushed after two, and caught in the middle.
LONG = {"epochs": 150, "batch_size": 8}


def recipe(epochs: int = 3, **changes: Any) -> Recipe:
    return make_recipe({**SMALL, "name": "trained", "epochs": epochs, **changes})


@pytest.fixture
def lab(home: Path, tmp_path: Path) -> Iterator[Lab]:
    with lab_with_a_store(home, tmp_path) as found:
        yield found


def state(lab: Lab, id: str) -> str:
    lab.launcher.refresh(wait=True)
    return lab.run(id).info().state


def ended(lab: Lab, id: str) -> Run:
    wait_until(lambda: state(lab, id) in ENDED, SECONDS)
    return lab.run(id)


def finished(lab: Lab, id: str) -> dict[str, Any]:
    run = ended(lab, id)
    assert run.info().state == "finished", f"{run.info().error}\n{run.log_tail()}"
    return trained(run)


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_run_in_another_home_is_seen_live_and_a_killed_one_goes_on_to_the_same_weights(
    lab: Lab, home: Path, tmp_path: Path
) -> None:
    alone = Lab.open(
        {"GLYPHLAB_HOME": str(home), "GLYPHLAB_DEVICE": "cpu", "GLYPHLAB_THREADS": "1"}
    )
    undisturbed = alone.train(recipe(**LONG))
    id = lab.submit(recipe(**LONG))
    run = lab.run(id)
    node, store = tmp_path / "node", tmp_path / "store"

    def live() -> bool:
        pushed = list((store / "runs").glob("*/last/state.json"))
        seen = len(run.metrics()) > 4 and run.log_tail()
        return bool(state(lab, id) == "running" and seen and pushed)

    wait_until(live, SECONDS)
    assert run.status()["job"]["id"] == "0"
    assert list((node / "jobs").glob(f"*-{id}-*/runs/*-{id}")) and not (run.path / "last").exists()
    os.kill(run.status()["pid"], signal.SIGKILL)
    wait_until(lambda: lab.launcher.executor.cluster.jobs["0"].poll() is not None)
    assert ended(lab, id).info().state == "failed"
    assert "ended without a result" in (run.info().error or "")
    assert (run.path / "last" / "state.json").exists()
    shutil.rmtree(node)  # it goes on on a node that knows nothing of it
    lab.resume(id)
    assert finished(lab, id) == trained(undisturbed)
    assert run.info().resumed == 1 and run.status()["job"]["id"] == "1"
    assert not list((store / "runs").glob("*"))
    wait_until(lambda: not list((node / "jobs").glob("*trained*")))  # the node tidies up last
    undisturbed.delete()


def test_a_run_is_stopped_through_the_store_and_keeps_its_model(lab: Lab) -> None:
    id = lab.submit(recipe(5000))
    run = lab.run(id)
    wait_until(lambda: state(lab, id) == "running" and run.info().epoch >= 2, SECONDS)
    lab.stop(id)
    info = ended(lab, id).info()
    assert (info.state, info.saved) == ("stopped", True)
    assert (run.best / "checkpoint.json").exists() and lab.predictor(id)


def test_a_job_is_sent_its_data_the_decisions_about_labels_and_the_model_it_starts_from(
    lab: Lab, tmp_path: Path
) -> None:
    parent = model_run(lab, ("bar", "ring", "cross"), seed=3)
    first = lab.dataset("shapes", size=16).files[0]
    Journal(lab.home, "shapes").write("exclude", [first], who="owner")
    start = recipe(1, init_from=parent.id, model={"options": {"width": 4}})
    asked = make_recipe(
        {**start.model_dump(mode="json"), "data": {**SMALL["data"], "labels": "mended"}}
    )
    names = {name for name, _ in needed(lab.store, asked)}
    assert f"runs/{parent.path.name}/best" in names and "labels/shapes/journal.jsonl" in names
    assert {"uploads/shapes.zip", "uploads/shapes.json"} <= names
    id = lab.submit(asked)
    finished(lab, id)
    log = (lab.run(id).path / "log.txt").read_text()
    assert f"starting from {parent.id}" in log and "labels mended" in log
    before = sorted(files_in(tmp_path / "store" / "inputs"))
    again = lab.submit(asked)
    finished(lab, again)
    assert sorted(files_in(tmp_path / "store" / "inputs")) == before  # sent once


def test_a_data_set_that_no_job_could_find_is_refused_with_a_way_out(
    lab: Lab, tmp_path: Path
) -> None:
    shutil.copy(lab.home / "uploads" / "shapes.zip", tmp_path / "other.zip")
    with pytest.raises(DataError, match="Give it to the lab on the Data page"):
        lab.submit(recipe(data={**SMALL["data"], "name": str(tmp_path / "other.zip")}))
    assert lab.runs()[0].state == "failed"


def test_a_job_that_lost_its_run_to_another_writes_no_more(lab: Lab, tmp_path: Path) -> None:
    id = lab.submit(recipe(5000))
    run = lab.run(id)
    wait_until(lambda: state(lab, id) == "running" and run.info().epoch >= 1, SECONDS)
    executor = lab.launcher.executor
    first = executor.cluster.jobs["0"]
    # The lab can't reach the node any more and gives the run to another one.
    (job,) = live_jobs(lab.home)
    executor._end(job, "failed", "no heartbeat; it can be resumed")
    wait_until(lambda: first.poll() is not None, SECONDS)
    assert run.info().state == "failed" and not files_in(tmp_path / "store" / "runs")


def test_all_viewers_together_list_the_store_once_in_two_seconds(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert BETWEEN_SECONDS == 2
    executor = ClusterExecutor(lab.settings, Processes(), HOUR)  # so long for a busy machine
    lab.launcher.executor = executor
    asked = count_listings(executor, lab.settings.store)
    waits = [lab.submit(recipe(resources={"cpus": 2})) for _ in range(3)]
    asked.clear()
    for _ in range(50):
        lab.launcher.refresh(wait=True)
        lab.runs()
    assert asked == ["runs"]
    for id in waits:
        lab.stop(id)


def test_a_store_that_is_gone_is_told_and_gives_no_run_up(lab: Lab, tmp_path: Path) -> None:
    id = lab.submit(recipe(resources={"cpus": 2}))
    folder = tmp_path / "store"
    shutil.move(folder, tmp_path / "away")
    folder.write_text("no folder")
    assert state(lab, id) == "queued"
    view = lab.launcher.cluster()
    assert view is not None and "is empty. Mount it again" in view.error
    with pytest.raises(RemoteError, match="Look at GLYPHLAB_STORE"):
        lab.submit(recipe())
    folder.unlink()
    shutil.move(tmp_path / "away", folder)
    assert state(lab, id) == "queued" and not lab.launcher.cluster().error
    lab.stop(id)


def test_the_probe_goes_through_the_store(lab: Lab) -> None:
    probe = lab.launcher.probe()
    assert probe is not None and probe.ok and "reaches the store" in probe.message
    executor = lab.launcher.executor
    made = executor.job

    def astray(*arguments: Any) -> Any:
        job = made(*arguments)
        job.environment["GLYPHLAB_STORE"] = "file:///nowhere/at/all"
        return job

    executor.job = astray
    probe = lab.launcher.probe()
    assert probe is not None and probe.ok is False and "did not reach the store" in probe.message


def test_an_address_of_no_known_kind_is_refused_when_the_lab_starts(home: Path) -> None:
    for address in ("bucket/folder", "s3:", "://x"):
        with pytest.raises(SettingsError, match="GLYPHLAB_STORE"):
            Lab.open({"GLYPHLAB_HOME": str(home), "GLYPHLAB_STORE": address})
    with pytest.raises(SettingsError, match="can't be used"):
        Lab.open(
            {"GLYPHLAB_HOME": str(home), "GLYPHLAB_EXECUTOR": "ray", "GLYPHLAB_STORE": "ssss://x/y"}
        )


@pytest.mark.parametrize("address", ["file://{}", "memory://{}"])
def test_a_checkpoint_is_in_the_store_whole_whenever_one_looks(
    tmp_path: Path, address: str
) -> None:
    remote = Remote(address.format(tmp_path / "store"))
    here, there = tmp_path / "a" / "run", tmp_path / "b" / "run"
    (here / "last").mkdir(parents=True)
    sync, other = RunSync(remote, here), RunSync(remote, there)

    def save(epoch: int) -> None:
        (here / "metrics.jsonl").write_text("".join(f'{{"epoch": {n}}}\n' for n in range(epoch)))
        for old in (here / "last").glob("*.safetensors"):
            old.unlink()
        (here / "last" / f"state-{epoch}.safetensors").write_text(f"weights {epoch}")
        (here / "last" / "state.json").write_text(f'{{"file": "state-{epoch}.safetensors"}}')

    save(1)
    sync.push()
    other.fetch()
    assert (there / "last" / "state-1.safetensors").read_text() == "weights 1"
    # Saved again between the two looks of a push: what was named is gone, so nothing new is named.
    (here / "last" / "state.json").write_text('{"file": "state-2.safetensors"}')
    (here / "last" / "state-1.safetensors").unlink()
    sync.push()
    other.fetch()
    assert "state-1" in (there / "last" / "state.json").read_text()
    assert remote.read_json("runs/run/last/state.json") == {"file": "state-1.safetensors"}
    save(3)
    sync.push()
    other.fetch()
    assert sorted(path.name for path in (there / "last").iterdir()) == [
        "state-3.safetensors", "state.json",
    ]  # fmt: skip
    assert len((there / "metrics.jsonl").read_text().splitlines()) == 3
    assert not [name for name in remote.stamps("runs") if ".part" in name]


def test_what_a_store_says_is_laid_out_in_the_job_s_home_alone(tmp_path: Path) -> None:
    remote = Remote(f"file://{tmp_path / 'store'}")
    remote.write("inputs/abc", b"x")
    for name in ("../outside", "/etc/outside", "runs/../../outside"):
        with pytest.raises(RunError, match="outside its home"):
            fetch(remote, [Input(name, "inputs/abc", False)], tmp_path / "home", tmp_path / "kept")
    assert not (tmp_path / "outside").exists()
    remote.write("runs/r/.hidden", b"x")
    remote.write("runs/r/a/../b", b"x")
    assert set(remote.stamps("runs/r")) == {"b"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_a_job_works_in_no_folder_of_another_user(tmp_path: Path) -> None:
    theirs = tmp_path / "jobs"
    theirs.mkdir()
    os.chown(theirs, 12345, 12345)
    with pytest.raises(RunError, match="belongs to another user of this node"):
        _job_home(theirs, "run-1")
    assert not list(theirs.iterdir())
