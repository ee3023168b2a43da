"""Health is answered at once, however long it takes to find out."""

from __future__ import annotations

import asyncio
import threading

import pytest
from own_loop import run
from waiting import PATIENCE_SECONDS

from app.pulse import Pulse


class Slow:
    """Says how often it was asked, when it is let."""

    def __init__(self) -> None:
        self.asked, self.go = 0, threading.Event()

    def __call__(self) -> dict[str, int]:
        self.go.wait(PATIENCE_SECONDS)
        self.asked += 1
        return {"asked": self.asked}


def test_while_nothing_holds_it_up_every_answer_is_new():
    slow = Slow()
    slow.go.set()

    async def twice() -> list[dict]:
        pulse = Pulse(slow, PATIENCE_SECONDS)  # a busy machine holds everything up
        return [await pulse.read(), await pulse.read()]

    assert run(twice()) == [{"asked": 1}, {"asked": 2}]


def test_whoever_asks_while_it_is_slow_gets_the_last_answer_and_asks_no_second_time():
    slow = Slow()

    async def story() -> None:
        pulse = Pulse(slow)
        slow.go.set()
        assert await pulse.read() == {"asked": 1}
        slow.go.clear()
        answers = await asyncio.wait_for(
            asyncio.gather(*(pulse.read() for _ in range(50))), PATIENCE_SECONDS
        )
        assert answers == [{"asked": 1}] * 50
        slow.go.set()
        while (answer := await pulse.read()) == {"asked": 1}:
            pass
        assert answer == {"asked": 2}  # one question for the fifty

    run(story())


def test_an_error_is_raised_and_the_next_question_is_asked_anew():
    answers = iter([ZeroDivisionError("once"), {"well": True}])

    def health() -> dict:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def story() -> None:
        pulse = Pulse(health)
        with pytest.raises(ZeroDivisionError):
            await pulse.read()
        assert await pulse.read() == {"well": True}

    run(story())


def test_whoever_comes_first_has_the_answer_of_the_start_to_fall_back_on():
    slow = Slow()

    async def story() -> None:
        pulse = Pulse(slow)
        slow.go.set()
        await pulse.begin()
        slow.go.clear()
        assert await asyncio.wait_for(pulse.read(), PATIENCE_SECONDS) == {"asked": 1}
        slow.go.set()

    run(story())


def test_a_slow_or_failing_first_answer_holds_up_no_start():
    slow = Slow()

    def failing() -> dict:
        raise ZeroDivisionError

    async def story() -> None:
        pulse = Pulse(slow)
        await asyncio.wait_for(pulse.begin(patience=0.01), PATIENCE_SECONDS)
        slow.go.set()
        assert await pulse.read() == {"asked": 1}, "the same question, which goes on"
        await Pulse(failing).begin()

    run(story())
