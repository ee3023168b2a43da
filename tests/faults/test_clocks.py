"""Clocks that are put back by a day or forward by years: nothing is lost, hidden or told wrongly for it."""

from __future__ import annotations

import datetime
import time

import pytest
from made_lab import SMALL, looked_at
from weblab import add_run

from engine.jobs import queue
from engine.lab import Lab
from engine.recipes.recipe import make_recipe
from engine.runs.run import create_run

JUMPS = {
    "back by a day": datetime.timedelta(days=-1),
    "forward by years": datetime.timedelta(days=4000),
}


@pytest.fixture(params=JUMPS, ids=lambda name: name.replace(" ", "-"))
def jump(request, monkeypatch, tally):
    """Makes the clock jump when called."""

    def do() -> None:
        seconds = JUMPS[request.param].total_seconds()
        real, nanoseconds = time.time, time.time_ns() + int(seconds) * 10**9
        monkeypatch.setattr(time, "time", lambda: real() + seconds)
        monkeypatch.setattr(time, "time_ns", lambda: nanoseconds)
        tally.add("clock jumps")

    return do


def test_a_run_that_ends_after_the_jump_has_taken_no_negative_time(tmp_path, jump):
    lab = Lab(tmp_path)
    run = create_run(tmp_path, make_recipe({**SMALL, "name": "crossed"}))
    with run.take_lock():
        run.own()
        run.write_status(state="running", started=run.status()["created"])
        run.heartbeat(epoch=1)
        jump()
        assert lab.run(run.id).info().seconds >= 0
        run.heartbeat(epoch=2)
        info = lab.run(run.id).info()
        assert info.state == "running" and not info.stale and info.epoch == 2
        run.end("finished")
    info = lab.run(run.id).info()
    assert info.state == "finished" and info.seconds >= 0


def test_a_run_killed_before_the_jump_is_shown_as_killed(tmp_path, jump):
    run = create_run(tmp_path, make_recipe({**SMALL, "name": "killed"}))
    lock = run.take_lock()
    run.own()
    run.write_status(state="running", started=run.status()["created"])
    run._mine = None
    lock.release()
    jump()
    lab = Lab.open({"GLYPHLAB_HOME": str(tmp_path)})
    info = lab.runs()[0]
    assert info.state == "failed" and "killed" in info.error and info.seconds >= 0


def test_what_comes_after_the_jump_neither_replaces_nor_passes_what_was_before(tmp_path, jump):
    lab = Lab(tmp_path)
    first = add_run(lab)
    ticket = queue.queue_up(tmp_path, "cpu", first.path)
    jump()
    second = add_run(lab, name="later")
    later = queue.queue_up(tmp_path, "cpu", second.path)
    assert ticket.name < later.name
    assert {run.id for run in lab.runs()} == {first.id, second.id}
    assert looked_at(lab)["models"] >= 2 and lab.run(first.id).metrics() == first.metrics()
