"""Whose work was cleared and who has not been told of it yet.

people/cleared.json    id of a student → the batch of the trash that their work went to
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from engine.errors import DamagedError, SettingsError
from engine.files.atomic import write_json
from engine.files.checked import Document, read_document
from engine.files.locks import Lock

LOCK_SECONDS = 10


class ClearedFile(Document):
    """What cleared.json holds."""

    untold: dict[str, str] = {}


class Cleared:
    """The notices of one lab. May be shared by threads and processes."""

    def __init__(self, home: Path) -> None:
        self._file = Path(home) / "people" / "cleared.json"

    def is_untold(self, id: str) -> bool:
        """Whether this student's work was cleared and they have not been told."""
        return id in self._untold()

    def add(self, ids: Collection[str], batch: str) -> None:
        """The work of these students was cleared. Raises SettingsError if that can't be written."""
        if ids:
            self._change(lambda untold: {**untold, **dict.fromkeys(ids, batch)})

    def take_back(self, batch: str) -> None:
        """What went to the trash with this batch is back, so that there is nothing to tell. Raises
        SettingsError.
        """
        if batch in self._untold().values():
            self._change(lambda untold: {id: its for id, its in untold.items() if its != batch})

    def drop(self, ids: Collection[str]) -> None:
        """These students have been told, or are forgotten. Raises SettingsError."""
        if not self._untold().keys().isdisjoint(ids):
            self._change(lambda untold: {id: its for id, its in untold.items() if id not in ids})

    def _change(self, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = Lock.take(self._file.with_name(".cleared"), seconds=LOCK_SECONDS)
        if lock is None:
            raise SettingsError(
                "another process is writing whose work was cleared", hint="Try again."
            )
        with lock:
            write_json(self._file, {"untold": change(self._untold())})

    def _untold(self) -> dict[str, str]:
        if not self._file.exists():  # asked by every page of a class, every few seconds
            return {}
        with suppress(FileNotFoundError, DamagedError):  # no notice is worth a page that fails
            return dict(read_document(self._file, ClearedFile, "Delete it.").untold)
        return {}
