"""Runs whose jobs see no file system of the lab's: the lab's side of GLYPHLAB_STORE.

The job is handed what it needs through the store, and pushes its run folder back into it; the lab
fetches what has changed when it looks at the cluster, with one listing for all runs together.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from engine import __version__
from engine.errors import RunError
from engine.files.locks import Lock
from engine.files.remote import Remote, RemoteError, Stamp, shown
from engine.jobs.cluster.inputs import MANIFEST, needed, send
from engine.jobs.cluster.run_sync import RUNS, RunSync
from engine.runs.run import Run
from engine.runs.run_info import ENDED
from engine.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from engine.settings import Settings


MARK = "glyphlab.json"  # tells a store without runs from a folder on which nothing is mounted


class StoredRuns:
    """The runs of a lab in its store. Raises SettingsError for an address that can't be used; its
    methods raise RemoteError where the store can't be reached. May be shared by threads.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.remote = Remote(settings.store)
        self._syncs: dict[str, RunSync] = {}
        self._pulling = threading.Lock()

    def begin(self, run: Run) -> str:
        """Put a run and all that it needs into the store; returns the token of its job. Raises
        DataError, CheckpointError for what can't be sent.
        """
        store, attempt = Store(self.settings.home, self.settings), secrets.token_hex(6)
        inputs = send(self.remote, needed(store, run.recipe()))
        self.remote.write_json(MARK, {"glyphlab": __version__})
        sync = self._sync(run.path)
        sync.begin(attempt)
        manifest = [each._asdict() for each in inputs]
        self.remote.write_json(f"{sync.place}/{MANIFEST}", manifest)
        return attempt

    def ask_to_stop(self, run: Run) -> None:
        """Leave word for the run's job."""
        sync = self._sync(run.path)
        sync.want(str(sync.wanted().get("attempt", "")), stop=True)

    def pull(self, runs: Sequence[Run]) -> None:
        """Bring the folders of live runs up to date, whole ones of those that have ended since."""
        if not runs:
            return
        with self._pulling:
            listed = self._listed()
            if not listed and not self.remote.has(MARK):
                raise RemoteError(
                    f"the store {shown(self.remote.address)} is empty",
                    hint="Mount it again, or set GLYPHLAB_STORE back to where the runs are.",
                )
            for run in runs:
                found = listed.get(run.path.name)
                with suppress(RunError, OSError):  # damaged, or deleted while we looked
                    if found:
                        self._pull(run, found)

    def _pull(self, run: Run, found: dict[str, Stamp]) -> None:
        # Other processes of the lab pull, too: what one has read must not replace what another read later.
        lock = Lock.take(run.path / "lock")
        if lock is None:
            return
        with lock:
            if run.status().get("state") not in ENDED:
                self._pull_alone(run, found)

    def _pull_alone(self, run: Run, found: dict[str, Stamp]) -> None:
        sync = self._sync(run.path)
        mine = run.status()
        merged = {key: mine[key] for key in ("job",) if key in mine}
        theirs = self.remote.read_json(f"{sync.place}/status.json") or {}
        over = theirs.get("state") in ENDED
        sync.pull(found, merged, all_of_it=over)
        if over and run.status().get("state") in ENDED:
            self._forget(run)

    def give_up(self, run: Run) -> None:
        """Fetch what a lost job has left, and let no job write the folder any more."""
        sync = self._sync(run.path)
        sync.want("", stop=True)
        with self._pulling:
            found = self.remote.stamps(sync.place)
            found.pop("status.json", None)  # the lab writes it from here on
            sync.pull(found)
        self._forget(run)

    def _forget(self, run: Run) -> None:
        # What is here is all there is: a listing stays as short as the runs that are alive.
        with suppress(RemoteError):
            self._sync(run.path).remove()
        self._syncs.pop(run.path.name, None)

    def _sync(self, folder: Path) -> RunSync:
        return self._syncs.setdefault(folder.name, RunSync(self.remote, folder))

    def _listed(self) -> dict[str, dict[str, Stamp]]:
        """The files of every run in the store, by its folder's name: one question."""
        out: dict[str, dict[str, Stamp]] = {}
        for name, stamp in self.remote.stamps(RUNS).items():
            folder, _, file = name.partition("/")
            out.setdefault(folder, {})[file] = stamp
        return out
