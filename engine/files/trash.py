"""What was deleted, for a while: folders and files of the home, moved aside whole, to be put back.

    trash/20260102T030405-run-k3f9a2/    about.json  and the deleted thing under its own name

An entry is thrown away after a week, the oldest ones earlier while the disk is short, and so are the
oldest of a kind that anybody can make and delete without end. What visitors made is not kept at all.
"""

from __future__ import annotations

import re
import secrets
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path, PurePath, PurePosixPath

from engine.errors import DamagedError, RunError
from engine.files.atomic import failure, make_folder, write_json
from engine.files.checked import Document, parse_json, read_document

KEPT_SECONDS = 7 * 86_400
MOST = {"drawing": 200, "symbol": 200}  # entries of a kind, of one person
STUDENTS = "students"  # in the home: a folder for each; nobody's deletions push out another's
NAME = "name"  # kind of an entry: of a student, beside what they made
VISITS = "visits"  # in the home: what visitors of a public lab made
SHORT_BYTES = (
    1_000_000_000  # free bytes below which the disk counts as short: a small data set's size
)
_ID = re.compile(r"[0-9]{8}T[0-9]{6}-[a-z]+-[0-9a-f]{6}")


class Deleted(Document):
    """An entry. kind: run, model, symbol …; name: what people call it; place: where it was, below the
    home; batch: what was deleted together has one; at: seconds since 1970.
    """

    id: str = ""
    kind: str
    name: str
    place: str
    batch: str = ""
    at: float = 0.0


class Trash:
    """The trash of the lab at `home`. free: asked for the free bytes of its disk."""

    def __init__(self, home: Path, free: Callable[[Path], int] | None = None) -> None:
        self.home = Path(home)
        self.folder = self.home / "trash"
        self._free = free or (lambda path: shutil.disk_usage(path).free)

    def put(self, path: Path, kind: str, name: str, batch: str = "", at: float = 0.0) -> Deleted:
        """Move a file or folder of the home here. at: when it counts as deleted, in seconds since 1970;
        0: now. Raises GlyphlabError if that can't be done; then
        nothing is changed.
        """
        self.sweep()
        if path.is_relative_to(self.home / VISITS):
            return _removed(path, kind, name)
        same = sorted(self._folders(kind)) if kind in MOST else []
        if len(same) >= MOST.get(kind, 1):  # or nobody's can be too many, and none is looked into
            whose = _whose(path.relative_to(self.home))
            for folder in [one for one in same if self._is_of(one, whose)][: 1 - MOST[kind]]:
                _gone(folder)
        at = at or time.time()
        id = f"{_stamp(at)}-{kind}-{secrets.token_hex(3)}"
        entry = Deleted(
            id=id,
            kind=kind,
            name=name,
            place=path.relative_to(self.home).as_posix(),
            batch=batch or id,
            at=at,
        )
        try:
            make_folder(self.folder / id)
            write_json(self.folder / id / "about.json", entry.model_dump())
            path.rename(self.folder / id / path.name)
        except OSError as error:
            shutil.rmtree(self.folder / id, ignore_errors=True)
            if not path.exists():  # somebody else was faster
                raise RunError(f"{kind} '{name}' is not there any more") from None
            raise failure(error, path) from error
        return entry

    def entries(self) -> list[Deleted]:
        """What can be put back, newest first."""
        out = []
        for folder in self._folders():
            with suppress(DamagedError):
                entry = read_document(folder / "about.json", Deleted, "Delete the folder.")
                place = PurePosixPath(entry.place)
                inside = not place.is_absolute() and ".." not in place.parts and place.name
                if inside and (folder / place.name).exists():
                    out.append(entry.model_copy(update={"id": folder.name}))
        return sorted(out, key=lambda entry: entry.at, reverse=True)

    def restore(self, id: str) -> list[Deleted]:
        """Put an entry back where it was, with all of its batch; returns what was put back. Raises
        RunError if there is no such entry, or something else stands in a place.
        """
        entries = self.entries()
        batch = {entry.batch for entry in entries if id in (entry.id, entry.batch)}
        found = [entry for entry in entries if entry.batch in batch]
        if not found:
            raise RunError(f"'{id}' is not in the trash", hint="It may have been deleted for good.")
        for entry in found:
            if (self.home / entry.place).exists() or self._is_taught(entry):
                raise RunError(
                    f"{entry.kind} '{entry.name}' can't be restored: there is another of this name",
                    got=entry.place,
                    hint="Delete or rename that one first.",
                )
        for entry in found:
            place = self.home / entry.place
            try:
                make_folder(place.parent)
                (self.folder / entry.id / place.name).rename(place)
            except FileNotFoundError:
                raise RunError(
                    f"{entry.kind} '{entry.name}' is not in the trash any more"
                ) from None
            except OSError as error:
                raise failure(error, place) from error
            shutil.rmtree(self.folder / entry.id, ignore_errors=True)
        return found

    def _is_taught(self, entry: Deleted) -> bool:
        """Whether a symbol's name was taught anew since it was deleted, in another folder."""
        if entry.kind != "symbol":
            return False
        for path in (self.home / entry.place).parent.glob("*/symbol.json"):
            with suppress(OSError, ValueError, AttributeError):
                if parse_json(path.read_bytes()).get("name") == entry.name:
                    return True
        return False

    def empty(self) -> int:
        """Throw everything away; returns how many entries that were."""
        return sum(map(_gone, self._folders()))

    def sweep(self) -> None:
        """Throw away what is older than a week, and the oldest while the disk is short."""
        folders = sorted(self._folders())  # by time
        before = _stamp(time.time() - KEPT_SECONDS)
        old = [folder for folder in folders if folder.name < before]
        for folder in old:
            _gone(folder)
        for folder in folders[len(old) :]:
            if self._free(self.home) >= SHORT_BYTES:
                return
            _gone(folder)

    def _is_of(self, folder: Path, whose: str) -> bool:
        """Whether an entry lay in this person's folder; one that can't be read is everybody's."""
        try:
            place = read_document(folder / "about.json", Deleted, "Delete the folder.").place
        except (DamagedError, FileNotFoundError):
            return True
        return _whose(PurePosixPath(place)) == whose

    def _folders(self, kind: str = "") -> list[Path]:
        """The entries' folders, of one kind; by name they are sorted by time."""
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        return [
            path
            for path in found
            if _ID.fullmatch(path.name) and (not kind or f"-{kind}-" in path.name)
        ]


def _whose(place: PurePath) -> str:
    """The person below whose folder a place of the home lies; '' of the lab's own."""
    return place.parts[1] if len(place.parts) > 1 and place.parts[0] == STUDENTS else ""


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%dT%H%M%S")


def _removed(path: Path, kind: str, name: str) -> Deleted:
    try:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    except OSError as error:
        raise failure(error, path) from error
    return Deleted(kind=kind, name=name, place="", at=time.time())


def _gone(folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()
