"""Runs in the order in which they were handed in, on a cluster that keeps none.

Ray gives free cores to whichever of its waiting jobs it comes to: of sixty runs that were handed in at
once, 25 began before one that had come at least two places earlier. So a job that has got its cores
computes the run that has waited longest among those that ask for the same, and the two runs exchange
their jobs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from engine.errors import GlyphlabError, RunError
from engine.files.locks import Lock
from engine.jobs.resources import Resources, resources_of
from engine.runs.index import known_runs
from engine.runs.run import Run
from engine.settings import Settings

JOB = "GLYPHLAB_JOB"  # in the environment of a job that may exchange its run: its own id


def next_in_line(run: Run, settings: Settings, id: str, seconds: float) -> tuple[Run, Lock] | None:
    """The run that the job `id`, which was handed in for `run`, is to compute, and its lock; None if
    there is none any more. Raises RunError if it is still locked after so many seconds.
    """
    lock = run.take_lock(seconds)
    if _job(run)["id"] != id:  # another job computes it
        lock.release()
        left = [known.run for known in known_runs(settings.home) if _job(known.run)["id"] == id]
        if not left:
            return None
        run = left[0]
        lock = run.take_lock(seconds)
    for earlier in _earlier(run, settings):
        if (first := Lock.take(earlier.path / "lock", 0)) is None:
            continue  # its own job has begun
        if _waits(earlier):
            theirs = _job(earlier)
            run.write_status(job={**_job(run), "id": theirs["id"]})
            earlier.write_status(job={**theirs, "id": id})
            lock.release()
            return earlier, first
        first.release()
    return run, lock


def _earlier(run: Run, settings: Settings) -> Iterator[Run]:
    """The waiting runs that were handed in before it and ask for the same, the first one first."""
    own, asked = _job(run), _asked(run, settings)
    waiting = [known.run for known in known_runs(settings.home) if _waits(known.run)]
    for each in sorted(waiting, key=lambda each: str(_job(each)["since"])):
        job = _job(each)
        before = job["cluster"] == own["cluster"] and str(job["since"]) < str(own["since"])
        if before and asked == _asked(each, settings):
            yield each


def _waits(run: Run) -> bool:
    with suppress(RunError):
        return run.status().get("state") == "queued" and bool(_job(run)["id"])
    return False


def _job(run: Run) -> dict[str, Any]:
    nothing = {"cluster": "", "id": "", "since": ""}
    with suppress(RunError):
        return {**nothing, **(run.status().get("job") or {})}
    return nothing


def _asked(run: Run, settings: Settings) -> Resources | None:
    with suppress(GlyphlabError):
        return resources_of(settings, run.recipe())
    return None
