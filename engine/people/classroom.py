"""The class of a lab, and the keys of its doors: who has joined, whether it is locked, what is
assigned. Kept in `home/people`, which only the lab's account may read.

    people/secret      signs passes        people/key    of the owner or teacher, where it was made here
    people/class.json  the join code, the students, those who left, the lock, the assignment
    students/<id>/     what a student taught and drew (beside `people`)
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from engine.errors import GlyphlabError, OutsideError, RightsError, SettingsError
from engine.files.atomic import write_json
from engine.files.cache import FileCache
from engine.files.checked import read_document
from engine.files.locks import Lock
from engine.people.class_file import (
    Assignment,
    ClassFile,
    Return,
    Student,
    WrongCodeError,
    back_again,
    check_room,
    known_again,
    without,
    without_spaces,
)
from engine.people.outside import outside_error
from engine.people.passes import Passes, digest, ends_at, ids_of_owners, made_at, secret_in
from engine.people.person import NOBODY, OWNER, TEACHER, Person, checked_name
from engine.people.work import with_work
from engine.runs.times import now
from engine.settings import Settings

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
CODE_LENGTH = 8  # 31^8: a thousand guesses a second take 27 years on average (31**8 / 2 / 1000 s)
MOST_VOID = 5_000  # passes that were handed back and would still be good
BACK_SECONDS = 600  # a code by which one student comes back is read out and typed at once
LESSON_SECONDS = 7_200  # the codes of a whole class, which are printed before the lesson
LEADER_ID = "0" * 16


class Classroom:
    """Who may come in, and who has. May be shared by threads and processes."""

    def __init__(self, home: Path, settings: Settings) -> None:
        self.folder = Path(home) / "people"
        self.mode = settings.mode
        self._key, self._signed_in = settings.key, ids_of_owners(settings)
        self._file = self.folder / "class.json"
        self._read = FileCache(
            lambda path: read_document(path, ClassFile, f"Delete {path} to begin a new class."), 1
        )

    @property
    def key(self) -> str:
        """What the owner or teacher shows at the door; '' where nobody is asked. Raises
        SettingsError.
        """
        wanted = self._key or ("auto" if self.mode != "own" else "")
        return secret_in(self.folder, "key") if wanted == "auto" else wanted

    @property
    def passes(self) -> Passes:
        key = self.key
        return Passes(secret_in(self.folder, "secret"), {"owner": key, "teacher": key})

    def now(self) -> ClassFile:
        """The class as it is. Raises GlyphlabError if its file is damaged."""
        with suppress(FileNotFoundError):
            return self._read.get(self._file)
        return self._change(lambda found: {})

    # coming in

    def enter(self, key: str) -> Person:
        """The one who shows the key: the teacher of a class, else the owner. Raises RightsError."""
        if not self.key or not hmac.compare_digest(key.encode(), self.key.encode()):
            raise RightsError(
                "this is not the lab's key", hint="It was printed where the lab was started."
            )
        return self.leader

    @property
    def leader(self) -> Person:
        """The teacher of a class, else the owner."""
        return TEACHER if self.mode == "class" else OWNER

    def join(self, code: str, name: str) -> Person:
        """A new student, whose name nobody else of the class has; by a code of `back_code`, the
        student of that name whom it lets back in. Raises RightsError: a WrongCodeError only if the code
        is not the class's.
        """
        name, wanted = checked_name(name), without_spaces(code)
        if self.mode != "class":
            raise RightsError("this lab has no class")
        if digest(wanted) in self.now().back:
            return self._come_back(digest(wanted), name)
        if not self.is_code(code):
            raise WrongCodeError("this is not the code of the class", hint="It is on the board.")
        student = Student(id=secrets.token_hex(8), name=name, joined=now())

        def add(found: ClassFile) -> dict[str, Any]:
            if found.locked:
                raise RightsError("the class is locked", hint="Ask your teacher to unlock it.")
            check_room(found, name)
            return {"students": [*found.students, student]}

        self._change(add)
        return Person(student.id, name, "student")

    def is_code(self, code: str) -> bool:
        """Whether this is the code of the class, as somebody has typed it."""
        return hmac.compare_digest(without_spaces(code).encode(), self.now().code.encode())

    def _come_back(self, used: str, name: str) -> Person:
        """The student whom a code lets back in, also while the class is locked. used: its digest."""
        student = self._change(partial(back_again, used=used, name=name)).students[-1]
        return Person(student.id, student.name, "student")

    def visitor(self) -> Person:
        """Somebody new, who is forgotten after the visit."""
        return Person(secrets.token_hex(8), "A visitor", "visitor")

    def pass_of(self, person: Person, known_as: str = "") -> str:
        """What the person's browser is to show from now on. known_as: the entry of GLYPHLAB_OWNERS by
        which whoever leads has signed in; '' after the key.
        """
        leader = self._signed_in[known_as] if known_as else LEADER_ID
        return self.passes.make(person.role, person.id or leader)

    def person_of(self, text: object) -> Person | None:
        """Who shows this pass; None if it is not good, or its student was sent away."""
        found = self.passes.read(text)
        if found is None or self._is_void(str(text)):
            return None
        role, id = found
        if role in ("owner", "teacher"):
            still = id in (LEADER_ID, *self._signed_in.values())
            return self.leader if still and role == self.leader.role else None
        if role == "visitor":
            return Person(id, NOBODY.name, "visitor") if self.mode == "public" else None
        students = {one.id: one for one in self.now().students} if self.mode == "class" else {}
        if id not in students or made_at(str(text), role) < students[id].since:
            return None
        return Person(id, students[id].name, "student")

    def outside(self, text: object) -> OutsideError:
        """What to raise for whoever shows a pass by which nobody is in the class: why, and what to do."""
        found = self.passes.read(text)
        if found is None or found[0] != "student":
            return outside_error("unknown")
        (_, id), now_here = found, self.now()
        if self._is_void(str(text)):
            why = "left"
        elif id in {one.id for one in now_here.students}:
            return outside_error("elsewhere")
        else:
            why = "ended" if made_at(str(text), "student") <= now_here.ended else "removed"
        return outside_error(why, self.knows(id), bool(with_work(self.folder.parent, [id])))

    def knows(self, id: str) -> bool:
        """Whether the class has the name of this student, who is or was in it."""
        found = self.now()
        return any(one.id == id for one in (*found.students, *found.gone))

    def leave(self, text: object) -> None:
        """Make a pass void that its browser hands back; the name of a student who leaves is free again.
        Raises GlyphlabError if that can't be kept.
        """
        if (person := self.person_of(text)) is None:
            return
        now_seconds, until = int(time.time()), ends_at(str(text))

        def keep(found: ClassFile) -> dict[str, Any]:
            left = {one: end for one, end in found.void.items() if end > now_seconds}
            void = dict([*left.items(), (digest(str(text)), until)][-MOST_VOID:])
            return {"void": void, **without(found, {person.id}, left=now())}

        self._change(keep)

    def _is_void(self, text: str) -> bool:
        with suppress(FileNotFoundError, GlyphlabError):  # whoever leads comes in and mends it
            return digest(text) in self._read.get(self._file).void
        return False

    # leading

    def is_locked_for(self, person: Person) -> bool:
        """Whether the person may only look and draw now. Raises OutsideError for a student who is
        not in the class any more.
        """
        if self.mode != "class":
            return False
        found = self.now()
        if person.role == "student" and person.id not in {one.id for one in found.students}:
            raise outside_error("unknown")
        return found.locked

    def lock(self, locked: bool) -> None:
        """Have students look and draw only, or let them go on."""
        self._change(lambda found: {"locked": locked})

    def send_away(self, id: str) -> None:
        """Void a student's pass; the name is free again, and what is there stays."""
        self._change(lambda found: without(found, {id}))

    def back_code(self, id: str) -> str:
        """A code by which a student who lost the cookie, left or was removed comes back to what they
        made: once, within BACK_SECONDS; it replaces an earlier one. Raises RightsError for somebody
        unknown.
        """
        code = _code()

        def give(found: ClassFile) -> dict[str, Any]:
            if id not in {one.id for one in (*found.students, *found.gone)}:
                raise RightsError("this student is not known any more", hint="They can join again.")
            good = {
                key: one
                for key, one in found.back.items()
                if one.student != id and one.until >= time.time()
            }
            until = int(time.time()) + BACK_SECONDS
            return {"back": {**good, digest(code): Return(student=id, until=until)}}

        self._change(give)
        return code

    def back_codes(self) -> list[tuple[Student, str]]:
        """A code for everybody who is or was in the class, by name: each is good once, for the student
        it is made for, within LESSON_SECONDS. They replace all earlier ones.
        """
        made: list[tuple[Student, str]] = []

        def give(found: ClassFile) -> dict[str, Any]:
            everybody = sorted((*found.students, *found.gone), key=lambda one: one.name.casefold())
            made[:] = [(student, _code()) for student in everybody]
            until = int(time.time()) + LESSON_SECONDS
            return {"back": {digest(c): Return(student=one.id, until=until) for one, c in made}}

        self._change(give)
        return made

    def may_come_back(self, id: str, code: str = "") -> bool:
        """Whether a code of `back_code` is good for this student now: `code`, or any if it is ''."""
        back, now_seconds = self.now().back, time.time()
        good = {key: one.student for key, one in back.items() if one.until >= now_seconds}
        return good.get(digest(code)) == id if code else id in good.values()

    def dismiss(self, keep: Collection[str]) -> None:
        """Send all students away and make another join code. keep: ids of those who can be let back in;
        the names of all others are forgotten.
        """

        def change(found: ClassFile) -> dict[str, Any]:
            sent = without(found, {one.id for one in found.students})
            gone = [one for one in sent["gone"] if one.id in keep]
            ended = int(time.time())
            return {"students": [], "gone": gone, "back": {}, "code": _code(), "ended": ended}

        self._change(change)

    def know_again(self, students: Collection[Student]) -> None:
        """Put students who were forgotten on the list of those who can be let back in."""
        self._change(partial(known_again, students=students))

    def new_code(self) -> str:
        """Another join code; who has joined stays."""
        return self._change(lambda found: {"code": _code()}).code

    def assign(self, assignment: Assignment | None) -> None:
        """Hand out a recipe, or take the assignment back."""
        self._change(lambda found: {"assignment": assignment})

    def _change(self, change: Callable[[ClassFile], dict[str, Any]]) -> ClassFile:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = Lock.take(self.folder / ".lock", seconds=10)
        if lock is None:
            raise SettingsError("another process is changing the class", hint="Try again.")
        with lock:
            try:
                found = self._read.get(self._file)
            except FileNotFoundError:
                found = ClassFile(code=_code())
            found = found.model_copy(update=change(found))
            write_json(self._file, found.model_dump(mode="json"))
            return found


def _code() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH))
