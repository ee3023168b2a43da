"""Run folders: the truth about every training run, written here and nowhere else.

    runs/20260102T030405-quick-k3f9a2/
        recipe.yaml     the resolved recipe
        status.json     state, pid, host, heartbeat, device, progress, error; replaced whole, only
                        by the lock's holder
        metrics.jsonl   one JSON object a line, appended
        log.txt         what the run's process said
        lock            held (flock) by the run's process for as long as it lives
        stop            there while somebody wants the run to stop
        best/ last/     the best checkpoint, and where to go on from

A folder can be copied or archived and reads the same. A status that says 'running' without the lock
is a run that was killed.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from engine.errors import DamagedError, GlyphlabError, RunError
from engine.files.atomic import (
    failure,
    make_folder,
    rename_whole,
    tail_of,
    write_arrays,
    write_json,
    write_text,
)
from engine.files.checked import damaged, read_checked_json, wrong_field
from engine.files.documents import FinalRow, MetricsRow
from engine.files.locks import Lock, is_locked
from engine.runs.jsonl import append_row, last_row_of, line_of, rows_of
from engine.runs.run_info import ALIVE, RunInfo, Status, facts_of, info_of
from engine.runs.times import now

if TYPE_CHECKING:
    import numpy as np

    from engine.recipes.recipe import Recipe

HEARTBEAT_SECONDS = 1.0
DAMAGED = "Delete the run, or put its file back from a copy."


class Run:
    """One run folder. Anyone may read it; only the process that holds its lock writes it."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path).absolute()
        self.id = id_of(self.path)
        self.best, self.last = self.path / "best", self.path / "last"
        self._mine: dict[str, Any] | None = None
        self._beaten = 0.0
        self._writing = threading.RLock()

    def recipe(self) -> Recipe:
        from engine.recipes.recipe import read_recipe

        return read_recipe(self.path / "recipe.yaml")

    def write_recipe(self, recipe: Recipe) -> None:
        write_text(self.path / "recipe.yaml", recipe.to_yaml())

    @property
    def alive(self) -> bool:
        """Whether the run's process lives, be it training or waiting for its turn; of a cluster's
        job, whether nobody has seen that it has ended.
        """
        if is_locked(self.path / "lock"):
            return True
        with suppress(RunError):
            return _is_job(self.status())
        return False

    def take_lock(self, seconds: float = 0.5) -> Lock:
        """Become the run's process. Raises RunError if it has one, and still has after some
        seconds.
        """
        lock = Lock.take(self.path / "lock", seconds)
        if lock is None:
            raise RunError(
                f"run {self.id} is being worked on by another process",
                hint="Wait for its end, or stop it.",
            )
        return lock

    def status(self) -> dict[str, Any]:
        """What status.json says, or will say at the next heartbeat. Raises RunError if it is
        missing or damaged.
        """
        if self._mine is not None:
            return dict(self._mine)
        file = self.path / "status.json"
        try:
            found = read_checked_json(file, DAMAGED)
            Status.model_validate(found)
        except DamagedError as error:
            raise RunError(str(error)) from None
        except ValidationError as error:
            raise RunError(str(damaged(file, wrong_field(error), DAMAGED))) from None
        return dict(found)

    def write_status(self, **changes: Any) -> None:
        """Merge `changes` into status.json. For the holder of the lock. Raises GlyphlabError if the
        disk is full.
        """
        with self._writing:
            status = {**self.status(), **changes}
            write_json(self.path / "status.json", status)
            if self._mine is not None:
                self._mine = status

    def own(self, pid: int | None = None) -> None:
        """From here on this process is the run's, or writes for the one that is (`pid`): its pid and
        host are recorded, room for a last word on a full disk is kept.
        """
        with suppress(OSError):
            (self.path / ".reserve").write_bytes(bytes(16_384))
        self._mine = self.status()
        self.write_status(pid=pid or os.getpid(), host=socket.gethostname(), heartbeat=now())

    def read_again(self) -> None:
        """Go on with what another process wrote for this one meanwhile."""
        self._mine = None
        self._mine = self.status()

    def end(self, state: str, message: str = "", error: str | None = None, **more: Any) -> None:
        """The last thing that the run's process writes."""
        with suppress(OSError):
            (self.path / ".reserve").unlink()
        with suppress(OSError):
            (self.path / "stop").unlink()
        self.write_status(
            **{
                "state": state,
                "message": message,
                "error": error,
                "finished": now(),
                "heartbeat": now(),
                **more,
            }
        )
        self._mine = None
        self.log(f"{state}: {error or message}" if error or message else state)

    def heartbeat(self, **changes: Any) -> None:
        """A sign of life with what is new (epoch, epochs, done, total, what …), written at most
        once a second.
        """
        with self._writing:
            status = {**self.status(), **changes, "heartbeat": now()}
            moment = time.monotonic()
            if moment - self._beaten >= HEARTBEAT_SECONDS or status.get(
                "epoch"
            ) != self.status().get("epoch"):
                write_json(self.path / "status.json", status, lasting=False)
                self._beaten = moment
            if self._mine is not None:
                self._mine = status

    @property
    def stop_wanted(self) -> bool:
        return (self.path / "stop").exists()

    def ask_to_stop(self) -> None:
        """Leave word for the run's process, which keeps the best checkpoint and ends. Works from
        any machine that sees the folder.
        """
        write_text(self.path / "stop", now() + "\n")

    def append_metrics(self, row: Mapping[str, Any]) -> None:
        """Append one row to metrics.jsonl, whole or not at all. Raises GlyphlabError if the disk is
        full.
        """
        # A run goes on from the end of an epoch: its row must be there after a power cut as well.
        append_row(self.path / "metrics.jsonl", row, lasting=row.get("kind") != "step")

    def metrics(self, since: int = 0) -> list[MetricsRow]:
        """Rows from number `since` on; cheap to ask every second, as only what is new is read. The
        rows are not to be changed.
        """
        return cast("list[MetricsRow]", rows_of(self.path / "metrics.jsonl", since))

    def forget_after(self, epoch: int) -> None:
        """Drop the rows of later epochs and the final ones: a run that goes on from the end of
        `epoch` writes them again.
        """
        rows = self.metrics()
        kept = [
            row for row in rows if row.get("kind") != "final" and (row.get("epoch") or 0) <= epoch
        ]
        if len(kept) < len(rows):
            write_text(self.path / "metrics.jsonl", "".join(line_of(row) for row in kept))

    def write_arrays(self, name: str, **arrays: np.ndarray) -> None:
        """Write `<run>/<name>` (an .npz), whole or not at all."""
        write_arrays(self.path / name, **arrays)

    def final(self) -> FinalRow | None:
        """The final metrics, if the run got so far."""
        last = last_row_of(self.path / "metrics.jsonl")
        return cast("FinalRow", last) if last and last.get("kind") == "final" else None

    def log(self, text: str) -> None:
        """A line with the time in log.txt. A log that can't be written stops nothing."""
        with suppress(OSError), open(self.path / "log.txt", "a", encoding="utf-8") as file:
            file.write(f"{now()[:19].replace('T', ' ')} {text}\n")

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of log.txt."""
        return tail_of(self.path / "log.txt", lines)

    def info(self) -> RunInfo:
        """The run as lists show it, from status.json alone. Raises RunError if that can't be read."""
        status = self.status()
        alive = status.get("state") in ALIVE and (_is_job(status) or is_locked(self.path / "lock"))
        if status.get("state") in ALIVE and not alive:
            status = self.status()  # it may have ended between the two looks
        return info_of(self.id, self.path, status, alive, self.stop_wanted)

    def _state(self) -> str:
        try:
            return self.info().state
        except RunError:  # damaged
            return "running"

    def delete(self) -> None:
        """Remove the folder. Raises RunError while the run is alive."""
        if self.alive:
            raise RunError(f"run {self.id} is {self._state()}", hint="Stop it first.")
        gone = self.path.with_name(f".deleted-{self.path.name}")
        try:
            self.path.rename(gone)
        except OSError as error:
            raise failure(error, self.path) from error
        shutil.rmtree(gone, ignore_errors=True)


