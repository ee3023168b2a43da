"""Who has made something in a class."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from engine.files.trash import STUDENTS
from engine.runs.index import known_runs


def with_work(home: Path, ids: Collection[str], but: Collection[str] = ()) -> set[str]:
    """Those of these students (ids) of whom a run, a symbol or a drawing is here. but: ids of runs that
    do not count.
    """
    runs = [known for known in known_runs(home) if known.run.id not in but]
    owners = {known.status.get("owner") for known in runs}
    return {id for id in ids if id in owners or _has_files(Path(home) / STUDENTS / id)}


def _has_files(folder: Path) -> bool:
    return any(path.is_file() for path in folder.rglob("*"))
