"""Page scripts take turns."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from waiting import PATIENCE_SECONDS, wait_until

from app.turns import AT_ONCE, turn


def test_only_a_few_scripts_run_at_once_and_all_come_to_their_turn():
    running, most, lock, go = 0, 0, threading.Lock(), threading.Event()

    def script() -> bool:
        nonlocal running, most
        with turn(PATIENCE_SECONDS) as taken:
            with lock:
                running += 1
                most = max(most, running)
            go.wait(PATIENCE_SECONDS)
            with lock:
                running -= 1
        return taken

    with ThreadPoolExecutor(12) as pool:
        scripts = [pool.submit(script) for _ in range(12)]
        wait_until(lambda: running == AT_ONCE)
        go.set()
        assert all(done.result() for done in scripts) and most == AT_ONCE


def test_a_script_goes_on_without_a_turn_when_it_has_waited_long_and_a_failed_one_gives_its_back():
    for _ in range(2 * AT_ONCE):
        try:
            with turn(0) as taken:
                assert taken
                raise ValueError
        except ValueError:
            pass
    turns = [turn(0) for _ in range(AT_ONCE)]
    for held in turns:
        held.__enter__()
    with turn(0.01) as taken:
        assert not taken
    for held in turns:
        held.__exit__(None, None, None)
    with turn(0) as taken:
        assert taken
