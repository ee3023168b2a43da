"""The runs of a home, found without reading again what has not changed.

One look costs a stat of the folder and one of each run's status.json; the newest look is kept in
memory and shared by the whole process. What else is asked of a run that has ended, its figures or
its recipe, is read once: nothing is written into its folder without its status.json being replaced.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import GlyphlabError, RunError
from engine.files.cache import TICK_NS, Stamp, is_settled, stamp_of
from engine.files.checked import Damaged
from engine.files.locks import Lock
from engine.runs.run import Run
from engine.runs.run_info import ALIVE, ENDED, KILLED, Facts, RunInfo, facts_in, facts_of, info_of
from engine.settings import COMMAND

if TYPE_CHECKING:
    from engine.recipes.recipe import Recipe

_HOMES = 16  # whose runs are kept in memory
_indexes: OrderedDict[Path, RunIndex] = OrderedDict()
_opening = threading.Lock()
# What a view has seen: index → the stamp of its folder then, and the runs.
_seen: ContextVar[dict[RunIndex, tuple[Stamp, list[KnownRun]]] | None] = ContextVar(
    "_seen", default=None
)


@contextmanager
def one_look() -> Generator[None]:
    """Within the block, this thread looks at the runs of a home once, and sees again only when one
    was made or deleted: a page that asks ten times shows one moment, and asks the disk of a thousand
    runs once. What is alive is asked anew in any case (`KnownRun.info`).
    """
    token = _seen.set({})
    try:
        yield
    finally:
        _seen.reset(token)


class KnownRun:
    """A run as its status.json was at the last look: `status`, not to be changed."""

    def __init__(self, run: Run, status: Mapping[str, Any]) -> None:
        self.run, self.status = run, status
        self.ended = status.get("state") in ENDED

    def info(self) -> RunInfo:
        """The run as lists show it; asked anew while it is alive. Raises RunError if it is gone."""
        return self._last_info if self.ended else self.run.info()

    @cached_property
    def figures(self) -> Mapping[str, Any]:
        """The final metrics that are single numbers or words; empty if the run did not finish."""
        if self.status.get("state") != "finished":
            return {}
        final = self.run.final() or {}
        return {key: value for key, value in final.items() if not isinstance(value, list | dict)}

    @cached_property
    def facts(self) -> Facts:
        """What its recipe is about. Raises GlyphlabError if that can't be read."""
        return facts_in(self.status) or facts_of(self.recipe)

    @cached_property
    def recipe(self) -> Recipe:
        """Its recipe. Raises GlyphlabError if that can't be read."""
        return self.run.recipe()

    @cached_property
    def _last_info(self) -> RunInfo:
        return info_of(self.run.id, self.run.path, self.status, alive=False, stop_wanted=False)


class RunIndex:
    """The runs of one home. May be shared by threads. tick_ns: see engine.files.cache."""

    def __init__(self, home: Path, tick_ns: int = TICK_NS) -> None:
        self.folder = Path(home).absolute() / "runs"
        self._tick_ns = tick_ns
        self._lock = threading.Lock()
        self._listed: Stamp | None = None  # of the folder, when it was listed
        self._runs: list[Run] = []  # newest first
        self._by_name: dict[str, Run] = {}
        self._folders: dict[tuple[str, int], tuple[int, Run]] = {}  # name, inode → when made, run
        self._stamped: dict[Path, tuple[Stamp, KnownRun]] = {}
        self._known: list[KnownRun] = []
        self._looked = -1.0  # when the newest look began

    def all(self) -> list[KnownRun]:
        """Every run whose status.json can be read, newest first."""
        seen = _seen.get()
        if seen is None:
            return self._look()
        try:
            stamp = stamp_of(self.folder)
        except OSError:
            return self._look()
        kept = seen.get(self)
        if kept is None or kept[0] != stamp or not is_settled(stamp, tick_ns=self._tick_ns):
            kept = seen[self] = (stamp, self._look())
        return kept[1]

    def _look(self) -> list[KnownRun]:
        called = time.monotonic()
        with self._lock:
            if self._looked <= called:  # or another thread's look began after this one asked
                self._looked = time.monotonic()
                self._list()
                self._known = [known for run in self._runs if (known := self._look_at(run))]
                if len(self._stamped) > len(self._runs):
                    there = {run.path for run in self._runs}
                    self._stamped = {
                        path: kept for path, kept in self._stamped.items() if path in there
                    }
            return self._known

    def runs(self) -> list[Run]:
        """Every run folder, newest first."""
        with self._lock:
            self._list()
            return list(self._runs)

    def find(self, name: str) -> Run | None:
        """The run with that id or folder name."""
        with self._lock:
            self._list()
            return self._by_name.get(name)

    def _list(self) -> None:
        try:
            stamp = stamp_of(self.folder)
            entries = [] if stamp == self._listed else list(os.scandir(self.folder))
        except OSError:  # not there, or no folder: then no run can be made either, and that is said
            self._listed, self._runs, self._by_name = None, [], {}
            return
        if stamp == self._listed:
            return
        settled, complete = is_settled(stamp, tick_ns=self._tick_ns), True
        folders: dict[tuple[str, int], tuple[int, Run]] = {}
        for entry in entries:
            if entry.name.startswith("."):
                continue
            key = entry.name, entry.inode()
            try:
                folders[key] = self._folders.get(key) or _made(self.folder / entry.name)
            except OSError:
                complete = False  # no run, or one that is just being copied here
        # Names count in seconds; of runs made within one, the recipe written last is the newest.
        order = sorted(folders, key=lambda key: (key[0][:15], folders[key][0], key[0]))
        self._folders = folders
        self._runs = [folders[key][1] for key in reversed(order)]
        self._by_name = {run.id: run for run in reversed(self._runs)}
        self._by_name |= {run.path.name: run for run in self._runs}
        self._listed = stamp if settled and complete else None

    def _look_at(self, run: Run) -> KnownRun | None:
        try:
            stamp = stamp_of(f"{run.path}/status.json")
        except OSError:
            return None
        kept = self._stamped.get(run.path)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        settled = is_settled(stamp, tick_ns=self._tick_ns)
        try:
            known = KnownRun(run, run.status())
        except GlyphlabError:
            return None
        self._stamped.pop(run.path, None)
        if settled:
            self._stamped[run.path] = (stamp, known)
        return known


