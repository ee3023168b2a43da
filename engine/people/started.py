"""How many runs each person has started in a day, also of those that were deleted since.

people/started.json    mark of a person → when they started runs, seconds since 1970
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.errors import DamagedError, SettingsError
from engine.files.atomic import write_json
from engine.files.checked import Document, read_document
from engine.files.locks import Lock

DAY_SECONDS = 86_400
MOST_PEOPLE = 5_000  # of whom starts are kept; visitors come and go


class StartedFile(Document):
    """What started.json holds."""

    starts: dict[str, list[float]] = {}


class Started:
    """The starts of a lab's day. May be shared by threads and processes."""

    def __init__(self, home: Path, clock: Callable[[], float] = time.time) -> None:
        self._file, self._clock = Path(home) / "people" / "started.json", clock

    def count(self, mark: str) -> int:
        """Runs that the person started in the last 24 hours."""
        return len(self._recent().get(mark, ()))

    def add(self, mark: str) -> None:
        """Count one that was started now. Raises SettingsError if that can't be written."""
        with self._changing() as starts:
            starts[mark] = [*starts.pop(mark, ()), self._clock()]

    def forget(self, marks: Collection[str]) -> None:
        """Count nothing of these people any more. Raises SettingsError if that can't be written."""
        if not self._recent().keys().isdisjoint(marks):
            with self._changing() as starts:
                for mark in marks:
                    starts.pop(mark, None)

    @contextmanager
    def _changing(self) -> Iterator[dict[str, list[float]]]:
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = Lock.take(self._file.with_name(".started"), seconds=10)
        if lock is None:
            raise SettingsError("another process is counting runs", hint="Try again.")
        with lock:
            starts = self._recent()
            yield starts
            write_json(self._file, {"starts": dict(list(starts.items())[-MOST_PEOPLE:])})

    def _recent(self) -> dict[str, list[float]]:
        since = self._clock() - DAY_SECONDS
        found: dict[str, list[float]] = {}
        with suppress(FileNotFoundError, DamagedError):  # damaged: the runs that exist still count
            found = read_document(self._file, StartedFile, "Delete it.").starts
        kept = {mark: [at for at in times if at > since] for mark, times in found.items()}
        return {mark: times for mark, times in kept.items() if times}
