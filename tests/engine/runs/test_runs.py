"""Run folders: complete from the start, readable at any moment, honest about a process that is
gone.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from waiting import wait_until

from engine.errors import GlyphlabError, RunError
from engine.files.locks import Lock, is_locked
from engine.recipes.recipe import make_recipe
from engine.runs.index import all_runs, find_run, mark_killed
from engine.runs.run import Run, create_run
from engine.runs.run_info import KILLED, info_of

ROOT = Path(__file__).parents[3]


@pytest.fixture
def run(tmp_path) -> Run:
    return create_run(tmp_path, make_recipe({"name": "quick try", "epochs": 3, "title": "A try"}))


def process(code: str, *arguments: object) -> subprocess.Popen:
    """A Python process of its own that can import the engine; it has begun when it has printed a
    line.
    """
    child = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    assert child.stdout.readline()
    return child


HOLD = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from engine.runs.run import Run
run = Run(Path(sys.argv[1])); lock = run.take_lock(); run.own()
run.write_status(state="running", started=run.status()["created"]); run.log("epoch 1 begins")
print("begun", flush=True); time.sleep(600)
"""


def test_a_new_run_is_queued_and_says_what_it_is(run, tmp_path):
    info = run.info()
    assert (info.state, info.name, info.title, info.epochs, info.data, info.model) == (
        "failed",
        "quick try",
        "A try",
        3,
        "digits",
        "convnet",
    )
    assert run.path.parent == tmp_path / "runs" and run.path.name.endswith(f"-quick-try-{run.id}")
    assert run.recipe() == make_recipe({"name": "quick try", "epochs": 3, "title": "A try"})
    with run.take_lock():
        assert run.info().state == "queued" and run.info().alive


def test_runs_are_listed_newest_first_and_half_made_ones_are_not(run, tmp_path):
    newer = create_run(tmp_path, run.recipe())
    later = newer.path.rename(newer.path.with_name("29990101T000000-later-abcdef"))
    (tmp_path / "runs" / ".new-20990101T000000-x-aaaaaa").mkdir()
    assert [found.path for found in all_runs(tmp_path)] == [later, run.path]


def test_a_run_is_found_by_id_name_and_path_and_a_near_miss_is_named(run, tmp_path):
    for name in (run.id, run.path.name, run.path, str(run.path)):
        assert find_run(tmp_path, name).path == run.path
    with pytest.raises(RunError, match=f"Did you mean '{run.id}'"):
        find_run(tmp_path, run.id[:-1] + "0")


def test_a_copied_run_reads_the_same(run, tmp_path):
    run.append_metrics({"kind": "epoch", "epoch": 1, "val_accuracy": 0.5})
    run.end("finished", figures={"test_accuracy": 0.75})
    copy = find_run(tmp_path, shutil.copytree(run.path, tmp_path / "archive" / run.path.name))
    assert copy.info().__dict__ | {"folder": None} == run.info().__dict__ | {"folder": None}
    assert (
        copy.metrics() == run.metrics()
        and copy.recipe() == run.recipe()
        and copy.info().accuracy == 0.75
    )


def test_only_new_rows_are_read_and_a_torn_line_waits_for_its_end(run):
    run.append_metrics({"step": 1})
    first = run.metrics()
    with open(run.path / "metrics.jsonl", "a") as file:
        file.write('{"st')
    assert run.metrics(since=1) == []
    with open(run.path / "metrics.jsonl", "a") as file:
        file.write('ep": 2}\n')
    assert run.metrics(since=1) == [{"step": 2}]
    assert run.metrics()[0] is first[0]  # not parsed again


def test_what_a_kill_tore_is_cut_off_before_the_next_row(run):
    run.append_metrics({"step": 1})
    with open(run.path / "metrics.jsonl", "a") as file:
        file.write('{"step": 2, "loss": 0.')
    run.append_metrics({"step": 3})
    assert [
        json.loads(line)["step"] for line in (run.path / "metrics.jsonl").read_text().splitlines()
    ] == [1, 3]
    assert [row["step"] for row in run.metrics()] == [1, 3]


def test_what_is_no_number_is_written_as_null(run):
    run.append_metrics({"loss": float("nan"), "per_class": [{"precision": float("inf")}]})
    assert run.metrics() == [{"loss": None, "per_class": [{"precision": None}]}]


@pytest.mark.parametrize(
    "row",
    [{"kind": "epoch"}, {"kind": "step", "step": 1, "steps": 2}, {"kind": "step", "epoch": 1}],
)
def test_a_row_without_its_place_is_left_out(run, row):
    run.append_metrics(row)
    run.append_metrics({"kind": "epoch", "epoch": 1})
    assert run.metrics() == [{"kind": "epoch", "epoch": 1}]


def test_a_run_that_goes_on_forgets_what_came_after_its_checkpoint(run):
    for epoch in (1, 2, 3):
        run.append_metrics({"kind": "step", "epoch": epoch, "step": 1, "steps": 2})
        run.append_metrics({"kind": "epoch", "epoch": epoch})
    run.append_metrics({"kind": "final", "epochs": 3})
    assert run.metrics()[-1] == run.final()
    run.forget_after(2)
    assert [row["epoch"] for row in run.metrics()] == [1, 1, 2, 2] and run.final() is None
    run.append_metrics({"kind": "epoch", "epoch": 3})
    assert run.metrics(since=4) == [{"kind": "epoch", "epoch": 3}]


