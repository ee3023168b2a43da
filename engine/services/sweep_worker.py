"""A sweep's worker: take a trial, have it run, report every epoch, end it; and go on with the
trials of workers that died.

Each trial is an ordinary run in a process of its own, so a worker that is killed takes no training
with it: whoever comes next finds the trial without a holder and goes on watching its run, or
resumes the run if that was killed too.
"""

from __future__ import annotations

import math
import os
import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from engine.errors import (
    CheckpointError,
    DataError,
    GlyphlabError,
    ModelError,
    RecipeError,
    RunError,
)
from engine.files.locks import Lock
from engine.progress import Cancelled, Progress, no_progress
from engine.runs.run_info import ALIVE
from engine.sweep.claims import claim
from engine.sweep.space import decoded, trial_recipe
from engine.sweep.store import TrialInfo, TrialStore

if TYPE_CHECKING:
    from engine.jobs.launcher import Launcher
    from engine.runs.run import Run
    from engine.services.sweep_folders import SweepFolders

POLL_SECONDS = 0.3
BEAT_SECONDS = 30.0
HOPELESS = 3  # if so many trials all fail, the sweep is at fault


def work_on_sweep(
    sweeps: SweepFolders, launcher: Launcher, name: str, progress: Progress = no_progress
) -> None:
    """Work on a sweep until its trials have ended, or somebody pauses or stops it.

    Raises RunError if there is no such sweep, RecipeError if its first trials all fail. Interrupted
    (Cancelled, Ctrl-C), it stops the current run, which the next worker resumes.
    """
    store = sweeps.trials_store(name)
    workers = store.folder / "workers"
    workers.mkdir(exist_ok=True)
    mine = Lock.take(workers / f"{os.getpid()}-{secrets.token_hex(3)}.lock")
    assert mine is not None  # the name is this process's own
    try:
        while sweeps.wanted(name).state == "run":
            claimed = claim(store, sweeps.wanted(name).trials)
            if claimed is None:
                if not any(trial.state == "running" for trial in store.trials()):
                    return
                _show(
                    store,
                    sweeps.wanted(name).trials,
                    "waiting for the trials of other workers",
                    progress,
                )
                time.sleep(POLL_SECONDS)
                continue
            number, lock = claimed
            with lock:
                Watch(sweeps, launcher, store, number, progress).to_its_end()
            _check_hope(sweeps, store)
    finally:
        mine.path.unlink(missing_ok=True)
        mine.release()


def _show(store: TrialStore, trials: int, what: str, progress: Progress) -> None:
    done = sum(trial.state not in ("running", "waiting") for trial in store.trials())
    progress(done, max(trials, done), what)


def _check_hope(sweeps: SweepFolders, store: TrialStore) -> None:
    trials = [trial for trial in store.trials() if trial.state not in ("running", "waiting")]
    if len(trials) >= HOPELESS and all(trial.state == "failed" for trial in trials):
        sweeps.want(store.spec.name, "stop")
        raise RecipeError(
            f"the first {len(trials)} trials of sweep {store.spec.name} all failed",
            got=trials[-1].error,
        )


