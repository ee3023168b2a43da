"""The folders of a lab's sweeps, `sweeps/<name>/`: what each tries, what is wanted of it, who is at
work on it, and its trials (see engine.sweep.store for the files).
"""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import DamagedError, RunError, unknown
from engine.files.atomic import write_json
from engine.files.checked import read_document
from engine.files.locks import is_locked
from engine.sweep.info import Wanted
from engine.sweep.spec import NAME, SweepSpec, read_sweep

if TYPE_CHECKING:
    from engine.store.store import Store
    from engine.sweep.store import TrialStore


class SweepFolders:
    """What is written of a lab's sweeps: what its workers and a person both read and write."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.folder = store.home / "sweeps"
        self._stores: dict[str, tuple[float, TrialStore]] = {}
        self._opening = threading.Lock()

    def _names(self) -> list[str]:
        found = []
        for folder in self.folder.iterdir() if self.folder.is_dir() else ():
            with suppress(OSError):  # deleted while we looked
                if folder.is_dir() and re.fullmatch(NAME, folder.name):
                    file = folder / "sweep.yaml"
                    found.append(((file if file.exists() else folder).stat().st_mtime, folder.name))
        return [name for _, name in sorted(found, reverse=True)]

    def spec(self, name: str) -> SweepSpec:
        """Raises RunError, with the nearest name, if there is no such sweep; RecipeError if its
        file is damaged.
        """
        return read_sweep(self._known(name) / "sweep.yaml")

    def _known(self, name: str) -> Path:
        if not re.fullmatch(NAME, name) or not (self.folder / name).is_dir():
            raise RunError(unknown("sweep", name, self._names()))
        return self.folder / name

    def workers(self, name: str) -> int:
        """How many workers of this home are at the sweep."""
        return sum(is_locked(lock) for lock in (self.folder / name / "workers").glob("*.lock"))

    def wanted(self, name: str) -> Wanted:
        """What a person wants of the sweep."""
        file = self.folder / name / "wanted.json"
        return (
            read_document(file, Wanted, "Delete the sweep; its runs stay.")
            if file.exists()
            else Wanted()
        )

    def want(self, name: str, state: str, trials: int | None = None) -> None:
        """Write down what is wanted; workers read it several times a second."""
        self.spec(name)
        if trials is None:
            try:
                trials = self.wanted(name).trials
            except DamagedError:  # what is written now takes its place
                trials = 0
        write_json(self.folder / name / "wanted.json", {"state": state, "trials": trials})

    def trials_store(self, name: str) -> TrialStore:
        """The sweep's study, kept open. Raises RunError if there is no such sweep or its storage
        can't be used.
        """
        from engine.sweep.store import TrialStore

        spec = self.spec(name)
        try:
            changed = (self.folder / name / "sweep.yaml").stat().st_mtime
        except OSError as error:
            raise RunError(f"sweep {name} can't be read", got=error.strerror) from None
        with self._opening:
            if name not in self._stores or self._stores[name][0] != changed:
                self._stores[name] = (
                    changed,
                    TrialStore(self.folder / name, spec, self.store.home),
                )
            return self._stores[name][1]