@pytest.mark.skipif(
    not os.path.exists("/dev/full"), reason="needs /dev/full, a disk that is always full"
)
def test_a_full_disk_is_an_error_that_says_so(run):
    (run.path / "metrics.jsonl").symlink_to("/dev/full")
    with pytest.raises(
        GlyphlabError, match="no room left on the disk for .*metrics.jsonl. Free some space"
    ):
        run.append_metrics({"kind": "step"})


def test_a_status_that_does_not_fit_leaves_the_old_one_whole(run):
    code = """
import resource, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from engine.errors import GlyphlabError
from engine.runs.run import Run
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    Run(Path(sys.argv[1])).write_status(message="x" * 5000)
except GlyphlabError as error:
    print(error)
"""
    child = subprocess.run(
        [sys.executable, "-c", code, run.path], cwd=ROOT, capture_output=True, text=True
    )
    assert "no room left" in child.stdout and not child.stderr
    assert "message" not in json.loads((run.path / "status.json").read_text())
    assert not list(run.path.glob(".*.tmp"))


def test_a_killed_run_is_failed_with_its_last_words(run):
    child = process(HOLD, run.path)
    assert (run.info().state, run.info().alive, run.status()["pid"]) == ("running", True, child.pid)
    with pytest.raises(RunError, match="is running. Stop it first"):
        run.delete()
    with pytest.raises(RunError, match="by another process"):
        run.take_lock()
    run.ask_to_stop()
    assert run.info().state == "stopping"
    child.kill()
    child.communicate()
    info = run.info()
    assert (info.state, info.alive, info.error) == (
        "failed",
        False,
        KILLED,
    ) and "epoch 1 begins" in run.log_tail()
    assert info.seconds < 60  # up to its last sign of life
    assert (
        mark_killed(run.path.parent.parent) == [run.id]
        and mark_killed(run.path.parent.parent) == []
    )
    assert (
        run.status()["state"] == "failed"
        and run.status()["finished"] == info.heartbeat
        and not run.stop_wanted
    )


def test_workers_that_outlive_a_killed_run_do_not_keep_it_alive(tmp_path):
    code = """
import os, sys, time
from datetime import UTC, datetime
from pathlib import Path
from engine.files.locks import Lock
lock = Lock.take(Path(sys.argv[1]))
worker = os.fork()
if not worker:
    time.sleep(600)
print(worker, flush=True); time.sleep(600)
"""
    child = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "lock"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    worker = int(child.stdout.readline())
    assert is_locked(tmp_path / "lock") and Lock.take(tmp_path / "lock") is None
    child.kill()
    child.wait()
    child.stdout.close()
    try:
        wait_until(lambda: not is_locked(tmp_path / "lock"))
        os.kill(worker, 0)  # it does live
    finally:
        os.kill(worker, signal.SIGKILL)


def test_a_heartbeat_is_not_written_for_every_step_but_for_every_epoch(run):
    with run.take_lock():
        run.own()
        run.heartbeat(epoch=1, what="a")
        for step in range(1000):
            run.heartbeat(epoch=1, what=f"step {step}")
        on_disk = Run(run.path).status()
        assert (
            on_disk["epoch"] == 1
            and on_disk["what"] != "step 999"
            and run.status()["what"] == "step 999"
        )
        run.heartbeat(epoch=2)
        assert Run(run.path).status() == run.status()
        run.end("finished")
    assert run.info().state == "finished" and run.info().epoch == 2


def test_a_deleted_run_is_gone(run, tmp_path):
    run.delete()
    assert all_runs(tmp_path) == [] and not list((tmp_path / "runs").iterdir())


def test_the_final_row_is_found_from_the_end_of_a_long_file(run):
    run.append_metrics({"kind": "final", "confusion": [list(range(60_000))]})  # longer than a block
    assert len(run.final()["confusion"][0]) == 60_000
    for epoch in range(3):
        run.append_metrics({"kind": "epoch", "epoch": epoch, "words": "x" * 50_000})
    assert run.final() is None
    run.append_metrics({"kind": "final", "test_accuracy": 0.5})
    with open(run.path / "metrics.jsonl", "a") as file:
        file.write('{"kind": "st')  # torn by a kill
    assert run.final() == {"kind": "final", "test_accuracy": 0.5}


def test_rows_of_another_file_in_the_same_place_are_read_anew(run):
    """A longer file may have been given the inode of the one it replaced."""
    file = run.path / "metrics.jsonl"
    file.write_text('{"step": 1}\n{"step": 2}\n')
    assert len(run.metrics()) == 2
    inode = file.stat().st_ino
    with open(file, "r+") as same:
        same.write('{"step": 7}\n{"step": 8}\n{"step": 9}\n')
    assert file.stat().st_ino == inode and [row["step"] for row in run.metrics()] == [7, 8, 9]


def test_a_process_that_has_just_begun_has_not_been_silent_while_it_waited(run):
    def stale(heartbeat: float, started: float) -> bool:
        ago = {"heartbeat": heartbeat, "started": started}
        times = {
            name: datetime.fromtimestamp(time.time() - seconds, UTC).isoformat()
            for name, seconds in ago.items()
        }
        return info_of("a", run.path, {"state": "running", **times}, True, False).stale

    assert not stale(heartbeat=300, started=10) and not stale(heartbeat=10, started=300)
    assert stale(heartbeat=300, started=300)
