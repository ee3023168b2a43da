"""Runs and tasks as a cluster's jobs, on a cluster that is a few processes of this machine; real ones are
in tests/cluster.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from made_lab import SMALL
from process_cluster import Processes, lab_on
from waiting import wait_until

from engine.errors import RunError, SettingsError
from engine.files.pulse import age_seconds, beating
from engine.jobs.cluster.base import ClusterError, Job
from engine.jobs.cluster.executor import BETWEEN_SECONDS, SILENT_SECONDS, ClusterExecutor
from engine.jobs.cluster.ray_jobs import RayJobs
from engine.jobs.cluster.slurm_jobs import _gpus
from engine.jobs.resources import Resources, resources_of
from engine.lab import Lab
from engine.recipes.recipe import Recipe, make_recipe
from engine.runs.run_info import ENDED


@pytest.fixture
def lab(home: Path) -> Iterator[Lab]:
    with lab_on(Processes(), home) as found:
        yield found


def recipe(epochs: int = 2, **changes: Any) -> Recipe:
    return make_recipe({**SMALL, "name": "trained", "epochs": epochs, **changes})


def state(lab: Lab, id: str) -> str:
    lab.launcher.refresh(wait=True)
    return lab.run(id).info().state


def test_a_run_is_trained_by_its_job_and_a_killed_one_is_seen_and_goes_on(lab: Lab) -> None:
    id = lab.submit(recipe(500))
    run = lab.run(id)
    wait_until(lambda: run.info().epoch >= 2)
    info = next(found for found in lab.runs() if found.id == id)
    assert info.where == f"Processes job 0 · on {os.uname().nodename}"
    assert age_seconds(run.path / "beat") is not None
    os.kill(run.status()["pid"], signal.SIGKILL)
    (run.path / "beat").unlink()  # or the next look waits for last words
    wait_until(lambda: state(lab, id) == "failed")
    assert "ended without a result (exit -9)" in (run.info().error or "")
    spent = run.info().seconds
    lab.resume(id)
    assert run.status()["earlier_seconds"] == spent and spent
    assert (
        "0" not in lab.launcher.executor.cluster.jobs
    )  # or it might be queued again beside the new one
    wait_until(lambda: run.info().state == "running" and run.info().resumed == 1)
    wait_until(lambda: run.info().epoch >= 3)
    lab.stop(id)
    wait_until(lambda: state(lab, id) in ENDED)
    assert (run.info().state, run.info().saved) == ("stopped", True)


def test_a_run_of_a_lost_node_fails_whatever_the_clocks_say(lab: Lab) -> None:
    id = lab.submit(recipe(resources={"cpus": 2}))
    run = lab.run(id)
    jobs = lab.launcher.executor.cluster.jobs
    # Its job runs on another machine, whose clock is an hour ahead, and gives signs of life.
    jobs["0"] = first = subprocess.Popen(["sleep", "600"])
    run.write_status(state="running", host="elsewhere", heartbeat="2099-01-01T00:00:00.000Z")
    beat = run.path / "beat"
    beat.write_text("alive")
    assert state(lab, id) == "running" and not run.info().stale
    first.kill()
    first.wait()
    jobs["0"] = None  # taken from its node, and queued again
    assert state(lab, id) == "queued"
    jobs["0"] = subprocess.Popen(["sleep", "600"])
    run.write_status(state="running")
    then = time.time() - SILENT_SECONDS - 5
    os.utime(beat, (then, then))
    assert state(lab, id) == "failed"
    assert "no heartbeat on elsewhere" in (run.info().error or "")
    assert "0" not in jobs  # should it come back, it does not go on beside the one that is resumed


def test_what_waits_can_be_stopped_and_what_runs_is_not_lost_with_the_cluster(lab: Lab) -> None:
    id = lab.submit(recipe(resources={"cpus": 2}))
    assert state(lab, id) == "queued" and lab.run(id).alive
    cluster = lab.launcher.executor.cluster
    cluster.down = True
    assert state(lab, id) == "queued"
    assert lab.launcher.cluster().error == "the cluster does not answer"
    with pytest.raises(ClusterError, match="does not answer"):
        lab.submit(recipe())
    refused = lab.runs()[0]
    assert (refused.state, refused.error) == ("failed", "the cluster does not answer")
    cluster.down = False
    lab.stop(id)
    assert lab.run(id).info().state == "stopped"
    with pytest.raises(RunError, match="is not running"):
        lab.stop(id)


def test_a_task_is_a_job_too_and_one_that_dies_is_seen(lab: Lab) -> None:
    id = lab.launcher.start_task("load", name="shapes", size=20)
    wait_until(lambda: lab.launcher.task(id).state in ENDED)
    assert lab.launcher.task(id).result["n"] == 120
    other = lab.launcher.start_task("load", name="shapes", size=24)
    lab.launcher.executor.cluster.jobs["1"].kill()
    (lab.home / "tasks" / other / "beat").unlink(missing_ok=True)

    def ended() -> bool:
        lab.launcher.refresh(wait=True)
        return lab.launcher.task(other).state == "failed"

    wait_until(ended)
    assert "ended without a result" in (lab.launcher.task(other).error or "")


def test_a_job_that_does_not_see_the_home_is_found_out_before_runs_are_lost(lab: Lab) -> None:
    probe = lab.launcher.probe()
    assert probe is not None and probe.ok and probe.locks
    executor = lab.launcher.executor
    missing = executor.job

    def elsewhere(name: str, arguments: tuple[str, ...], folder: Path, resources: Any) -> Job:
        made = missing(name, (arguments[0], "/nowhere/at/all"), folder, resources)
        return made

    executor.job = elsewhere
    probe = lab.launcher.probe()
    assert probe is not None and probe.ok is False and "did not see the lab's home" in probe.message
    with pytest.raises(RunError, match="did not see the lab's home"):
        lab.submit(recipe())
    executor.job = missing
    assert lab.launcher.probe().ok


def test_many_viewers_ask_the_cluster_once_in_two_seconds(home: Path) -> None:
    lab = Lab.open({"GLYPHLAB_HOME": str(home), "GLYPHLAB_EXECUTOR": "ray"})
    assert BETWEEN_SECONDS == 2
    executor = ClusterExecutor(lab.settings, Processes(), between_seconds=3600)  # on a busy machine
    lab.launcher.executor = executor
    for _ in range(50):
        lab.launcher.refresh(wait=True)
        lab.launcher.cluster()
    assert executor.cluster.asked == 1


def test_a_recipe_says_what_it_asks_for_and_settings_fill_the_rest(lab: Lab) -> None:
    assert resources_of(lab.settings).memory_gb == 4
    asked = resources_of(lab.settings, recipe(resources={"gpus": 1, "minutes": 90}))
    assert (asked.cpus, asked.gpus, asked.minutes) == (1, 1, 90)
    made = lab.launcher.executor.job("x", (), lab.home, asked)
    assert made.environment["GLYPHLAB_DEVICE"] == "auto"
    with pytest.raises(SettingsError, match="did you mean 'slurm'"):
        Lab.open({"GLYPHLAB_HOME": str(lab.home), "GLYPHLAB_EXECUTOR": "slum"})
    for wrong in ("cpus=0", "cores=4", "cpus", "cpus=many"):
        with pytest.raises(SettingsError, match="GLYPHLAB_RESOURCES"):
            Lab.open({"GLYPHLAB_HOME": str(lab.home), "GLYPHLAB_RESOURCES": wrong})


def test_a_sign_of_life_ages_by_the_clock_of_its_file_system(tmp_path: Path) -> None:
    beat = tmp_path / "beat"
    assert age_seconds(beat) is None
    with beating(beat, every_seconds=0.01):
        wait_until(beat.exists)
        assert (age_seconds(beat) or 0) < 5
    assert not beat.exists() and list(tmp_path.iterdir()) == []


def test_a_head_that_has_just_begun_is_asked_again() -> None:
    asked: list[str] = []

    class Head(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            begun = len(asked) > 1
            self.send_response(200 if begun else 500)
            self.end_headers()
            said = {"submission_id": "glyphlab-x"} if begun else None
            self.wfile.write(json.dumps(said).encode() if said else b"No agent, try again later")

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Head) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        jobs = RayJobs(f"http://127.0.0.1:{server.server_address[1]}", "python")
        job = Job("x", ("_job", "/x"), Resources(), None, {})
        assert jobs.submit(job) == "glyphlab-x"
        server.shutdown()
    assert len(asked) == 2 and asked[0] == asked[1]  # the same id: taken once at most
    assert json.loads(asked[0])["entrypoint"] == "exec python -P -m engine _job /x"


def test_what_ray_says_of_a_job_is_plain_text() -> None:
    message = (
        "Job failed with exit code 1, last available logs (truncated):\n\x1b[32mconnected\x1b[39m"
    )
    rows = [{"submission_id": "a", "status": "FAILED", "message": message}]

    class Said(RayJobs):
        def _ask(self, path: str, body: Any = None) -> Any:
            return {"logs": "first\n\x1b[31mno such\tfile\x1b[0m\n"} if "logs" in path else rows

    jobs = Said("http://127.0.0.1:1", "python")
    assert jobs.states()["a"].why == "FAILED: Job failed with exit code 1"
    assert jobs.last_line("a") == "no such file"


def test_a_job_over_several_nodes_has_ray_find_them() -> None:
    asked: list[dict[str, Any]] = []

    class Asked(RayJobs):
        def _ask(self, path: str, body: Any = None) -> Any:
            asked.append(body)
            return {"submission_id": "x"}

    jobs = Asked("http://127.0.0.1:1", "python")
    for nodes in (1, 2):
        jobs.submit(Job("x", ("_job", "/x"), Resources(nodes=nodes), Path("/x/log.txt"), {}))
    one, two = asked
    assert one["entrypoint"] == "exec python -P -m engine _job /x >> /x/log.txt 2>&1"
    assert one["entrypoint_num_cpus"] == 1 and "entrypoint_num_cpus" not in two
    assert " _spread " in two["entrypoint"] and two["entrypoint"].endswith("/x/log.txt _job /x")


def test_gpus_are_counted_in_what_slurm_lists() -> None:
    assert _gpus("gpu:a100:4(S:0-1),shard:8") == 4 and _gpus("(null)") == 0 and _gpus("gpu:2") == 2
