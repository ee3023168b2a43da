"""What `people/class.json` holds, and how it changes when somebody comes or goes."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

from pydantic import Field

from engine.errors import RightsError
from engine.files.checked import Document
from engine.people.lookalikes import look_alike
from engine.runs.times import seconds_between

MOST_STUDENTS = 200
MOST_GONE = 2 * MOST_STUDENTS  # of those who left or were removed, whose names are kept
DAY_SECONDS = 86_400


class Student(Document):
    """One who has joined. id: 16 hexadecimal digits; joined, left: times in ISO 8601, left '' of one who
    was removed; since: when they were let back in, in seconds since 1970; passes made before are void.
    """

    id: str
    name: str
    joined: str = ""
    left: str = ""
    since: int = 0


class Return(Document):
    """Whom a code of `Classroom.back_code` lets back in, and until when, in seconds since 1970."""

    student: str
    until: int


class Assignment(Document):
    """A recipe to be trained and bettered. target: test accuracy to reach, 0..1; words: what the
    teacher says of it.
    """

    recipe: str
    target: float = Field(ge=0, le=1)
    words: str = ""
    given: str = ""


class ClassFile(Document):
    """What class.json holds."""

    code: str
    locked: bool = False
    students: list[Student] = []
    gone: list[Student] = []  # who left or was removed; their names are free
    back: dict[str, Return] = {}  # digest of a code → whom it lets back in, once
    assignment: Assignment | None = None
    ended: int = 0  # when the last lesson ended, in seconds since 1970
    void: dict[str, int] = {}  # digest of a pass that was handed back → when it would have ended


class WrongCodeError(RightsError):
    """Whoever tries to join does not have the code: many of these are guesses."""


def without_spaces(code: str) -> str:
    """A code as it is compared: people type it with capitals, spaces and dashes."""
    return "".join(code.lower().replace("-", " ").split())


def check_room(found: ClassFile, name: str) -> None:
    """Raise RightsError if no student of this name can come in. Who left by themselves today counts
    still: or one could leave and join again for another quota.
    """
    left = sum(
        bool(one.left) and (seconds_between(one.left) or 0) < DAY_SECONDS for one in found.gone
    )
    if len(found.students) + left >= MOST_STUDENTS:
        raise RightsError("the class is full", expected=f"at most {MOST_STUDENTS}")
    taken = next((one.name for one in found.students if look_alike(one.name, name)), None)
    if taken is not None:
        raise RightsError(
            f"somebody is called '{taken}' already",
            hint="Choose another name. If that is you, ask your teacher to let you back in.",
        )


def without(found: ClassFile, ids: Collection[str], left: str = "") -> dict[str, Any]:
    """What changes when these students are no longer in the class. left: when they left by
    themselves.
    """
    out = [one.model_copy(update={"left": left}) for one in found.students if one.id in ids]
    return {
        "students": [one for one in found.students if one.id not in ids],
        "gone": [*found.gone, *out][-MOST_GONE:],
    }


def known_again(found: ClassFile, students: Collection[Student]) -> dict[str, Any]:
    """What changes when students who were forgotten can be let back in again."""
    known = {one.id for one in (*found.students, *found.gone)}
    back = {one.id: one for one in students if one.id not in known}
    return {"gone": [*found.gone, *back.values()][-MOST_GONE:]}


def back_again(found: ClassFile, used: str, name: str) -> dict[str, Any]:
    """What changes when the student of this name comes back by the code with the digest `used`: they are
    the last of the students. Raises RightsError.
    """
    known = {one.id: one for one in (*found.gone, *found.students)}
    ticket = found.back.get(used)
    if ticket is None or ticket.until < time.time() or ticket.student not in known:
        raise RightsError(
            "this code was used or is too old", hint="Ask your teacher for another one."
        )
    student = known[ticket.student]
    if student.name.casefold() != name.casefold():
        raise RightsError(
            "this code is for another name", hint="Write your name as you did before."
        )
    others = [one for one in found.students if one.id != student.id]
    if any(look_alike(one.name, name) for one in others):  # with this code they can choose no other
        raise RightsError(
            f"somebody else is in the class as '{name}'",
            hint="Once they have left, or your teacher has removed them, this code lets you in.",
        )
    check_room(found.model_copy(update={"students": others}), name)
    back = student.model_copy(update={"left": "", "since": int(time.time())})
    return {
        "students": [*others, back],
        "gone": [one for one in found.gone if one.id != student.id],
        "back": {code: one for code, one in found.back.items() if code != used},
    }
