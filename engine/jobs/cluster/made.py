"""What a task's job has made in its home, brought into the lab's home whole.

    made/<name in the home>   beside the task's status: spaces/…, noise/…; of the folds that a diagnosis
                              goes on after, noise/.<key>-folds is called noise/folds-of-<key>
    made.json                 {"files": ["made/<name>", …]}, whose files are all there

The job links into `made/` what is new below the folders of MADE_IN, as often as it pushes, and writes
made.json, which goes into the store after the files that it names. The lab fetches them all, and only
then puts them where they belong: a folder that is not there yet by one renaming, and in one that is
there documents after the arrays that they are about.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.files.atomic import failure, make_folder, read_json, rename_whole, write_json
from engine.files.remote import is_safe

Task = Callable[..., Any]  # see engine.jobs.task_worker

MADE, LIST = "made", "made.json"
MADE_IN = ("noise", "spaces")  # nothing else of the lab's home is written by a task on a node
_FOLDS = re.compile(r"noise/\.([0-9a-f]{16})-folds/")
_FOLDS_OF = re.compile(r"noise/folds-of-([0-9a-f]{16})/")


class Made:
    """What is new in a job's home since this was made; its task lies in `folder`. May be used by
    threads.
    """

    def __init__(self, home: Path, folder: Path) -> None:
        self.home, self.folder = home, folder
        self._before = dict(_files_in(home))
        self._linked: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def collect(self) -> None:
        """Link what is new, and list it. What a task writes under its own name is whole."""
        with self._lock:
            found = dict(_files_in(self.home))
            new = {name: at for name, at in found.items() if self._before.get(name) != at}
            if new == self._linked:
                return
            for name in self._linked.keys() - new.keys():
                self._place(name).unlink(missing_ok=True)
            self._linked = {
                name: at
                for name, at in new.items()
                if self._linked.get(name) == at or self._link(name)
            }
            names = sorted(f"{MADE}/{_sent_as(name)}" for name in self._linked)
            write_json(self.folder / LIST, {"files": names}, lasting=False)

    def collecting(self, kinds: Mapping[str, Task]) -> dict[str, Task]:
        """The same kinds of tasks, which list what they have made before they say that they ended."""

        def with_list(task: Task) -> Task:
            def run(*given: Any, **arguments: Any) -> Any:
                try:
                    return task(*given, **arguments)
                finally:
                    self.collect()

            return run

        return {name: with_list(task) for name, task in kinds.items()}

    def _link(self, name: str) -> bool:
        place = self._place(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # replaced while we looked: it is linked the next time
            place.unlink(missing_ok=True)
            os.link(self.home / name, place)
            return True
        return False

    def _place(self, name: str) -> Path:
        return self.folder / MADE / _sent_as(name)


def put_in_place(folder: Path, home: Path) -> None:
    """Move what a task's folder lists as made into a home. May be called again after it was
    interrupted. Raises GlyphlabError if the disk is full.
    """
    made = folder / MADE
    listed = read_json(folder / LIST) or {}
    names = [str(name).removeprefix(f"{MADE}/") for name in listed.get("files", ())]
    names = [name for name in names if is_safe(name) and name.partition("/")[0] in MADE_IN]
    _remove_others(made, set(names))
    try:
        for name in sorted(names, key=lambda name: (name.endswith(".json"), name)):
            if not (made / name).exists():  # it is where it belongs already
                continue
            fresh = _new_folder(name, home)
            if fresh:
                make_folder((home / _kept_as(f"{fresh}/")).parent)
                rename_whole(made / fresh, home / _kept_as(f"{fresh}/"))
            else:
                place = home / _kept_as(name)
                make_folder(place.parent)
                os.replace(made / name, place)
    except OSError as error:
        raise failure(error, home) from error
    for name in names:
        key = Path(name).parts[1]
        if name.startswith("noise/") and not _FOLDS_OF.match(name):
            shutil.rmtree(home / "noise" / f".{key}-folds", ignore_errors=True)
    shutil.rmtree(made, ignore_errors=True)
    (folder / LIST).unlink(missing_ok=True)


def _new_folder(name: str, home: Path) -> str:
    """The first two parts of a name if it is of a file in a folder that the home does not have yet."""
    parts = name.split("/")
    folder = "/".join(parts[:2])
    return folder if len(parts) > 2 and not (home / _kept_as(f"{folder}/")).exists() else ""


def _remove_others(made: Path, names: set[str]) -> None:
    """Remove what is not listed: parts of what was being made when the job ended."""
    for name, _ in list(_walked(made)):
        if name not in names:
            (made / name).unlink(missing_ok=True)


def _files_in(home: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    """The files that tasks make: (name, (size, time of change)). Those that are just being written
    have a name, or a folder's name, that begins with a dot.
    """
    for top in MADE_IN:
        for name, stamp in _walked(home / top):
            full = f"{top}/{name}"
            if is_safe(_sent_as(full)):
                yield full, stamp


def _walked(top: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    for folder, _, files in os.walk(top):
        for file in files:
            path = Path(folder) / file
            with suppress(OSError):
                found = path.stat()
                yield path.relative_to(top).as_posix(), (found.st_size, found.st_mtime_ns)


def _sent_as(name: str) -> str:
    return _FOLDS.sub(r"noise/folds-of-\1/", name)


def _kept_as(name: str) -> str:
    return _FOLDS_OF.sub(r"noise/.\1-folds/", name)