class Watch:
    """One trial, from wherever it stands to its end. Its lock is held by the caller."""

    def __init__(
        self,
        sweeps: SweepFolders,
        launcher: Launcher,
        store: TrialStore,
        number: int,
        progress: Progress,
    ) -> None:
        self.sweeps, self.launcher, self.store = sweeps, launcher, store
        self.number, self.progress = number, progress
        self.trial = store.trial(number)
        self.beaten = 0.0

    def info(self) -> TrialInfo:
        return self.store.info(self.store.study.get_trials(deepcopy=False)[self.number])

    def to_its_end(self) -> None:
        """Start or resume the run, report its epochs, and tell the study how it ended; it stays
        open if the sweep is stopped meanwhile.
        """
        try:
            run = self._run()
        except (
            RecipeError,
            DataError,
            ModelError,
            CheckpointError,
        ) as error:  # what this trial drew can't work
            self.store.tell(self.number, "failed", error=str(error))
            return
        try:
            while True:
                self._report(run)
                self.launcher.refresh()
                state = run.info().state
                if state not in ALIVE:
                    self._report(run)
                    if self._ended(run, state):
                        return
                elif self.sweeps.wanted(self.store.spec.name).state == "stop":
                    self._stop(run)
                    return
                elif self.info().epochs < run.info().epochs and self.trial.should_prune():
                    self._stop(run)
                    mark_pruned(run)
                    self._end("pruned", run)
                    return
                time.sleep(POLL_SECONDS)
        except (
            RunError
        ) as error:  # somebody deleted the run, or it does not measure what the sweep goes by
            with suppress(RunError):
                self.launcher.stop(run.id)
            self.store.tell(self.number, "failed", error=str(error))
        except (Cancelled, KeyboardInterrupt):
            with suppress(GlyphlabError):
                self.launcher.stop(run.id)
            raise

    def _run(self) -> Run:
        """The trial's run: the one it has, gone on with if it was stopped or killed, or a new one."""
        info, spec = self.info(), self.store.spec
        name = f"{spec.name}-{info.number:03d}"
        found = info.run or next(
            (
                run.id
                for run in self.sweeps.store.runs()
                if run.sweep == spec.name and run.name == name
            ),
            None,
        )
        if found is None:
            base = self.sweeps.store.recipe(spec.recipe, spec.changes)
            recipe = trial_recipe(spec, base, decoded(spec, self.trial.params), info.number)
            found = self.launcher.submit(recipe, sweep=spec.name)
        self.store.note(self.number, run=found)
        run = self.sweeps.store.run(found)
        self._wait_while_stopping(run)
        if run.info().state == "stopped":
            self.launcher.resume(found)
        return run

    def _report(self, run: Run) -> None:
        """Tell the study every epoch that it does not know yet."""
        metric = self.store.spec.metric
        rows = [row for row in run.metrics() if row.get("kind") == "epoch"]
        known = len(self.info().history)
        for epoch, row in enumerate(rows[known:], known + 1):
            if row.get(metric) is None:
                raise RunError(
                    f"the runs of recipe {self.store.spec.recipe} have no {metric}",
                    hint="Give the data a validation share.",
                )
            self.trial.report(
                float(row[metric]) if math.isfinite(row[metric]) else _worst(self.store), epoch
            )
        if time.monotonic() - self.beaten > BEAT_SECONDS:
            self.store.note(self.number, beat=time.time())
            self.beaten = time.monotonic()
        info = self.info()
        best = "" if info.value is None else f", best {metric} {info.value:.4f}"
        _show(
            self.store,
            self.sweeps.wanted(self.store.spec.name).trials,
            f"trial {info.name}: epoch {len(rows)}{best}",
            self.progress,
        )

    def _ended(self, run: Run, state: str) -> bool:
        """What came of a run that is no longer alive; False if it was resumed instead."""
        info = self.info()
        if (
            state == "failed"
            and not run.status().get("mistake")
            and info.retries < self.store.spec.retries
        ):
            self.store.note(self.number, retries=info.retries + 1)
            self.launcher.resume(run.id)
            return False
        if state == "failed":
            self._end("failed", run, error=run.info().error or "its run failed")
        elif state == "finished" and info.value is None:
            self._end("failed", run, error="its run has no epoch")
        else:  # stopped by hand: what it reached is no answer to how good it can be
            self._end("finished" if state == "finished" else "pruned", run)
        return True

    def _stop(self, run: Run) -> None:
        with suppress(RunError):  # it may have ended by itself
            self.launcher.stop(run.id)
        self._wait_while_stopping(run)
        self._report(run)

    def _wait_while_stopping(self, run: Run) -> None:
        while run.info().state == "stopping":
            self.launcher.refresh()
            time.sleep(POLL_SECONDS)

    def _end(self, state: str, run: Run, **notes: Any) -> None:
        rows = [row for row in run.metrics() if row["kind"] == "epoch"]
        self.store.tell(
            self.number,
            state,
            self.info().value,
            seconds=rows[-1]["seconds"] if rows else None,
            **notes,
        )


def mark_pruned(run: Run) -> None:
    """Write into the run's status that its sweep stopped it, for lists of runs."""
    with suppress(RunError):  # somebody goes on with it already
        lock = run.take_lock()
        with lock:
            run.write_status(pruned=True)


def _worst(store: TrialStore) -> float:
    return -1e9 if store.spec.direction == "maximize" else 1e9
