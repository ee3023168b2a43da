"""What this machine is busy with: a time that is named for a free machine is false on a busy one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.charts.words import literal
from engine.runs.run_info import ALIVE

if TYPE_CHECKING:
    from engine.lab import Lab

QUICK = "`quick` trains for under a minute on two free CPU cores"
BUSY_LOAD = (
    1.5  # processes that want to run for each core, from which on each gets two thirds of one
)
MOST_NAMED = 3

# kind of a task → what it does
TASK_WORDS = {
    "load": "decoding a data set",
    "gallery": "embedding training images",
    "evaluate": "evaluating a model",
    "embed": "embedding a data set",
    "project": "laying out an embedding map",
    "cluster": "finding clusters on a map",
    "unfold": "laying out the epochs of a run",
    "align-maps": "laying out the maps of two models",
    "measure": "measuring an embedding",
    "sweep": "a sweep",
    "find_rate": "searching for a learning rate",
    "diagnose": "diagnosing labels",
    "noise-trial": "a label noise experiment",
    "score-together": "scoring models on one data set",
    "confusions": "finding the images that a model misclassifies",
    "publish-labels": "making a data set of reviewed labels",
}


def busy_with(lab: Lab, but: str = "") -> str:
    """What this machine is busy with, in words, without the run `but`, what waits behind it and, while
    it waits itself, the runs that it waits for; '' where it is free.

    Markdown: 'training run mine and 2 queued runs'
    """
    alive = [run for run in lab.runs() if run.alive]
    runs = [run for run in alive if run.id != but]
    training = [f"training run {literal(run.name)}" for run in runs if run.state != "queued"]
    waits = any(run.id == but and run.state == "queued" for run in alive)  # that is said already
    parts = ([] if waits else training) + _tasks(lab)
    parts = parts[:MOST_NAMED] + _more(len(parts) - MOST_NAMED, "more task")
    if not but:
        parts += _more(sum(run.state == "queued" for run in runs), "queued run")
    own = 1 if but else 0  # that run wants a core itself
    if not parts and not (waits and training) and _load() >= BUSY_LOAD + own:
        parts = ["programs outside the lab"]
    return _listed(parts)


def tasks_at_work(lab: Lab) -> str:
    """The background tasks that are at work, which are no runs; '' if there is none.

    'diagnosing labels and a sweep'
    """
    parts = _tasks(lab)
    return _listed(parts[:MOST_NAMED] + _more(len(parts) - MOST_NAMED, "more task"))


def quick_takes(lab: Lab) -> str:
    """How long the first training takes, as a sentence that holds for this machine as it is now."""
    busy = busy_with(lab)
    if not busy:
        return f"{QUICK}."
    return f"{QUICK}. This machine is busy now ({busy}), so it will take longer."


def _tasks(lab: Lab) -> list[str]:
    """What each task does that has begun and not ended."""
    return [
        TASK_WORDS.get(task.kind, task.kind)
        for task in lab.tasks()
        if task.state in ALIVE and task.state != "queued"
    ]


def _more(count: int, what: str) -> list[str]:
    return [f"{count} {what}{'s' if count > 1 else ''}"] if count > 0 else []


def _listed(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def _load() -> float:
    """Processes that want to run, on average of the last minute, for each core that the lab may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        return os.getloadavg()[0] / (cores or 1)
    except OSError:  # not told on this system
        return 0.0