def _is_job(status: Mapping[str, Any]) -> bool:
    """Whether a cluster's job is at the run: whoever looks at the cluster writes down its end."""
    return status.get("state") in ALIVE and bool(status.get("job"))


def id_of(path: Path) -> str:
    """A run's id: the end of its folder's name; of a folder that was renamed by hand, all of it."""
    match = re.fullmatch(r"\d{8}T\d{6}-.*-([0-9a-z]{6})", path.name)
    return match[1] if match else path.name


def create_run(home: Path, recipe: Recipe, name: str | None = None, **status: Any) -> Run:
    """A new run folder in state 'queued', complete from the moment it is there. `name` is the
    run's, if not the recipe's.
    """
    name = name or recipe.name
    parent = Path(home) / "runs"
    created = now()
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "run"
    token = "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(6))
    path = parent / f"{re.sub(r'[-:]', '', created[:19])}-{slug}-{token}"
    fresh = parent / f".new-{path.name}"
    try:
        make_folder(fresh)
        write_text(fresh / "recipe.yaml", recipe.to_yaml())
        write_json(
            fresh / "status.json",
            {
                "state": "queued",
                "name": name,
                "title": recipe.title,
                **facts_of(recipe)._asdict(),
                "labels": recipe.data.labels,
                "journal": list(recipe.data.journal or ()),
                "created": created,
                "epoch": 0,
                "epochs": sum(stage.epochs for stage in recipe.resolved_stages()),
                "resumed": 0,
                **status,
            },
        )
        rename_whole(fresh, path)
    except (OSError, GlyphlabError) as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise failure(error, path) if isinstance(error, OSError) else error from error
    return Run(path)
