"""Background tasks: a process each, with progress, a result, an error in one line, and a way to
stop.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from held_up import held_up
from waiting import wait_until

from engine.errors import RunError
from engine.files.locks import Lock
from engine.imaging.images import open_picture
from engine.lab import Lab
from engine.progress import Cancelled
from engine.services.background import TASKS

ROOT = Path(__file__).parents[3]


@pytest.fixture
def lab(tmp_path) -> Lab:
    return Lab(tmp_path / "home")


def ended(lab: Lab, id: str):
    return wait_until(
        lambda: (info := lab.task(id)).state in ("finished", "stopped", "failed") and info
    )


def test_a_task_returns_its_result(lab):
    id = lab.start_task("load", name="digits", size=16)
    info = ended(lab, id)
    assert (
        info.state == "finished"
        and info.result["n"] == 1797
        and info.result["classes"] == list("0123456789")
    )
    assert info.arguments == {"name": "digits", "size": 16} and [
        found.id for found in lab.tasks("load")
    ] == [id]
    assert lab.tasks("evaluate") == []


def test_a_mistake_fails_in_one_line(lab):
    info = ended(lab, lab.start_task("load", name="dogits"))
    assert info.state == "failed" and "did you mean 'digits'" in info.error and info.result is None


def test_unknown_kinds_and_ids_are_errors(lab):
    with pytest.raises(RunError, match="did you mean 'load'"):
        lab.start_task("laod")
    for id in ("nothing", "../runs"):
        with pytest.raises(RunError, match="there is no task"):
            lab.task(id)


@pytest.fixture
def long_task(lab):
    """A task that waits; so would one with the digits in 32 pixels."""
    arguments = {"name": "digits"}
    with held_up(lab, 28, 32):
        id = lab.start_task("load", **arguments)
        yield id, arguments
        lab.stop_task(id)
        ended(lab, id)


def pid_of(lab: Lab, id: str) -> int:
    from engine.files.atomic import read_json

    return wait_until(lambda: read_json(lab.home / "tasks" / id / "status.json").get("pid"))


def test_the_same_work_is_not_started_twice(lab, long_task):
    id, arguments = long_task
    assert lab.start_task("load", **arguments) == id
    other = lab.start_task("load", **arguments, size=32)
    assert other != id
    lab.stop_task(other)
    assert ended(lab, other).state == "stopped"


def test_a_task_stops_when_told(lab, long_task):
    id, _ = long_task
    pid = pid_of(lab, id)
    lab.stop_task(id)
    assert ended(lab, id).state == "stopped"
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"))
    lab.stop_task(id)  # once more does nothing


def test_a_task_ends_by_sigterm(lab, long_task):
    id, _ = long_task
    pid = pid_of(lab, id)
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"))
    assert lab.task(id).state == "stopped"


def test_a_stop_is_not_taken_for_a_picture_that_cannot_be_read(monkeypatch, tmp_path):
    """A signal's handler raises it wherever the work stands; seven of eight tasks went on."""

    def stopped(self: Path) -> bytes:
        raise Cancelled

    monkeypatch.setattr(Path, "read_bytes", stopped)
    with pytest.raises(Cancelled):
        open_picture(tmp_path / "1.png")


def test_a_killed_task_is_failed(lab, long_task):
    id, _ = long_task
    os.kill(pid_of(lab, id), signal.SIGKILL)
    assert "killed" in ended(lab, id).error


def test_a_task_of_an_unknown_kind_fails_with_the_nearest_name(lab, tmp_path):
    from engine.files.atomic import read_json, write_json
    from engine.jobs.task_worker import work_on_task

    folder = tmp_path / "task"
    folder.mkdir()
    write_json(folder / "status.json", {"kind": "laod", "arguments": {}, "state": "running"})
    work_on_task(lab.launcher, folder, Lock.take(folder / "lock"), TASKS)
    status = read_json(folder / "status.json")
    assert status["state"] == "failed" and "did you mean 'load'" in status["error"]


BOUNDED = """
import sys, time
from pathlib import Path
from engine.files.atomic import read_json, write_json
from engine.files.locks import Lock
from engine.jobs.task_worker import Bounds, work_on_task
from engine.lab import Lab
from engine.settings import read_settings

home = Path(sys.argv[1])
lab = Lab(home, read_settings({"GLYPHLAB_MODE": "class", "GLYPHLAB_DEVICE": "cpu"}))
kinds = {"eat": lambda *_: len(bytearray(3 * 10**9)), "hang": lambda *_: time.sleep(600)}
for kind, seconds in (("eat", 600.0), ("hang", 0.4)):
    folder = home / kind
    folder.mkdir(parents=True)
    write_json(folder / "status.json", {"kind": kind, "arguments": {}, "state": "running"})
    work_on_task(lab.launcher, folder, Lock.take(folder / "lock"), kinds, Bounds(seconds, 1.0))
    print(read_json(folder / "status.json")["state"], read_json(folder / "status.json")["error"])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems know no such limit")
def test_in_a_class_a_task_has_so_much_memory_and_so_long(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", BOUNDED, str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    eat, hang = done.stdout.splitlines()
    assert eat.startswith("failed there was not enough memory"), done.stderr
    assert hang.startswith("failed it took longer than the"), done.stderr
