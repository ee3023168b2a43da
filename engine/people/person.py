"""Who asks: a person with a role. The command line, notebooks and a lab of one's own have the owner."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.errors import RightsError
from engine.files.trash import STUDENTS, VISITS
from engine.people.lookalikes import look_alike
from engine.runs.run_info import VISIT

Role = Literal["owner", "teacher", "student", "visitor"]
LEADERS = ("owner", "teacher")  # who may do everything
LONGEST_NAME = 30
FOLDERS = {"student": STUDENTS, "visitor": VISITS}  # in the home; a folder for each person
# What takes no room or is not seen although Python calls it printable (Unicode's
# Default_Ignorable_Code_Point, blank braille), and the colon, which pages read as the name of an icon.
INVISIBLE = re.compile(
    "[:\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
PILED = re.compile("mmm")  # three marks on one letter reach into the line above
ALIKE = {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC"}  # share forms of letters
RESERVED = {"the teacher", "teacher", "the owner", "owner", "a visitor", "visitor"}
ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Person:
    """id: 16 hexadecimal digits of a student or visitor, '' of those who have nothing of their own;
    name: what others see.
    """

    id: str
    name: str
    role: Role

    @property
    def mark(self) -> str:
        """What runs and other things that are this person's own are marked with; '' of who leads."""
        return VISIT + self.id if self.role == "visitor" and self.id else self.id

    @property
    def leads(self) -> bool:
        return self.role in LEADERS


OWNER = Person("", "", "owner")
TEACHER = Person("", "The teacher", "teacher")
NOBODY = Person("", "A visitor", "visitor")  # whose browser keeps no cookie


def own_folder(home: Path, person: Person) -> Path:
    """Where what a person taught and drew is kept: of those who lead, in the lab's home itself.
    Raises RightsError for somebody who has nothing of their own.
    """
    if person.leads:
        return home
    if not ID.fullmatch(person.id):
        raise RightsError(
            "the lab can't tell who you are",
            hint="Allow the lab's cookie in your browser and reload the page.",
        )
    return home / FOLDERS[person.role] / person.id


def checked_name(name: str) -> str:
    """A person's name as others are to see it: in one form, without what nobody sees, and none that looks
    like another's by letters of a second alphabet. Raises RightsError.
    """
    name = " ".join(unicodedata.normalize("NFKC", name).split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise RightsError(
            "this name can't be used",
            expected=f"1 to {LONGEST_NAME} characters",
            got=repr(name[:LONGEST_NAME]),
        )
    alphabets = {unicodedata.name(letter, "?").split()[0] for letter in name if letter.isalpha()}
    if INVISIBLE.search(name) or PILED.search(marks_of(name)) or len(alphabets & ALIKE) > 1:
        raise RightsError(
            "this name can't be used",
            expected="letters of one alphabet, digits and spaces, all of them to be seen",
        )
    if any(look_alike(name, one) for one in RESERVED):
        raise RightsError("this name is somebody else's", hint="Choose another name.")
    return name


def marks_of(name: str) -> str:
    """'m' for each combining mark of a name, '.' for each other character."""
    return "".join("m" if unicodedata.combining(one) else "." for one in name)
