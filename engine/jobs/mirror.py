"""Runs mirrored to experiment trackers, for teams that have one, each by a process that only reads
the run's folder.

The run never waits for it and never hears of it: a server that is slow or down costs the run
nothing. What could not be sent stays in the folder, and is sent when the server is back: while the
run lasts, ten minutes longer, or along with the next run. `<run>/mirror.json` (of Trackio
`mirror-trackio.json`) says how far it is, the `.log` beside it what went wrong.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import GlyphlabError
from engine.files.atomic import read_json, write_json
from engine.files.locks import Lock
from engine.jobs.processes import spawn
from engine.jobs.trackers import BATCH, TRACKERS, figures_of_row, parameters_of
from engine.runs.index import all_runs
from engine.runs.run import Run

if TYPE_CHECKING:
    from engine.jobs.trackers import Client
    from engine.settings import Settings

POLL_SECONDS = 2.0
PATIENCE_SECONDS = 600  # after the run's end


def start_mirrors(run: Run, settings: Settings) -> None:
    """Start a process for each tracker that the settings name, for a run that has begun. Never
    raises: a run does not fail for its mirror.
    """
    for name, tracker in TRACKERS.items():
        address = tracker.address(settings)
        if not address:
            continue
        with suppress(GlyphlabError, OSError):
            place = run.path / f"{tracker.state}.json"
            state = read_json(place) or {}
            if state.get("uri") != address:
                state = {"uri": address, "run_id": None, "rows": 0}
            write_json(place, {**state, "complete": False})
            spawn(["_mirror", str(run.path), name], settings, place.with_suffix(".log"))


def mirror_all(
    run: Run, tracker: str, address: str, patience_seconds: float = PATIENCE_SECONDS
) -> None:
    """What the process does: mirror this run to its end, then what earlier runs could not deliver."""
    if not mirror(run, tracker, address, patience_seconds):
        return
    for other in all_runs(run.path.parent.parent):
        state = read_json(other.path / f"{TRACKERS[tracker].state}.json")
        if state and state["uri"] == address and not state["complete"] and not other.alive:
            mirror(other, tracker, address, 0)


def mirror(
    run: Run, tracker: str, address: str, patience_seconds: float = PATIENCE_SECONDS
) -> bool:
    """Send the run's parameters, metrics as they come, and what is sent at its end. False if the
    tracker could not be reached in time.
    """
    kind = TRACKERS[tracker]
    lock = Lock.take(run.path / f"{kind.state}.lock")
    if lock is None:
        return False
    with lock:
        pause, ended = POLL_SECONDS, None
        client: Client | None = None
        while run.path.exists():
            alive = run.alive
            try:
                client = client or kind.connect(address)
                _send(run, client, kind.state, alive)
                pause = POLL_SECONDS
                if not alive:
                    return True
            except Exception as error:  # whatever a server, a proxy or a library may think of
                print(
                    f"{time.strftime('%Y-%m-%d %H:%M:%S')} {type(error).__name__}:"
                    f" {str(error)[:300]}",
                    flush=True,
                )
                pause = min(pause * 2, 60)
            ended = None if alive else ended or time.monotonic()
            if ended is not None and time.monotonic() + pause - ended > patience_seconds:
                return False
            _sleep_while(run, alive, pause)
    return False


def _sleep_while(run: Run, alive: bool, seconds: float) -> None:
    """Sleep, but wake soon after the run has ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and (not alive or run.alive):
        time.sleep(min(0.5, seconds))


def _send(run: Run, client: Client, state_name: str, alive: bool) -> None:
    """Everything that is new since the last time. Each step is written down when the tracker has
    confirmed it.
    """
    place = run.path / f"{state_name}.json"
    state = read_json(place)

    def done(**changes: Any) -> None:
        state.update(changes)
        write_json(place, state)

    if not state["run_id"]:
        done(run_id=client.begin(run))
    name = state["run_id"]
    if not state.get("parameters"):
        client.parameters(name, run, parameters_of(run.recipe().model_dump(mode="json")))
        done(parameters=True)
    rows = run.metrics()
    if (
        len(rows) < state["rows"]
    ):  # the run went on from its last checkpoint and repeats what came after it
        done(rows=len(rows))
    while state["rows"] < len(rows):
        sent, points, figures = state["rows"], [], 0
        while sent < len(rows) and figures < BATCH:
            points.append(figures_of_row(rows[sent]))
            figures += len(points[-1][1])
            sent += 1
        client.points(name, run, points)
        done(rows=sent)
    if not alive:
        client.finish(name, run)
        done(complete=True)


def main(folder: str, tracker: str, settings: Settings) -> None:
    """The process: `python -m engine _mirror RUN TRACKER`."""
    mirror_all(Run(Path(folder)), tracker, TRACKERS[tracker].address(settings))
