"""The class of a lab, and the keys of its doors: who has joined, whether it is locked, what is
assigned. Kept in `home/people`, which only the lab's account may read.

    people/secret      signs passes        people/key    of the owner or teacher, where it was made here
    people/class.json  the join code, the students, the lock, the assignment
    students/<id>/     what a student taught and drew (beside `people`)
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import Field

from engine.errors import GlyphlabError, RightsError, SettingsError
from engine.files.atomic import write_json
from engine.files.cache import FileCache
from engine.files.checked import Document, read_document
from engine.files.locks import Lock
from engine.people.lookalikes import look_alike
from engine.people.passes import Passes, digest, ends_at, secret_in
from engine.people.person import NOBODY, OWNER, TEACHER, Person, checked_name
from engine.runs.run_info import now
from engine.settings import Settings

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
CODE_LENGTH = 8  # 31^8: a thousand guesses a second take 27 years on average (31**8 / 2 / 1000 s)
MOST_STUDENTS = 200
MOST_VOID = 5_000  # passes that were handed back and would still be good
LEADER_ID = "0" * 16


class Student(Document):
    """One who has joined. id: 16 hexadecimal digits; joined: a time in ISO 8601."""

    id: str
    name: str
    joined: str = ""


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
    assignment: Assignment | None = None
    void: dict[str, int] = {}  # digest of a pass that was handed back → when it would have ended


class Classroom:
    """Who may come in, and who has. May be shared by threads and processes."""

    def __init__(self, home: Path, settings: Settings) -> None:
        self.folder = Path(home) / "people"
        self.mode = settings.mode
        self._key = settings.key
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
            raise RightsError("this is not the lab's key")
        return TEACHER if self.mode == "class" else OWNER

    def join(self, code: str, name: str) -> Person:
        """A new student, whose name nobody else of the class has. Raises RightsError."""
        name = checked_name(name)
        wanted = "".join(code.lower().replace("-", " ").split())
        if self.mode != "class":
            raise RightsError("this lab has no class")
        if not hmac.compare_digest(wanted.encode(), self.now().code.encode()):
            raise RightsError("this is not the code of the class", hint="It is on the board.")
        student = Student(id=secrets.token_hex(8), name=name, joined=now())

        def add(found: ClassFile) -> dict[str, Any]:
            if found.locked:
                raise RightsError("the class is locked", hint="Ask your teacher to unlock it.")
            if len(found.students) >= MOST_STUDENTS:
                raise RightsError("the class is full", expected=f"at most {MOST_STUDENTS}")
            taken = next((s.name for s in found.students if look_alike(s.name, name)), None)
            if taken is not None:
                raise RightsError(
                    f"somebody is called '{taken}' already",
                    hint="Choose another name. If that is you, ask your teacher to remove the old one.",
                )
            return {"students": [*found.students, student]}

        self._change(add)
        return Person(student.id, name, "student")

    def visitor(self) -> Person:
        """Somebody new, who is forgotten after the visit."""
        return Person(secrets.token_hex(8), "A visitor", "visitor")

    def pass_of(self, person: Person) -> str:
        """What the person's browser is to show from now on."""
        return self.passes.make(person.role, person.id or LEADER_ID)

    def person_of(self, text: object) -> Person | None:
        """Who shows this pass; None if it is not good, or its student was sent away."""
        found = self.passes.read(text)
        if found is None or self._is_void(str(text)):
            return None
        role, id = found
        if role in ("owner", "teacher"):
            here = self.mode == "class"
            return (TEACHER if here else OWNER) if here == (role == "teacher") else None
        if role == "visitor":
            return Person(id, NOBODY.name, "visitor") if self.mode == "public" else None
        names = {one.id: one.name for one in self.now().students} if self.mode == "class" else {}
        return Person(id, names[id], "student") if id in names else None

    def leave(self, text: object) -> None:
        """Make a pass void that its browser hands back. Raises GlyphlabError if that can't be kept."""
        if self.person_of(text) is None:
            return
        now_seconds, until = int(time.time()), ends_at(str(text))

        def keep(found: ClassFile) -> dict[str, Any]:
            left = {one: end for one, end in found.void.items() if end > now_seconds}
            return {"void": dict([*left.items(), (digest(str(text)), until)][-MOST_VOID:])}

        self._change(keep)

    def _is_void(self, text: str) -> bool:
        with suppress(FileNotFoundError, GlyphlabError):  # whoever leads comes in and mends it
            return digest(text) in self._read.get(self._file).void
        return False

    # leading

    def is_locked_for(self, person: Person) -> bool:
        """Whether the person may only look and draw now. Raises RightsError for a student who was
        sent away.
        """
        if self.mode != "class":
            return False
        found = self.now()
        if person.role == "student" and person.id not in {one.id for one in found.students}:
            raise RightsError(
                "you are not in the class any more", hint="Reload the page to join again."
            )
        return found.locked

    def lock(self, locked: bool) -> None:
        """Have students look and draw only, or let them go on."""
        self._change(lambda found: {"locked": locked})

    def send_away(self, id: str) -> None:
        """Void a student's pass; the name is free again, and what is there stays."""
        self._change(lambda found: {"students": [one for one in found.students if one.id != id]})

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
