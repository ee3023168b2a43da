"""Runs and tasks whose jobs see no file system of the lab's: the lab's side of GLYPHLAB_STORE.

The job is handed what it needs through the store, and pushes the folder of its run or task back into
it; the lab fetches what has changed when it looks at the cluster, with one listing for all together.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import __version__
from engine.errors import GlyphlabError
from engine.files.atomic import read_json
from engine.files.locks import Lock
from engine.files.remote import Remote, RemoteError, Stamp, shown
from engine.jobs.cluster.inputs import MANIFEST, Needed, send
from engine.jobs.cluster.made import put_in_place
from engine.jobs.cluster.run_sync import RUNS, RunSync
from engine.runs.run_info import ENDED

if TYPE_CHECKING:
    from engine.settings import Settings


MARK = "glyphlab.json"  # tells a store without runs from a folder on which nothing is mounted


class StoredJobs:
    """The runs and tasks of a lab in its store, by their folders in its home. Raises SettingsError
    for an address that can't be used; its methods raise RemoteError where the store can't be reached.
    May be shared by threads.
    """

    def __init__(self, settings: Settings) -> None:
        self.home = settings.home
        self.remote = Remote(settings.store)
        self._syncs: dict[str, RunSync] = {}
        self._pulling = threading.Lock()

    def begin(self, folder: Path, files: Needed) -> str:
        """Put a run or task into the store, and the files that it needs; returns the token of its
        job.
        """
        inputs, attempt = send(self.remote, files), secrets.token_hex(6)
        self.remote.write_json(MARK, {"glyphlab": __version__})
        sync = self._sync(folder)
        sync.begin(attempt)
        manifest = [each._asdict() for each in inputs]
        self.remote.write_json(f"{sync.place}/{MANIFEST}", manifest)
        return attempt

    def ask_to_stop(self, folder: Path) -> None:
        """Leave word for the job of a run or task."""
        sync = self._sync(folder)
        sync.want(str(sync.wanted().get("attempt", "")), stop=True)

    def pull(self, folders: Sequence[Path]) -> None:
        """Bring the folders of what is alive up to date, whole ones of what has ended since."""
        if not folders:
            return
        with self._pulling:
            listed = self._listed()
            if not listed and not self.remote.has(MARK):
                raise RemoteError(
                    f"the store {shown(self.remote.address)} is empty",
                    hint="Mount it again, or set GLYPHLAB_STORE back to where the runs are.",
                )
            for folder in folders:
                found = listed.get(folder.name)
                try:
                    if found:
                        self._pull(folder, found)
                except RemoteError:
                    raise
                except (GlyphlabError, OSError):  # damaged, or deleted while we looked
                    continue

    def _pull(self, folder: Path, found: dict[str, Stamp]) -> None:
        # Other processes of the lab pull, too: what one has read must not replace what another read later.
        lock = Lock.take(folder / "lock")
        if lock is None:
            return
        with lock:
            mine = read_json(folder / "status.json")
            if isinstance(mine, dict) and mine.get("state") not in ENDED:
                self._pull_alone(folder, found, mine)

    def _pull_alone(self, folder: Path, found: dict[str, Stamp], mine: dict[str, Any]) -> None:
        sync = self._sync(folder)
        merged = {key: mine[key] for key in ("job",) if key in mine}
        theirs = self.remote.read_json(f"{sync.place}/status.json") or {}
        if theirs.get("state") not in ENDED:
            sync.pull(found, merged, all_of_it=False)
            return
        # It may have ended after the listing, which then lacks the last that it wrote.
        found = self.remote.stamps(sync.place)
        last = found.pop("status.json", None)
        sync.pull(found)
        if last is None or sync.lacks(found):
            return  # the next look fetches what is missing
        put_in_place(folder, self.home)
        sync.pull({**found, "status.json": last}, merged)
        if not sync.lacks({"status.json": last}):
            self._forget(folder)

    def give_up(self, folder: Path) -> None:
        """Fetch what a lost job has left, and let no job write the folder any more."""
        sync = self._sync(folder)
        sync.want("", stop=True)
        with self._pulling:
            found = self.remote.stamps(sync.place)
            found.pop("status.json", None)  # the lab writes it from here on
            sync.pull(found)
            put_in_place(folder, self.home)
        self._forget(folder)

    def _forget(self, folder: Path) -> None:
        # What is here is all there is: a listing stays as short as what is alive.
        with suppress(RemoteError):
            self._sync(folder).remove()
        self._syncs.pop(folder.name, None)

    def _sync(self, folder: Path) -> RunSync:
        return self._syncs.setdefault(folder.name, RunSync(self.remote, folder))

    def _listed(self) -> dict[str, dict[str, Stamp]]:
        """The files of every run and task in the store, by its folder's name: one question."""
        out: dict[str, dict[str, Stamp]] = {}
        for name, stamp in self.remote.stamps(RUNS).items():
            folder, _, file = name.partition("/")
            out.setdefault(folder, {})[file] = stamp
        return out
