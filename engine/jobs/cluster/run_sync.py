"""The folder of a run, or of a task, in a store and on a machine, kept alike. Only one side writes at a
time: the job while it computes, the lab before and after.

    runs/<folder>/recipe.yaml …   the run's files, see engine.runs.run; the task's, see engine.jobs.tasks
    runs/<folder>/attempt.json    {"attempt": token, "stop": false}, written by the lab: which job may
                                  write the folder, and whether it is asked to stop

Those of tasks lie among those of runs, so that one listing shows what is new of both.

A file that says what is complete (`status.json`, `last/state.json`, `best/checkpoint.json`,
`made.json`) is read before all others and written after them, so that it never names what is not
there: whoever fetches the folder at any moment, or is killed at any moment, has a checkpoint that
holds and every row of metrics up to it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.files.atomic import make_folder, write_bytes
from engine.files.remote import Remote, Stamp
from engine.jobs.cluster.made import LIST, MADE

RUNS, ATTEMPT = "runs", "attempt.json"
OWN = {"lock", "stop", ATTEMPT}  # of one side alone
PASSING = {"beat", "last/state.json", "best/checkpoint.json"}  # gone or replaced at any moment
# The file that is written last → the key by which it names the file, or files, that it is about.
NAMING = {
    "last/state.json": "file",
    "best/checkpoint.json": "weights",
    LIST: "files",
    "status.json": "",
}
# What is fetched when all is over: what only a job goes on from, and what a task has made.
AT_THE_END = ("last/", f"{MADE}/", LIST)


class RunSync:
    """The folder of one run or task on this machine, and in the store. Its methods raise RemoteError."""

    def __init__(self, remote: Remote, folder: Path) -> None:
        self.remote, self.folder = remote, folder
        self.place = f"{RUNS}/{folder.name}"
        self._sent: dict[str, tuple[int, int]] = {}  # name → the local stamp that was sent
        self._got: dict[str, Stamp] = {}  # name → the store's stamp that was fetched

    def push(self) -> None:
        """Send what has changed here since the last time, and remove what is gone."""
        naming = {name: self._local(name) for name in NAMING}
        there = self._stamps_here()
        for name, stamp in there.items():
            if name not in NAMING and self._sent.get(name) != stamp:
                with suppress(FileNotFoundError):  # it was replaced while we looked
                    self.remote.send(self.folder / name, f"{self.place}/{name}")
                    self._sent[name] = stamp
        for name, content in naming.items():
            if content is not None and self._complete(name, content, self._sent):
                stamp = len(content), hash(content)
                if self._sent.get(name) != stamp:
                    self.remote.write(f"{self.place}/{name}", content)
                    self._sent[name] = stamp
        here = self._stamps_here()
        gone = [name for name in self._sent if name not in here and name not in NAMING]
        self.remote.delete(f"{self.place}/{name}" for name in gone)
        for name in gone:
            del self._sent[name]

    def pull(
        self,
        listed: Mapping[str, Stamp],
        merged: Mapping[str, Any] | None = None,
        all_of_it: bool = True,
    ) -> None:
        """Fetch what has changed in the store, by a listing of the run's folder there; `merged` takes
        the place of these fields of its status. all_of_it: also what is AT_THE_END.
        """
        changed = [name for name, stamp in listed.items() if self._got.get(name) != stamp]
        changed = [name for name in changed if name not in OWN]
        if not all_of_it:
            changed = [name for name in changed if not name.startswith(AT_THE_END)]
        naming = {
            name: self.remote.read(f"{self.place}/{name}") for name in changed if name in NAMING
        }
        for name in changed:
            if name not in NAMING and self.remote.fetch(f"{self.place}/{name}", self.folder / name):
                self._got[name] = listed[name]
        for name in NAMING:
            content = naming.get(name)
            if content is None or not self._complete(name, content, self._got):
                continue
            if name == "status.json" and merged:
                content = json.dumps({**json.loads(content), **merged}, indent=1).encode()
            write_bytes(self.folder / name, content, lasting=False)
            self._got[name] = listed[name]
        for name in [name for name in self._got if name not in listed and name not in NAMING]:
            with suppress(OSError):
                (self.folder / name).unlink()
            del self._got[name]

    def lacks(self, listed: Mapping[str, Stamp]) -> bool:
        """Whether something of a listing was not fetched as it is there."""
        wanted = {name: stamp for name, stamp in listed.items() if name not in OWN | PASSING}
        return any(self._got.get(name) != stamp for name, stamp in wanted.items())

    def fetch(self) -> None:
        """Fetch the whole folder."""
        make_folder(self.folder)
        self.pull(self.remote.stamps(self.place))

    def begin(self, attempt: str) -> None:
        """Put the folder as it is here into the store, for a job that has this token."""
        self.remote.delete_folder(self.place)
        self._sent.clear()
        self._got.clear()
        self.push()
        self.remote.write_json(f"{self.place}/{ATTEMPT}", {"attempt": attempt, "stop": False})

    def wanted(self) -> dict[str, Any]:
        """What attempt.json says; empty if it is not there."""
        return self.remote.read_json(f"{self.place}/{ATTEMPT}") or {}

    def want(self, attempt: str, stop: bool) -> None:
        """Write attempt.json: have the job of this token stop or go on, and no other one."""
        self.remote.write_json(f"{self.place}/{ATTEMPT}", {"attempt": attempt, "stop": stop})

    def remove(self) -> None:
        """Take the folder out of the store."""
        self.remote.delete_folder(self.place)

    def _complete(self, name: str, content: bytes, known: Mapping[str, object]) -> bool:
        """Whether what `content` names is on the other side already."""
        key, (folder, slash, _) = NAMING[name], name.rpartition("/")
        with suppress(ValueError, KeyError, AttributeError, TypeError):
            about = json.loads(content)
            named = about[key] if key else []
            files = [named] if isinstance(named, str) else named
            return all(f"{folder}{slash}{file}" in known for file in files)
        return False

    def _local(self, name: str) -> bytes | None:
        with suppress(OSError):
            return (self.folder / name).read_bytes()
        return None

    def _stamps_here(self) -> dict[str, tuple[int, int]]:
        out = {}
        for folder, folders, names in os.walk(self.folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for file in names:
                path = Path(folder) / file
                name = path.relative_to(self.folder).as_posix()
                if not file.startswith(".") and name not in OWN:
                    with suppress(OSError):
                        found = path.stat()
                        out[name] = found.st_size, found.st_mtime_ns
        return out