def _made(folder: Path) -> tuple[int, Run]:
    """When a run was made, in nanoseconds, and the run. Raises OSError if it is none."""
    try:
        made = os.stat(folder / "recipe.yaml")
    except FileNotFoundError:
        made = os.stat(folder / "status.json")
    return made.st_mtime_ns, Run(folder)


def damaged_runs(home: Path) -> list[Damaged]:
    """The run folders whose status can't be read, and why."""
    known = {known.run.path for known in known_runs(home)}
    found: list[Damaged] = []
    for run in all_runs(home):
        if run.path not in known:
            try:
                run.status()
            except RunError as error:
                if run.path.is_dir():  # not deleted while we looked
                    found.append(Damaged("run", run.id, str(error)))
    return found


def index_of(home: Path, tick_ns: int = TICK_NS) -> RunIndex:
    """The index of a home's runs: one for the whole process, made with the first call."""
    home = Path(home).absolute()
    with _opening:
        index = _indexes.pop(home, None) or RunIndex(home, tick_ns)
        _indexes[home] = index
        while len(_indexes) > _HOMES:
            _indexes.popitem(last=False)
        return index


def all_runs(home: Path) -> list[Run]:
    """Every run in the home, newest first."""
    return index_of(home).runs()


def known_runs(home: Path) -> list[KnownRun]:
    """Every run in the home that can be read, newest first, with what is known of it."""
    return index_of(home).all()


def find_run(home: Path, name: str | Path, names_only: bool = False) -> Run:
    """The run with that id, folder name or (unless names_only) path. Raises RunError, with the
    nearest id, if there is none.
    """
    found = index_of(home).find(str(name))
    if found is not None:
        return found
    path = Path(name)
    if not names_only and (path / "status.json").exists() and (path / "recipe.yaml").exists():
        return Run(path)
    ids = [run.id for run in all_runs(home)]
    close = get_close_matches(str(name), ids, n=1, cutoff=0.6)
    hint = f"`{COMMAND} runs` lists those there are."
    if close:
        hint = f"Did you mean '{close[0]}'?"
    elif not ids:
        hint = f"There is none yet: `{COMMAND} train quick` starts one."
    raise RunError(f"there is no run '{name}'", hint=hint)


def mark_killed(home: Path) -> list[str]:
    """Write down which runs were killed while nobody looked; returns their ids."""
    marked: list[str] = []
    for known in known_runs(home):
        run = known.run
        with suppress(GlyphlabError):
            if known.status.get("job"):
                continue  # the cluster knows
            if not known.ended and (lock := Lock.take(run.path / "lock")):
                with lock:
                    status = run.status()
                    if status.get("state") in ALIVE:
                        run.end(
                            "failed",
                            error=KILLED,
                            finished=status.get("heartbeat") or status.get("created"),
                        )
                        marked.append(run.id)
    return marked
