"""How a run that trains in several processes ended, by what they wrote into the run's folder.

processes/ended-RANK.json           of each process that came to its end, or to an error
          failed-NODE.json          of each torchrun: its processes that failed first
          left-ATTEMPT-NODE.json    of each node but the first: nothing of the run is left there
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from engine.jobs.outcome import Outcome
from engine.jobs.place import FOLDER, Place

LOOK_SECONDS = 0.2
LEAVE_SECONDS = 30.0  # for the other nodes to end, and a network file system to show it


def how_it_ended(run: Path, count: int, place: Place | None = None) -> Outcome:
    """What the first process says if it came to its end, else what was first to go wrong. count: of
    the processes; place: of several nodes, whose last words are waited for.
    """
    folder = run / FOLDER
    silent = _wait_for_others(run, place) if place else []  # or they would write when this is gone
    if good := [row for row in _ended(folder) if row["rank"] == 0 and not row["outcome"]["error"]]:
        return Outcome(**good[0]["outcome"])
    return _failure(folder, count, silent)


def node_failed(run: Path, place: Place) -> bool:
    """Whether another node has left because something went wrong on it."""
    rows = [_row(run / FOLDER / name) for name in _farewells(run, place)]
    return any(row and (row["error"] or row["code"]) for row in rows)


def _farewells(run: Path, place: Place) -> list[str]:
    mine = {place.farewell(run, k).name for k in range(1, len(place.names))}
    return sorted(mine & set(os.listdir(run / FOLDER)))


def _wait_for_others(run: Path, place: Place) -> list[str]:
    """Wait until the other nodes have said how they ended; the names of those that say nothing."""
    end = time.monotonic() + LEAVE_SECONDS
    while True:
        there = _farewells(run, place)
        numbers = range(1, len(place.names))
        silent = [place.names[k] for k in numbers if place.farewell(run, k).name not in there]
        if not silent or time.monotonic() > end:
            return silent
        time.sleep(LOOK_SECONDS)


def _failure(folder: Path, count: int, silent: Sequence[str]) -> Outcome:
    ended = _ended(folder)
    if mistakes := [row for row in ended if row["outcome"]["error"] and not row["lost"]]:
        return Outcome(**mistakes[0]["outcome"])
    for path in sorted(folder.glob("left-*.json")):
        if error := (_row(path) or {}).get("error"):
            return Outcome("failed", error=error, mistake=True)
    if killed := _killed(folder, {row["rank"] for row in ended}):
        rank, name = killed
        hint = " (memory may have run out)" if name == "SIGKILL" else ""
        which = f"process {rank + 1} of {count}"
        return Outcome("failed", error=f"{which} was ended by {name}{hint}; it can be resumed")
    if silent:
        names = f"node{'s' if len(silent) > 1 else ''} {', '.join(silent)}"
        return Outcome("failed", error=f"{names} did not come or was lost; it can be resumed")
    if ended:
        return Outcome(**ended[0]["outcome"])
    return Outcome("failed", error="its processes ended without a word; its log may say why")


def _ended(folder: Path) -> list[dict[str, Any]]:
    found = (row for path in folder.glob("ended-*.json") if (row := _row(path)))
    return sorted(found, key=lambda row: row["at"])


def _killed(folder: Path, said: Collection[int]) -> tuple[int, str] | None:
    """The process that a signal has ended, and the signal's name; not one of those that have `said`
    how they ended.
    """
    for path in sorted(folder.glob("failed-*.json")):
        for failed in _row(path) or []:
            if failed["rank"] not in said and failed["code"] < 0:
                return failed["rank"], signal.Signals(-failed["code"]).name
    return None


def _row(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
