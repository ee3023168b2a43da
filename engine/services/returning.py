"""The names of students whose work is in the trash when they are forgotten: a name goes into the trash
with the work, and comes back with it.

    people/returning/<batch>-<id>.json    a student, while the lab has not put them on the list again
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from engine.errors import DamagedError, SettingsError
from engine.files.atomic import make_folder, read_json, write_json
from engine.files.checked import read_document
from engine.files.locks import Lock
from engine.files.trash import NAME, STUDENTS, Deleted, Trash
from engine.people.class_file import Student
from engine.people.classroom import Classroom

LOCK_SECONDS = 10


def put_aside(
    trash: Trash, students: Collection[Student], stopping: Sequence[tuple[str, str]] = ()
) -> None:
    """Put the names of those of these students into the trash of whom something is there, as part of the
    same batches and for as long. stopping: (owner, batch) of runs that are still to go there. Raises
    GlyphlabError.
    """
    known = {one.id: one for one in students}
    batches = {(id, batch): 0.0 for id, batch in stopping if id in known}
    for entry in trash.entries():
        if (id := _owner(trash, entry)) in known:
            batches[id, entry.batch] = entry.at
    with _lock(trash.home):
        for (id, batch), at in batches.items():
            file = _folder(trash.home) / f"{batch}-{id}.json"
            make_folder(file.parent)
            write_json(file, known[id].model_dump())
            trash.put(file, NAME, known[id].name, batch, at)


def take_back(home: Path, classroom: Classroom) -> None:
    """Put those whose names are back from the trash on the list of who was in the class. Raises
    GlyphlabError.
    """
    if not any(_folder(home).glob("*.json")):  # asked every few seconds
        return
    with _lock(home):
        back: Mapping[Path, Student | None] = {
            file: _read(file) for file in _folder(home).glob("*.json")
        }
        classroom.know_again([one for one in back.values() if one is not None])
        for file in back:
            file.unlink(missing_ok=True)


def _owner(trash: Trash, entry: Deleted) -> str:
    """Id of the student whose work an entry is; '' of any other."""
    parts = Path(entry.place).parts
    if len(parts) > 1 and parts[0] == STUDENTS:
        return parts[1]
    if entry.kind != "run":
        return ""
    status = read_json(trash.folder / entry.id / Path(entry.place).name / "status.json")
    return str(status.get("owner") or "") if isinstance(status, dict) else ""


def _read(file: Path) -> Student | None:
    with suppress(DamagedError, FileNotFoundError):
        return read_document(file, Student, "Delete it.")
    return None


def _folder(home: Path) -> Path:
    return home / "people" / "returning"


def _lock(home: Path) -> Lock:
    make_folder(home / "people")
    lock = Lock.take(home / "people" / ".returning", seconds=LOCK_SECONDS)
    if lock is None:
        raise SettingsError("another process is writing who is forgotten", hint="Try again.")
    return lock
