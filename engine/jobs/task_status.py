"""A background task's folder and its status.json, see engine.jobs.tasks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from engine.files.cache import FileCache
from engine.files.checked import Document, read_document

KEPT = 200  # ended tasks whose folders stay


class TaskStatus(Document):
    """A task's status.json."""

    kind: str
    state: Literal["queued", "running", "stopping", "finished", "stopped", "failed"]
    arguments: dict[str, Any] = {}
    created: str = ""
    finished: str | None = None
    done: int = Field(0, ge=0)
    total: int = Field(0, ge=0)
    what: str = ""
    result: Any = None
    error: str | None = None
    pid: int | None = Field(None, ge=1, le=2**31)
    host: str | None = None
    job: dict[str, str] | None = None
    owner: str = ""


def read_status(folder: Path) -> TaskStatus:
    """What a task's status.json says. Raises DamagedError."""
    file = folder / "status.json"
    try:
        return _statuses.get(file)
    except OSError:
        return _read(file)  # which says what it is


def _read(file: Path) -> TaskStatus:
    return read_document(file, TaskStatus, "Delete the folder, or start it again.")


_statuses = FileCache(_read, most=2 * KEPT)  # lists of tasks look at all of them


def task_folders(home: Path) -> list[Path]:
    """The folders of all tasks, newest first."""
    parent = Path(home) / "tasks"
    try:
        names = sorted(os.listdir(parent), reverse=True)
    except OSError:
        return []
    return [parent / name for name in names if name[0].isdigit()]
