"""What somebody is told who is not in the class any more: what is true of them."""

from __future__ import annotations

import pytest
from hands import drawn, png
from weblab import add_run

from engine.lab import Lab
from engine.settings import read_settings


@pytest.fixture
def lab(tmp_path) -> Lab:
    return Lab(tmp_path, read_settings({"GLYPHLAB_HOME": str(tmp_path), "GLYPHLAB_MODE": "class"}))


NAMES = ("draws", "trains", "nothing", "cleared", "leaves", "removed")


@pytest.fixture
def told(lab):
    """Name → what a student of that name is told now."""
    room = lab.classroom
    people = {name: room.join(room.now().code, name) for name in NAMES}
    shown = {name: room.pass_of(one) for name, one in people.items()}
    for name in ("draws", "cleared", "leaves"):
        lab.for_person(people[name]).drawings.save(png(drawn("7")), "7")
    add_run(lab).write_status(owner=people["trains"].id, by="trains")
    room.leave(shown["leaves"])
    room.send_away(people["removed"].id)
    lab.people = people
    return lambda name: str(room.outside(shown[name]))


FORGOTTEN = (
    "Your name is not on your teacher's list any more: join the next lesson as somebody new."
)


def test_only_those_are_told_that_they_can_come_back_who_can(lab, told):
    assert told("leaves").endswith("Your teacher can let you back in to what you made.")
    assert told("removed").endswith("off its list, and can let you back in.")
    lab.lessons.clear([lab.people["cleared"].id])
    lab.lessons.end()
    for name in ("draws", "trains"):
        assert told(name).endswith(
            "What you made stays with your teacher, who can let you back in to it."
        )
        assert lab.classroom.back_code(lab.people[name].id)
    for name in ("nothing", "cleared", "removed"):
        assert told(name) == f"the lesson has ended. {FORGOTTEN}"
    assert told("leaves").startswith("you have left the class. Your teacher can let you back in to")
    lab.lessons.clear()
    for name in ("draws", "trains"):
        assert told(name).endswith(
            "Your teacher has cleared what you made, and can let you back in."
        )
    lab.lessons.end()
    for name in NAMES:
        assert told(name).endswith(FORGOTTEN)
