"""Clearing what students made: into the trash, at once or, of a run that is alive, when it has stopped.

    people/clearing.json    runs that are to be cleared, and as part of which batch of the trash

The file is written before anything is moved, and a run is struck off when it is in the trash: whatever
ends in between, the lab's process goes on with it (app.server).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import GlyphlabError, RunError, SettingsError
from engine.files.atomic import write_json
from engine.files.checked import Document, read_document
from engine.files.locks import Lock
from engine.people.person import FOLDERS
from engine.people.request_log import forget_requests

if TYPE_CHECKING:
    from engine.files.trash import Deleted
    from engine.jobs.launcher import Launcher
    from engine.people.class_file import Student
    from engine.store.store import Store

LOCK_SECONDS = 10


class ClearingFile(Document):
    """What clearing.json holds. runs: id of a run → the batch that it goes to the trash with."""

    runs: dict[str, str] = {}


class Clearing:
    """Of one lab. May be shared by threads and processes."""

    def __init__(self, store: Store, launcher: Launcher) -> None:
        self.store, self.launcher = store, launcher
        self._file = store.home / "people" / "clearing.json"

    def begin(self, runs: Sequence[str], students: Sequence[Student]) -> tuple[str, int]:
        """Clear these runs, and all else of these students, whose requests are forgotten as well; returns
        the batch ('' if there was nothing), and how many runs are stopping and follow by themselves.
        """
        batch, moved = f"clear-{secrets.token_hex(6)}", False
        with self._lock():
            if runs:
                wanted = dict.fromkeys(runs, batch)
                write_json(self._file, {"runs": {**self._waiting(), **wanted}})
                self._go_on()
            left = list(self._waiting().values()).count(batch)
            for student in students:
                folder = self.folder_of(student.id)
                if folder.is_dir():
                    self.store.trash.put(folder, "work", student.name, batch)
                    moved = True
        forget_requests(self.store.home, [student.id for student in students])
        return batch if runs or moved else "", left

    def go_on(self) -> int:
        """Clear what has stopped since; returns how many runs are still stopping. Raises GlyphlabError."""
        if not self._waiting():
            return 0
        with self._lock():
            self.launcher.refresh()
            return self._go_on()

    def waiting(self, batch: str = "") -> list[str]:
        """Ids of the runs that are to be cleared (with a batch) as soon as they have stopped."""
        return [id for id, its in self._waiting().items() if batch in ("", its)]

    def owners(self) -> list[tuple[str, str]]:
        """(owner, batch) of those runs."""
        waiting = self._waiting()
        return [(run.owner, waiting[run.id]) for run in self.store.runs() if run.id in waiting]

    def undo(self, batch: str) -> list[Deleted]:
        """Put back what was cleared together; of its runs those that are still stopping stay. Raises
        RunError, as Trash.restore does; then nothing is changed.
        """
        with self._lock():
            waiting = self._waiting()
            kept = {id: its for id, its in waiting.items() if its != batch}
            stays = len(kept) < len(waiting)
            found = any(entry.batch == batch for entry in self.store.trash.entries())
            back = self.store.trash.restore(batch) if found or not stays else []
            if stays:
                write_json(self._file, {"runs": kept})
            return back

    def folder_of(self, student: str) -> Path:
        """Where a student's symbols and drawings are. student: id."""
        return self.store.home / FOLDERS["student"] / student

    def _go_on(self) -> int:
        waiting, failed = self._waiting(), None
        for id, batch in list(waiting.items()):
            try:
                if self._is_cleared(id, batch):
                    del waiting[id]
            except GlyphlabError as error:  # tried again; the others need not wait for it
                failed = error
        write_json(self._file, {"runs": waiting})
        if failed:
            raise failed
        return len(waiting)

    def _is_cleared(self, id: str, batch: str) -> bool:
        """Clear a run, if it has stopped; one that is alive is asked to, also if it was resumed."""
        try:
            run = self.store.run(id)
        except RunError:
            return True
        if run.alive and not run.stop_wanted:
            with suppress(GlyphlabError):  # it has ended by now
                self.launcher.stop(id)
        if run.alive:
            return False
        self.store.delete_run(id, batch)
        return True

    def _waiting(self) -> dict[str, str]:
        if not self._file.exists():
            return {}
        hint = f"Delete {self._file}, and clear again."
        return dict(read_document(self._file, ClearingFile, hint).runs)

    def _lock(self) -> Lock:
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = Lock.take(self._file.with_name(".clearing"), seconds=LOCK_SECONDS)
        if lock is None:
            raise SettingsError("another process is clearing", hint="Try again.")
        return lock
