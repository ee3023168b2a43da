"""Whose turn it is: first come first served among the runs that live, at next to no cost."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from opened_files import opened_files
from waiting import wait_until

from engine.files.locks import Lock
from engine.jobs import queue


class Waiting:
    """A run that waits in a thread, with the lock that its process would hold."""

    def __init__(self, home: Path, name: str) -> None:
        self.folder = home / "runs" / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.home, self.shown, self.stopped, self.turn = home, [], False, None
        self.lock = Lock.take(self.folder / "lock")
        self.ticket = queue.queue_up(home, "cpu", self.folder)

    def wait(self) -> Waiting:
        def work() -> None:
            self.turn = queue.wait_turn(self.ticket, lambda: self.stopped, self.shown.append, 0.02)

        self.thread = threading.Thread(target=work, daemon=True)
        self.thread.start()
        return self

    def end(self) -> None:
        if self.turn:
            self.turn.release()
        self.stopped = True
        self.thread.join()
        self.lock.release()


def killed(home: Path, name: str) -> None:
    """A run that was killed while it waited: its ticket stays, its lock is gone."""
    Waiting(home, name).lock.release()


def test_runs_compute_in_the_order_in_which_they_came(tmp_path):
    first = Waiting(tmp_path, "run-aaaaaa").wait()
    wait_until(lambda: first.turn)
    second, third = Waiting(tmp_path, "run-cccccc").wait(), Waiting(tmp_path, "run-bbbbbb").wait()
    wait_until(lambda: third.shown == [2] and second.shown == [1])
    first.end()
    wait_until(lambda: second.turn and third.shown == [2, 1])
    assert third.turn is None
    second.end()
    wait_until(lambda: third.turn)
    third.end()
    assert not list((tmp_path / "queue" / "cpu").iterdir())


def test_a_run_that_goes_on_does_not_wait_for_the_ticket_it_left_behind(tmp_path):
    killed(tmp_path, "run-aaaaaa")
    again = Waiting(tmp_path, "run-aaaaaa").wait()
    wait_until(lambda: again.turn)
    again.end()


def test_the_old_ticket_of_a_run_that_goes_on_holds_up_no_other(tmp_path):
    killed(tmp_path, "run-aaaaaa")
    other = Waiting(tmp_path, "run-bbbbbb")
    again = Waiting(tmp_path, "run-aaaaaa").wait()  # behind the other now
    other.wait()
    wait_until(lambda: other.turn)
    other.end()
    wait_until(lambda: again.turn)
    again.end()


def test_a_ticket_left_in_the_queue_of_another_device_is_thrown_away(tmp_path):
    folder = tmp_path / "runs" / "run-aaaaaa"
    folder.mkdir(parents=True)
    old = queue.queue_up(tmp_path, "cuda-0", folder)
    Waiting(tmp_path, "run-aaaaaa").wait().end()
    assert not old.exists()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"/a\0b", b"runs/relative", b"/gone/run"])
def test_a_damaged_or_dead_ticket_holds_nobody_up(tmp_path, content):
    folder = tmp_path / "queue" / "cpu"
    folder.mkdir(parents=True)
    (folder / "00000000000000000001-zzzzzz").write_bytes(content)
    run = Waiting(tmp_path, "run-aaaaaa").wait()
    wait_until(lambda: run.turn)
    run.end()
    assert not list(folder.iterdir())


def test_tickets_that_no_run_has_taken_hold_nobody_up(tmp_path):
    """Of a run that waits for itself, of one under another's name, a folder, and beyond all numbers."""
    run, other = Waiting(tmp_path, "run-aaaaaa"), Waiting(tmp_path, "run-bbbbbb")
    folder = tmp_path / "queue" / "cpu"
    (folder / "00000000000000000001-zzzzzz").write_text(str(run.folder))
    (folder / "00000000000000000002-yyyyyy").write_text(str(other.folder))
    (folder / "00000000000000000003-xxxxxx").mkdir()
    (folder / "99999999999999999999-wwwwww").write_text(str(run.folder))
    last = Waiting(tmp_path, "run-cccccc")
    for each in (run, other, last):
        each.wait()
        wait_until(lambda each=each: each.turn)
        each.end()
    assert [path.name for path in folder.iterdir()] == ["00000000000000000003-xxxxxx"]


def test_a_clock_that_is_put_back_lets_no_run_pass_another(tmp_path, monkeypatch):
    first = queue.queue_up(tmp_path, "cpu", tmp_path / "run-aaaaaa")
    monkeypatch.setattr(time, "time_ns", lambda: 1)
    assert queue.queue_up(tmp_path, "cpu", tmp_path / "run-bbbbbb").name > first.name


def test_a_waiting_run_looks_at_no_other_than_the_one_before_it(tmp_path):
    runs = [Waiting(tmp_path, f"run-{number:06d}") for number in range(6)]
    last, before = runs[-1], runs[-2]
    with opened_files(tmp_path) as opened:
        last.wait()
        wait_until(lambda: last.shown == [6])
        last.end()
    assert set(opened) == {f"queue/cpu/{before.ticket.name}", f"runs/{before.folder.name}/lock"}
