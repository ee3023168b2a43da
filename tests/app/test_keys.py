"""Presses of keys while a page is drawn twice at once, as Streamlit does where they come faster than it is
drawn.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from streamlit.runtime.scriptrunner import StopException

from app.widgets.keys import UNDO, Heard, Press

FIRST, SECOND = Press(1, "=7", "a.png", ""), Press(2, "=1", "b.png", "")


def test_a_press_that_is_being_heard_comes_before_the_next():
    heard, order = Heard(), []
    begun, go = threading.Event(), threading.Event()

    def slowly(press: Press) -> None:  # as where a busy disk keeps it
        begun.set()
        assert go.wait(900)
        order.append(press)

    with ThreadPoolExecutor(2) as drawings:
        first = drawings.submit(heard.of, [FIRST], slowly)
        assert begun.wait(900)
        second = drawings.submit(heard.of, [FIRST, SECOND], order.append)
        assert not order, "the second waits"
        go.set()
        first.result(), second.result()
    assert order == [FIRST, SECOND] and heard.number == 2


def test_a_press_whose_drawing_was_stopped_is_heard_in_the_next():
    heard, order = Heard(), []

    def stopped(press: Press) -> None:
        raise StopException

    with pytest.raises(StopException):
        heard.of([FIRST], stopped)
    heard.of([FIRST, SECOND], order.append)
    heard.of([FIRST, SECOND], order.append)
    assert order == [FIRST, SECOND]


def test_what_takes_back_takes_back_once_also_where_its_drawing_was_stopped():
    heard, order = Heard(), []

    def stopped(press: Press) -> None:
        order.append(press)
        raise StopException

    undo = Press(3, UNDO, "", "")
    with pytest.raises(StopException):
        heard.of([undo], stopped)
    heard.of([undo], order.append)
    assert order == [undo]


def test_a_press_that_fails_is_not_tried_for_ever():
    heard = Heard()

    def fails(press: Press) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        heard.of([FIRST], fails)
    heard.of([FIRST], fails)
