"""Visits to a public lab: what a visitor made is deleted when the visit is over."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from engine.errors import GlyphlabError
from engine.files.trash import VISITS
from engine.runs.run_info import VISIT

if TYPE_CHECKING:
    from engine.store.store import Store


class Visits:
    """The visits to a lab."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def forget(self, is_here: Callable[[str], bool]) -> int:
        """Delete for good what those visitors taught, drew and trained who are not here any more;
        returns how many folders and runs that were. What still trains stays until the next time.
        """
        count = 0
        folder = self.store.home / VISITS
        for place in folder.iterdir() if folder.is_dir() else ():
            if not is_here(place.name):
                shutil.rmtree(place, ignore_errors=True)
                count += 1
        for run in self.store.runs():
            visitor = run.owner.removeprefix(VISIT)
            if run.owner.startswith(VISIT) and not run.alive and not is_here(visitor):
                with suppress(GlyphlabError):  # somebody else was quicker
                    self.store.run(run.id).delete()
                    count += 1
        return count
