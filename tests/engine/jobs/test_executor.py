"""Runs as processes: in turn, stoppable, resumable after a kill with the same result, independent
of who started them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from waiting import wait_until

from engine.errors import RunError
from engine.files.locks import Lock
from engine.jobs.outcome import in_words
from engine.jobs.processes import environment_of
from engine.jobs.queue import queue_of, queue_up, wait_turn
from engine.lab import Lab
from engine.runs.run import Run, create_run
from engine.runs.run_info import KILLED
from engine.runs.times import seconds_between
from engine.settings import ROOT

FIGURES = (
    "test_accuracy",
    "test_loss",
    "val_accuracy",
    "val_loss",
    "train_accuracy",
    "knn_accuracy",
    "temperature",
)
EPOCHS = 30  # some seconds: long enough to be killed in the middle


@pytest.fixture
def lab(tmp_path) -> Lab:
    return Lab(tmp_path)


def small(lab: Lab, **changes):
    return lab.recipe(
        "quick",
        {
            "data.limit": 400,
            "batch_size": 40,
            "epochs": 3,
            "model.options": {"width": 4},
            **changes,
        },
    )


def ended(lab: Lab, run_id: str, timeout: float = 900):
    return wait_until(
        lambda: (
            (info := lab.run(run_id).info()).state in ("finished", "stopped", "failed")
            and not info.alive
            and info
        ),
        timeout,
    )


def hold_device(lab: Lab) -> Lock:
    """Be the run that computes."""
    queue = lab.home / "queue"
    queue.mkdir(parents=True, exist_ok=True)
    return Lock.take(queue / f"{queue_of('auto')}.lock")


def test_turns_come_in_the_order_of_arrival_one_at_a_time(lab):
    runs = [create_run(lab.home, small(lab)) for _ in range(3)]
    locks = [run.take_lock() for run in runs]
    tickets = [queue_up(lab.home, "cpu", run.path) for run in runs]
    device = Lock.take(lab.home / "queue" / "cpu.lock")
    order, shown, computing = [], [], threading.Semaphore(1)

    def work(number: int) -> None:
        with wait_turn(tickets[number], lambda: False, lambda ahead: shown.append((number, ahead))):
            assert computing.acquire(blocking=False)
            order.append(number)
            computing.release()

    threads = [threading.Thread(target=work, args=(number,)) for number in (2, 1, 0)]
    for thread in threads:
        thread.start()
    wait_until(lambda: {(0, 1), (1, 2), (2, 3)} <= set(shown))
    assert order == []
    device.release()
    for thread in threads:
        thread.join(900)
    assert order == [0, 1, 2] and not list((lab.home / "queue" / "cpu").iterdir())
    for lock in locks:
        lock.release()


def test_a_dead_run_in_the_queue_holds_nobody_up(lab):
    dead, alive = create_run(lab.home, small(lab)), create_run(lab.home, small(lab))
    queue_up(lab.home, "cpu", dead.path)
    with alive.take_lock():
        turn = wait_turn(queue_up(lab.home, "cpu", alive.path), lambda: False, lambda ahead: None)
        turn.release()


def test_a_waiting_run_is_a_light_process_and_can_be_taken_out_of_the_queue(lab):
    with hold_device(lab):
        run = lab.run(lab.submit(small(lab)))
        wait_until(lambda: run.info().message == "waiting for 1 other run")
        pid = run.status()["pid"]
        nice = min(19, os.getpriority(os.PRIO_PROCESS, 0) + 10)  # whoever draws goes first
        assert os.getpriority(os.PRIO_PROCESS, pid) == nice
        if sys.platform == "linux":
            assert "libtorch" not in Path(f"/proc/{pid}/maps").read_text()
            group = Path(f"/proc/{pid}/autogroup")
            assert not (told := group.read_text() if group.exists() else "") or told.endswith(
                f"nice {nice}\n"
            )
        assert run.info().state == "queued" and lab.health()["queued"] == 1
        lab.stop(run.id)
        assert ended(lab, run.id).message == "stopped before it began"
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"))  # and no zombie stays
    with pytest.raises(RunError, match="is not running: stopped"):
        lab.stop(run.id)


def test_a_killed_waiting_run_is_failed_and_can_be_resumed(lab):
    with hold_device(lab):
        run = lab.run(lab.submit(small(lab)))
        wait_until(lambda: run.status().get("pid"))
        os.kill(run.status()["pid"], signal.SIGKILL)
        assert ended(lab, run.id).error == KILLED
        lab.resume(run.id)
        wait_until(lambda: run.info().state == "queued" and run.info().resumed == 1)
        with pytest.raises(RunError, match="is queued. Needed: a stopped or failed one"):
            lab.resume(run.id)
        wait_until(lambda: run.status().get("pid"))
        lab.stop(run.id, at_once=True)
        assert ended(lab, run.id).message == "killed on request; it can be resumed"


def test_the_seconds_of_a_resumed_run_are_those_of_all_attempts_without_the_queue(lab):
    run = create_run(lab.home, small(lab))
    with run.take_lock():
        run.own()
        run.write_status(state="running", started="2026-01-02T03:04:00.000Z")
        run.end("stopped", finished="2026-01-02T03:04:32.000Z")
    with hold_device(lab):
        for _ in range(2):
            lab.resume(run.id)
            wait_until(lambda: run.info().state == "queued" and run.info().message)
            assert run.info().seconds == 32
            lab.stop(run.id)
            assert ended(lab, run.id).seconds == 32
    lab.resume(run.id)
    info = ended(lab, run.id)
    assert info.state == "finished"
    last = seconds_between(run.status()["started"], run.status()["finished"])
    assert info.seconds == pytest.approx(32 + last) and info.seconds > 32 + run.final()["seconds"]


def test_a_run_killed_in_the_middle_and_resumed_ends_as_an_uninterrupted_one(lab):
    # Both are processes of their own: on another number of threads, sums round differently.
    straight = lab.run(lab.submit(small(lab, epochs=EPOCHS)))
    assert ended(lab, straight.id).state == "finished"
    assert straight.info().accuracy == straight.final()["test_accuracy"] > 0.3

    command = [
        sys.executable,
        "-m",
        "engine",
        "submit",
        "quick",
        "--set",
        "data.limit=400",
        "--set",
        "batch_size=40",
        "--set",
        f"epochs={EPOCHS}",
    ]
    command += ["--set", "model.options={width: 4}"]
    subprocess.run(
        command,
        cwd=ROOT,
        env=environment_of(lab.settings, os.environ),
        check=True,
        capture_output=True,
    )
    run = next(
        lab.run(info.id) for info in lab.runs() if info.id != straight.id
    )  # its parent is gone already
    wait_until(lambda: (run.last / "state.json").exists(), interval=0.01)
    os.kill(run.status()["pid"], signal.SIGKILL)
    wait_until(lambda: not run.alive)
    assert run.info().state == "failed" and f"epoch 1/{EPOCHS}" in run.log_tail(2 * EPOCHS)

    lab.resume(run.id)
    assert ended(lab, run.id).state == "finished"
    assert {key: run.final()[key] for key in FIGURES} == {
        key: straight.final()[key] for key in FIGURES
    }
    epochs = [[row for row in one.metrics() if row["kind"] == "epoch"] for one in (straight, run)]
    same = (
        "epoch",
        "train_loss",
        "train_accuracy",
        "val_loss",
        "val_accuracy",
        "lr",
        "images_seen",
        "best",
    )
    assert [[row[key] for key in same] for row in epochs[0]] == [
        [row[key] for key in same] for row in epochs[1]
    ]


def test_a_stopped_run_keeps_its_best_model_and_figures(lab):
    run = lab.run(lab.submit(small(lab, epochs=500)))
    wait_until(lambda: (run.best / "checkpoint.json").exists())
    lab.stop(run.id)
    assert run.info().state in ("stopping", "stopped")
    info = ended(lab, run.id)
    assert (
        info.state == "stopped"
        and info.message.endswith("the best model is kept")
        and info.saved
        and info.accuracy is not None
    )
    assert lab.model_meta(run.id)["metrics"]["test_accuracy"] == info.accuracy


def test_a_recipe_that_can_not_work_fails_in_one_line(lab):
    run = lab.train(small(lab, lr=[0.1] * 6))
    info = run.info()
    assert info.state == "failed" and "one a layer group" in info.error and "\n" not in info.error
    assert "Traceback" not in run.log_tail(50)


def test_a_child_reads_the_settings_of_its_parent(lab, tmp_path):
    from engine.settings import read_settings

    told = {
        "GLYPHLAB_DATA": f"{tmp_path / 'a'}:{tmp_path / 'b'}",
        "GLYPHLAB_OFFLINE": "1",
        "GLYPHLAB_THREADS": "3",
        "GLYPHLAB_HOME": str(tmp_path),
    }
    settings = read_settings(told)
    assert read_settings(environment_of(settings, {})) == settings


def test_memory_and_disk_that_run_out_are_called_that():
    assert "Lower batch_size" in in_words(
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to")
    )
    full = "Error while serializing: I/O error: No space left on device (os error 28)"
    assert in_words(RuntimeError(full)).startswith("there is no room left on the disk")
    assert in_words(KeyError("x")) == "KeyError: 'x'"


def test_a_run_reads_its_own_folder_wherever_it_was_moved(lab, tmp_path):
    run = create_run(lab.home, small(lab))
    moved = Run(run.path.rename(tmp_path / "elsewhere"))
    assert moved.id == "elsewhere" and moved.recipe() == small(lab)
