"""`lab.notes`: notes and tags of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.runs.notes import Note, change_notes, notes_in

if TYPE_CHECKING:
    from engine.store.store import Store


class RunNotes:
    """What is noted about a lab's runs. Runs are given by their ids; each call raises RunError for one
    that there is not.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def all(self) -> dict[str, Note]:
        """A run's id → its note and tags; runs without either are absent. Reads one file."""
        return notes_in(self.store.home)

    def write(self, runs: Sequence[str], note: str) -> None:
        """Give runs a note, in place of what they had; an empty one takes it away."""
        change_notes(self.store.home, self._known(runs), note=note.strip())

    def tag(self, runs: Sequence[str], tag: str) -> None:
        """Put a tag on runs."""
        change_notes(self.store.home, self._known(runs), tag=tag.strip())

    def untag(self, runs: Sequence[str], tag: str) -> None:
        """Take a tag off runs."""
        change_notes(self.store.home, self._known(runs), untag=tag.strip())

    def _known(self, runs: Sequence[str]) -> list[str]:
        return [self.store.run(run).id for run in runs]
