"""Background tasks whose jobs share no file system with the lab: everything goes through a store."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_lab import SMALL, zipped
from process_cluster import Processes, count_listings, lab_with_a_store
from trained import model_run
from waiting import wait_until

from engine.embedding.projection import Options
from engine.files.atomic import read_json, write_json
from engine.files.locks import Lock
from engine.files.remote import Remote, RemoteError
from engine.jobs.cluster.base import JobState
from engine.jobs.cluster.executor import ClusterExecutor
from engine.jobs.cluster.inputs import fetch, send
from engine.jobs.cluster.made import LIST, Made, put_in_place
from engine.jobs.cluster.stored import StoredJobs
from engine.jobs.cluster.task_inputs import NEEDS, needed_by_task
from engine.jobs.task_status import read_status
from engine.jobs.tasks import TaskInfo
from engine.lab import Lab
from engine.labels.journal import Journal
from engine.progress import no_progress
from engine.recipes.recipe import make_recipe
from engine.runs.run_info import ALIVE, ENDED
from engine.services.background import TASKS
from engine.services.predictions import confused_images

SECONDS = 900  # for a job that begins on a busy machine
MODEL = "mmmmmm"


@pytest.fixture
def lab(home: Path, tmp_path: Path) -> Iterator[Lab]:
    shutil.copytree(home, tmp_path / "home")
    with lab_with_a_store(tmp_path / "home", tmp_path) as found:
        yield found


@pytest.fixture
def alone(home: Path, tmp_path: Path) -> Lab:
    """The same lab on one machine."""
    shutil.copytree(home, tmp_path / "alone")
    environment = {"GLYPHLAB_DEVICE": "cpu", "GLYPHLAB_THREADS": "1"}
    return Lab.open({**environment, "GLYPHLAB_HOME": str(tmp_path / "alone")})


def look(lab: Lab, id: str) -> TaskInfo:
    lab.launcher.refresh(wait=True)
    return lab.launcher.task(id)


def ended(lab: Lab, id: str) -> TaskInfo:
    wait_until(lambda: look(lab, id).state in ENDED, SECONDS)
    return look(lab, id)


def finished(lab: Lab, id: str) -> Any:
    """What a task that was a job has returned."""
    info = ended(lab, id)
    log = (lab.home / "tasks" / id / "log.txt").read_text()
    assert info.state == "finished", f"{info.error}\n{log}"
    assert read_status(lab.home / "tasks" / id).job is not None
    return info.result


def left_in_store(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "store" / "runs").glob("*"))


def test_a_map_made_in_another_home_is_the_lab_s_own_and_the_same(
    lab: Lab, alone: Lab, tmp_path: Path
) -> None:
    options = Options(seed=3, epochs=30)
    asked = {"model": MODEL, "data": "shapes", "part": "all"}
    result = finished(lab, lab.start_task("project", **asked, seed=3, epochs=30))
    space, own = lab.spaces.find(**asked), alone.spaces.embed(**asked)
    assert space is not None and (result["n"], space.key) == (120, own.key)
    assert np.array_equal(space.embeddings, own.embeddings)
    made = space.find_map(options)
    assert made is not None
    assert np.array_equal(made.coordinates, alone.spaces.map(own, options).coordinates)
    assert not left_in_store(tmp_path) and not list((tmp_path / "node" / "jobs").glob("*project*"))
    folders = (lab.home / "spaces").iterdir()
    assert [folder.name for folder in folders] == [space.key]  # nothing half made beside it
    # What is there is sent along: only the clusters are new.
    before = space.folder.joinpath("embeddings.npy").stat().st_mtime_ns
    assert finished(lab, lab.start_task("cluster", **asked, seed=3, epochs=30))["space"] == own.key
    assert space.folder.joinpath("embeddings.npy").stat().st_mtime_ns == before
    assert list(space.folder.glob("clusters-*.npy"))


def test_an_examination_whose_job_was_killed_goes_on_after_its_last_fold(
    lab: Lab, alone: Lab, tmp_path: Path
) -> None:
    asked = {"dataset": "many", "effort": "full"}
    for each in (lab, alone):
        each.data.upload("many.zip", zipped(600))  # whose folds take a second each
    first = lab.start_task("diagnose", **asked)

    def some_fold() -> bool:
        assert look(lab, first).state in ALIVE
        return bool(list((tmp_path / "store" / "runs").glob("*/made/noise/folds-of-*/*.npz")))

    wait_until(some_fold, SECONDS)
    wait_until(lambda: look(lab, first).what, SECONDS)  # its progress comes back
    pid = read_status(lab.home / "tasks" / first).pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    info = ended(lab, first)
    assert info.state == "failed" and "start it again" in (info.error or "")
    assert not left_in_store(tmp_path) and not list((lab.home / "noise").glob("[!.]*"))
    folds = list((lab.home / "noise").glob(".*-folds/*.npz"))
    assert folds
    shutil.rmtree(tmp_path / "node")  # it goes on on a node that knows nothing of it
    second = lab.start_task("diagnose", **asked)
    sent = needed_by_task(lab.store, "diagnose", asked)
    assert sent is not None and folds[0].parent in [path for _, path in sent]
    result = finished(lab, second)
    found, own = lab.noise.find("many", effort="full"), alone.noise.diagnose(**asked)
    assert found is not None and result["key"] == found.key == own.key
    for name, array in own.arrays.items():
        close = np.isclose(found.arrays[name], array, atol=1e-3)
        # Of two that are nearly even either may be the first: predictions of kept folds are rounded.
        assert close.mean() > 0.99 if array.dtype.kind in "iu" else close.all(), name
    assert not list((lab.home / "noise").glob(".*"))  # the folds are of no use any more


def test_tasks_that_only_answer_are_jobs_too(lab: Lab, alone: Lab) -> None:
    scored = {"model": MODEL, "data": "shapes"}
    Journal(lab.home, "shapes").write("exclude", [lab.dataset("shapes").files[0]], who="owner")
    fields = make_recipe({**SMALL, "name": "tried"}).model_dump(mode="json")
    ids = {
        "evaluate": lab.start_task("evaluate", **scored),
        "find_rate": lab.start_task("find_rate", fields=fields, steps=12),
        "confusions": lab.start_task("confusions", model=model_run(lab).id),
    }
    results = {kind: finished(lab, id) for kind, id in ids.items()}
    assert results["evaluate"]["accuracy"] == alone.evaluate(MODEL, "shapes")["accuracy"]
    assert len(results["find_rate"]["rates"]) <= 12
    own = confused_images(alone.store, model_run(alone).id, no_progress)
    assert results["confusions"] == own
    needed = needed_by_task(lab.store, "score-together", {"models": [MODEL], "data": "shapes"})
    names = {name for name, _ in needed or ()}
    assert {"labels/shapes/journal.jsonl", "uploads/shapes.zip"} <= names
    assert any(name.endswith(f"{MODEL}/best") for name in names)


def test_a_run_s_epochs_are_laid_out_under_the_name_that_the_lab_looks_for(lab: Lab) -> None:
    run = lab.store.run(MODEL)
    rng = np.random.default_rng(0)
    for epoch in (1, 2):
        run.write_arrays(
            f"snapshots/epoch-{epoch:04d}.npz",
            embeddings=rng.normal(size=(20, 8)).astype(np.float16),
            labels=np.zeros(20, np.int64),
            index=np.arange(20),
        )
    assert finished(lab, lab.start_task("unfold", run=MODEL, method="pca"))["epochs"] == [1, 2]
    learning = lab.spaces.learning(MODEL, Options(method="pca"), compute=False)
    assert learning is not None and learning.coordinates.shape == (2, 20, 2)


def test_a_task_is_stopped_through_the_store_and_one_that_waits_leaves_the_queue(
    lab: Lab, tmp_path: Path
) -> None:
    # Of all the digits, which take a minute: the stop comes before the end.
    id = lab.start_task("diagnose", dataset="digits", effort="full")
    wait_until(lambda: look(lab, id).what, SECONDS)
    lab.stop_task(id)
    assert look(lab, id).state in ("stopping", "stopped")
    info = ended(lab, id)
    assert (info.state, info.error) == ("stopped", None) and not left_in_store(tmp_path)
    assert lab.launcher.executor.cluster.jobs["0"].wait(SECONDS) == 0  # it ended by itself
    executor = lab.launcher.executor
    executor.settings = replace(executor.settings, resources="cpus=2")
    waits = lab.start_task("embed", model=MODEL, data="shapes")
    assert look(lab, waits).state == "queued"
    lab.stop_task(waits)
    assert look(lab, waits).state == "stopped" and not left_in_store(tmp_path)
    assert "1" not in executor.cluster.jobs


def test_tasks_and_runs_are_seen_by_one_listing(lab: Lab) -> None:
    executor = ClusterExecutor(lab.settings, Waiting(), between_seconds=3600)  # as on any machine
    lab.launcher.executor = executor
    asked = count_listings(executor, lab.settings.store)
    lab.start_task("embed", model=MODEL, data="shapes")
    lab.start_task("diagnose", dataset="shapes", effort="brief")
    lab.submit(make_recipe({**SMALL, "name": "trained"}))
    asked.clear()
    for _ in range(50):
        lab.launcher.refresh(wait=True)
        lab.tasks()
    assert asked == ["runs"]


class Waiting(Processes):
    """A cluster without a free place."""

    def submit(self, job: Any) -> str:
        self.jobs[str(self.taken)] = None
        self.taken += 1
        return str(self.taken - 1)


def test_what_can_be_no_job_is_computed_where_the_lab_is(lab: Lab, tmp_path: Path) -> None:
    assert TASKS.keys() - NEEDS.keys() == {"gallery", "load", "publish-labels", "sweep"}
    shutil.copy(lab.home / "uploads" / "shapes.zip", tmp_path / "other.zip")
    loads = lab.start_task("load", name="shapes", size=20)
    scores = lab.start_task("evaluate", model=MODEL, data=str(tmp_path / "other.zip"))
    for id in (loads, scores):
        assert ended(lab, id).state == "finished", ended(lab, id).error
        assert read_status(lab.home / "tasks" / id).job is None
    log = (lab.home / "tasks" / scores / "log.txt").read_text()
    assert "computed on the lab's own machine" in log
    assert not lab.launcher.executor.cluster.jobs


def test_a_task_that_can_t_be_sent_has_failed_and_says_why(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "store").write_text("no folder")
    with pytest.raises(RemoteError, match="Look at GLYPHLAB_STORE"):
        lab.start_task("embed", model=MODEL, data="shapes")
    (info,) = lab.tasks()
    assert info.state == "failed" and "can't be reached" in (info.error or "")


def test_what_is_listed_is_put_in_place_whole_and_nothing_else_is(tmp_path: Path) -> None:
    node, home, task = tmp_path / "node", tmp_path / "home", tmp_path / "node" / "tasks" / "t"
    write(node / "spaces" / "old" / "space.json")
    write(home / "spaces" / "old" / "space.json", "kept")
    task.mkdir(parents=True)
    made = Made(node, task)
    made.collect()
    assert not (task / LIST).exists()  # nothing is new
    for name in ("a/embeddings.npy", "a/space.json", "old/map.npy", ".b.1.tmp/space.json"):
        write(node / "spaces" / name)
    write(node / "noise" / f".{'0' * 16}-folds" / "student-1.npz")
    write(node / "recipes" / "mine.yaml")
    made.collect()
    listed = read_json(task / LIST)["files"]
    folds = f"made/noise/folds-of-{'0' * 16}/student-1.npz"
    made_there = ["a/embeddings.npy", "a/space.json", "old/map.npy"]
    assert listed == [folds, *(f"made/spaces/{name}" for name in made_there)]
    write(task / "made" / "spaces" / "half" / "embeddings.npy")  # not listed: it is not all there
    write_json(task / LIST, {"files": [*listed, "made/people/key.json", "made/spaces/../../x"]})
    write(task / "made" / "people" / "key.json")
    put_in_place(task, home)
    there = sorted(path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file())
    assert there == [
        f"noise/.{'0' * 16}-folds/student-1.npz",
        *(f"spaces/{name}" for name in [*made_there, "old/space.json"]),
    ]
    assert (home / "spaces" / "old" / "space.json").read_text() == "kept"
    assert not (task / "made").exists() and not (task / LIST).exists()


def test_what_a_job_wrote_after_the_lab_listed_its_folder_is_not_lost(tmp_path: Path) -> None:
    here, there = tmp_path / "home" / "runs" / "r", tmp_path / "node"
    settings = Lab.open(
        {"GLYPHLAB_HOME": str(tmp_path / "home"), "GLYPHLAB_STORE": f"file://{tmp_path / 'store'}"}
    ).settings
    stored = StoredJobs(settings)
    write(here / "status.json", '{"state": "running", "job": {"id": "0"}}')
    stored.begin(here, [])
    listed = stored.remote.stamps("runs/r")
    stored.remote.write("runs/r/best/weights.safetensors", b"the last")
    stored.remote.write("runs/r/status.json", b'{"state": "finished"}')
    stored._pull(here, listed)
    assert (here / "best" / "weights.safetensors").read_bytes() == b"the last"
    assert read_json(here / "status.json") == {"state": "finished", "job": {"id": "0"}}
    assert not stored.remote.stamps("runs") and not there.exists()


def test_a_job_handed_in_while_the_cluster_answers_is_not_lost(lab: Lab) -> None:
    class Busy(Waiting):
        def states(self) -> dict[str, JobState]:
            found = super().states()
            if not self.taken:
                ids.append(lab.start_task("embed", model=MODEL, data="shapes"))
            return found

    ids: list[str] = []
    lab.launcher.executor = ClusterExecutor(lab.settings, Busy(), between_seconds=0)
    lab.launcher.refresh(wait=True)
    assert lab.launcher.task(ids[0]).state == "queued"


def test_a_folder_is_sent_with_the_times_of_its_files(tmp_path: Path) -> None:
    remote = Remote(f"file://{tmp_path / 'store'}")
    file = tmp_path / "snapshots" / "epoch-0001.npz"
    write(file)
    then = 1_700_000_000_123_456_789
    os.utime(file, ns=(then, then))
    inputs = send(remote, [("snapshots", file.parent)])
    fetch(remote, inputs, tmp_path / "home", tmp_path / "kept")
    fetched = tmp_path / "home" / "snapshots" / file.name
    assert fetched.stat().st_mtime_ns == then


def write(file: Path, text: str = "x") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_a_task_that_is_being_handed_in_keeps_no_other_waiting(lab: Lab) -> None:
    inner: list[str] = []

    class Slow(Waiting):
        def submit(self, job: Any) -> str:
            if not inner:  # its data is still being sent when somebody starts another one
                inner.append("")
                inner[0] = lab.start_task("diagnose", dataset="shapes", effort="brief")
                again = lab.start_task("embed", model=MODEL, data="shapes")
                inner.append(again)
            return super().submit(job)

    lab.launcher.executor = ClusterExecutor(lab.settings, Slow(), between_seconds=0)
    id = lab.start_task("embed", model=MODEL, data="shapes")
    assert inner[1] == id and inner[0] != id
    assert Lock.take(lab.home / "tasks" / ".door") is not None
