"""What visitors send to the canvas: a folder that belongs to this process alone, and the only place
where a path that came over the network becomes a file.

Gradio copies and serves any file that a request names: its own check of the path is off where it is
mounted in another application (see docs/gradio-report.md). So every path is compared with this
folder before Gradio sees it.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from engine.errors import DataError, ImageError
from engine.files.locks import Lock, is_locked

ROOM = 4  # uploads of the largest size that the folder holds
OWN_ROOM = 2  # of them of one person
MOST_FILES, MOST_OWN_FILES = 4000, 1000  # however small: a disk also runs out of names
KEPT_BY_GRADIO = "gradio"  # whose copies of what it was handed count as one person's
OWN_DIGITS = 20  # of the name of a person's folder; Gradio's own have 64


class _Held(NamedTuple):
    modified: float
    size: int
    path: Path


class Received:
    """The folder of a process: `folder` holds what was sent, a folder for each person; the lock beside it
    says that its owner lives.

    A person is any text by which one is told from others. What a person sent has a name, which says
    nothing of where it lies, and which is a file for that person only.
    """

    def __init__(self, home: Path, upload_bytes: int) -> None:
        parent = home / "received"
        try:
            parent.mkdir(parents=True, exist_ok=True)
            _forget_the_dead(parent)
            place = parent / f"{os.getpid()}-{secrets.token_hex(8)}"
            place.mkdir(mode=0o700)
        except OSError as error:
            raise DataError(f"{parent} can't be written", got=error.strerror) from None
        self._lock = Lock.take(place / "lock")
        self.folder = (place / "files").resolve()
        self.folder.mkdir(mode=0o700)
        self.most_bytes, self._key = upload_bytes, secrets.token_bytes(16)

    def file(self, name: object, person: str) -> Path:
        """The file of that name that this person sent or was given. Raises ImageError unless it lies in
        the person's folder, links resolved, and is a plain file: nothing else is even looked at.
        """
        refused = ImageError(
            "this is not a file that was sent to the lab", hint="Upload it first, then name it."
        )
        if not isinstance(name, str) or "\0" in name or len(name) > 4096:
            raise refused
        own = self._own(person)
        inside = Path(os.path.normpath(self.folder / name))
        if os.path.isabs(name) or not inside.is_relative_to(own):
            raise refused
        try:
            found = inside.resolve(strict=True)
            plain = stat.S_ISREG(found.stat().st_mode)
        except (OSError, RuntimeError):
            raise refused from None
        if not plain or not found.is_relative_to(own):
            raise refused
        return found

    def place(self, person: str, size: int | None) -> Path:
        """A new folder for what a person sends, `size` bytes; None: as many as may be sent. Raises
        OSError.
        """
        self.make_room(person, self.most_bytes if size is None else size)
        place = self._own(person) / secrets.token_hex(8)
        place.mkdir(parents=True, mode=0o700)
        return place

    def name(self, path: Path) -> str:
        """The name by which the person whose it is may have a file in the folder."""
        return path.relative_to(self.folder).as_posix()

    def given(self, path: str, person: str) -> str:
        """Make a file in the folder, which is handed to a person, theirs; returns its name. Raises
        OSError.
        """
        found = Path(path)
        if not found.is_relative_to(self._own(person)):
            kept = self.place(person, found.stat().st_size) / found.name
            found = found.rename(kept)
        return self.name(found)

    def make_room(self, person: str, size: int) -> None:
        """Delete the oldest files until one more of `size` bytes fits: the person's own where these are
        more than one may have, else those of whoever holds most.
        """
        held = self._held()
        own = held.setdefault(self._own(person).name, [])
        while own and _is_full(own, size, OWN_ROOM * self.most_bytes, MOST_OWN_FILES):
            self._delete(own)
        while True:
            every = [one for each in held.values() for one in each]
            if not every or not _is_full(every, size, ROOM * self.most_bytes, MOST_FILES):
                return
            by_files = len(every) >= MOST_FILES
            self._delete(
                max(held.values(), key=lambda each: len(each) if by_files else _size_of(each))
            )

    def _held(self) -> dict[str, list[_Held]]:
        """The files of each person's folder, the oldest first."""
        held: dict[str, list[_Held]] = {}
        for place in list(self.folder.iterdir()):
            is_own = len(place.name) == OWN_DIGITS
            files = held.setdefault(place.name if is_own else KEPT_BY_GRADIO, [])
            for path in (place, *place.rglob("*")):
                with suppress(OSError):
                    found = path.lstat()
                    if stat.S_ISREG(found.st_mode):
                        files.append(_Held(found.st_mtime, found.st_size, path))
        for files in held.values():
            files.sort()
        return held

    def _delete(self, files: list[_Held]) -> None:
        """Delete the first of them, and its folders unless more lies there."""
        path = files.pop(0).path
        with suppress(OSError):
            path.unlink()
            for folder in path.parents:
                if folder == self.folder:
                    break
                folder.rmdir()

    def _own(self, person: str) -> Path:
        digest = hashlib.blake2b(person.encode(), key=self._key, digest_size=OWN_DIGITS // 2)
        return self.folder / digest.hexdigest()

    def remove(self) -> None:
        """Delete the folder with all it holds."""
        shutil.rmtree(self.folder.parent, ignore_errors=True)
        if self._lock is not None:
            self._lock.release()


def _is_full(files: list[_Held], size: int, most_bytes: int, most_files: int) -> bool:
    return _size_of(files) + size > most_bytes or len(files) >= most_files


def _size_of(files: list[_Held]) -> int:
    return sum(one.size for one in files)


def _forget_the_dead(parent: Path) -> None:
    """Delete the folders of processes that were killed."""
    for place in parent.iterdir():
        if place.is_dir() and not is_locked(place / "lock"):
            shutil.rmtree(place, ignore_errors=True)
