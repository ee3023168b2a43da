"""The codes by which single students come back, as pages of this process made them: a class keeps only their
digests, and a page that is loaded again is to tell them still. Kept in memory only.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.people.class_file import Student


class LetIn(NamedTuple):
    """The code by which a student comes back. again: whether it voids one that was good till then."""

    name: str
    code: str
    again: bool


_made: dict[Path, dict[str, LetIn]] = {}  # home of a lab → id of a student


def make(lab: Lab, student: Student) -> None:
    """A new code for one student, in the place of an earlier one. Raises RightsError."""
    again = lab.classroom.may_come_back(student.id)
    code = lab.classroom.back_code(student.id)
    _made.setdefault(lab.home, {})[student.id] = LetIn(student.name, code, again)


def good(lab: Lab) -> dict[str, LetIn]:
    """Those that are still good, by the student's id. The others are forgotten: their student is back, their
    time is over, or a newer one was made elsewhere.
    """
    made = _made.get(lab.home, {})
    for id, back in list(made.items()):
        if not lab.classroom.may_come_back(id, back.code):
            made.pop(id, None)
    return dict(made)
