"""How often pads may ask: alone as often as they like, many together no more than can be answered."""

from __future__ import annotations

from app.reading.pace import ACTIVE_SECONDS, MOST_PADS, SHARE, Pace
from app.reading.questions import PADS_OF_PERSON, pad_of
from engine.people.person import Person


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def drawn(pace: Pace, clock: Clock, pads: int, took: float, seconds: float = 4.0) -> None:
    """Pads that ask one after the other, each answered after `took` seconds."""
    end = clock.now + seconds
    while clock.now < end:
        for pad in range(pads):
            with pace.asked(f"pad {pad}"):
                clock.now += took
        clock.now += 0.2


def test_what_pads_are_told_together_takes_a_share_of_the_time():
    clock = Clock()
    pace = Pace(clock)
    assert pace.gap_ms() == 0, "nobody has asked"
    drawn(pace, clock, pads=10, took=0.02)
    gap = pace.gap_ms() / 1000
    assert abs(10 * 0.02 / gap - SHARE) < 0.01, "ten that ask every `gap` seconds"
    drawn(pace, clock, pads=10, took=0.08, seconds=30)
    assert abs(pace.gap_ms() / 1000 / gap - 4) < 0.1, "a machine that has become slower"


def test_one_pad_alone_waits_no_longer_than_it_does_of_itself():
    clock = Clock()
    pace = Pace(clock)
    drawn(pace, clock, pads=1, took=0.02)
    assert pace.gap_ms() <= 3 * 20


def test_who_asks_no_more_is_not_waited_for():
    clock = Clock()
    pace = Pace(clock)
    drawn(pace, clock, pads=20, took=0.01)
    many = pace.gap_ms()
    clock.now += ACTIVE_SECONDS
    with pace.asked("pad 3"):
        clock.now += 0.01
    assert pace.gap_ms() < many / 10


def test_questions_that_wait_together_are_busy_time_once():
    clock = Clock()
    pace = Pace(clock)
    with pace.asked("a"), pace.asked("b"):
        clock.now += 0.1
    assert abs(pace.gap_ms() - 2 * 1000 * 0.1 / 2 / SHARE) < 2


def test_names_of_pads_do_not_pile_up():
    clock = Clock()
    pace = Pace(clock)
    for pad in range(3 * MOST_PADS):
        with pace.asked(str(pad)):
            clock.now += 0.0001
    assert pace.gap_ms() <= 1000 * MOST_PADS * 0.0001 / SHARE + 1


def test_who_does_not_lead_counts_as_a_few_pads_whatever_their_browser_says():
    ada, owner = Person("ada", "Ada", "student"), Person("", "", "owner")
    names = [f"session {number} \ud800" for number in range(200)]
    assert len({pad_of(ada, name) for name in names}) == PADS_OF_PERSON
    assert pad_of(ada, "one") != pad_of(Person("ben", "Ben", "student"), "one")
    assert len({pad_of(owner, name) for name in names}) == 200
