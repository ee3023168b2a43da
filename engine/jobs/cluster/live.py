"""Runs and tasks that are jobs of a cluster and have not ended, looked at and ended alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import GlyphlabError
from engine.files.atomic import write_json
from engine.jobs.task_status import read_status, task_folders
from engine.runs.index import known_runs
from engine.runs.run import Run
from engine.runs.run_info import ALIVE
from engine.runs.times import now


@dataclass(frozen=True)
class LiveJob:
    """A run (None: a task), its folder, and its status when it was looked at."""

    folder: Path
    status: Mapping[str, Any]
    run: Run | None

    @property
    def id(self) -> str:
        """The cluster's id of the job."""
        return str(self.status["job"]["id"])

    @property
    def way_on(self) -> str:
        """What a person can do when its job was lost."""
        return "it can be resumed" if self.run else "start it again"

    def alive(self) -> bool:
        """Whether it has not ended by now. Raises GlyphlabError if its status can't be read."""
        status = self.run.status() if self.run else read_status(self.folder).model_dump()
        return status["state"] in ALIVE

    def end(self, state: str, words: str) -> None:
        """Write down how it ended; for the holder of its lock."""
        if self.run:
            lost = state == "failed"
            self.run.end(state, "" if lost else words, words if lost else None)
            return
        status = read_status(self.folder).model_dump()
        end = {"state": state, "error": words if state == "failed" else None, "finished": now()}
        write_json(self.folder / "status.json", {**status, **end})


def live_jobs(home: Path) -> list[LiveJob]:
    """All of a home, as far as their folders say."""
    return [*_runs(home), *_tasks(home)]


def _runs(home: Path) -> Iterator[LiveJob]:
    for known in known_runs(home):
        if not known.ended and known.status.get("job"):
            yield LiveJob(known.run.path, known.status, known.run)


def _tasks(home: Path) -> Iterator[LiveJob]:
    for folder in task_folders(home):
        with suppress(GlyphlabError, OSError):
            status = read_status(folder)
            if status.job is not None and status.state in ALIVE:
                yield LiveJob(folder, status.model_dump(), None)
