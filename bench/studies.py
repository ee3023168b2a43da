"""The published experiments at full size, several side by side, within a number of minutes.

What each takes is measured beforehand, on steps of its own network, and printed. Nothing is lost
when the time is over, or the machine: called again with the same folder it goes on, each run from its
last epoch. What it leaves in that folder is what it has to bring back: run folders, small weights and
records.csv.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bench.records import append
from bench.step_cost import seconds_of
from engine.device import usable_cores
from engine.errors import RecipeError, unknown
from engine.files.atomic import read_json, write_json
from engine.runs.run import Run, create_run
from engine.services.studies import STUDIES
from engine.settings import ROOT, read_settings
from engine.store.store import Store

if TYPE_CHECKING:
    from engine.recipes.recipe import Recipe

EXPERIMENTS = tuple(name for part in STUDIES.values() for name in part.recipes)
FIGURES = ("test_accuracy", "test_last5", "val_accuracy", "knn_accuracy")
AT_ONCE = {"cuda": 4}  # small networks leave most of a GPU idle; elsewhere one run has all cores
SMALL_BYTES = 20_000_000  # weights that are brought back
CLOSE_SECONDS = 10  # kept of the minutes for a run to end its step and for the records


@dataclass(frozen=True)
class Job:
    """One run of an experiment. parent: the key of the job whose model it starts from."""

    recipe: str
    seed: int
    split: int
    parent: str | None = None

    @property
    def key(self) -> str:
        return f"{self.recipe}, seed {self.seed}, split {self.split}"


def plan(
    store: Store, names: Sequence[str], seeds: Sequence[int], splits: Sequence[int]
) -> list[Job]:
    """A job for each experiment, seed and split, after the one that it starts from. Raises
    RecipeError for a name that is no recipe's.
    """
    recipes = {info.name for info in store.recipes()}
    jobs: dict[str, Job] = {}

    def add(name: str, seed: int, split: int) -> str:
        if name not in recipes:
            raise RecipeError(unknown("recipe", name, sorted(recipes)))
        parent = store.recipe(name).init_from
        own = parent in recipes and not (store.checkpoints / parent / "checkpoint.json").exists()
        first = add(parent, seed, split) if parent and own else None
        job = Job(name, seed, split, first)
        jobs.setdefault(job.key, job)
        return job.key

    for seed in seeds:
        for split in splits:
            for name in names:
                add(name, seed, split)
    return list(jobs.values())


def recipe_of(store: Store, job: Job, scale: str, parent: Run | None = None) -> Recipe:
    """The job's recipe, starting from `parent`'s model if there is one."""
    changes: dict[str, object] = {"scale": scale, "seed": job.seed, "data.seed": job.split}
    if parent:
        changes["init_from"] = parent.id
    return store.recipe(job.recipe, changes)


class Bench:
    """The jobs of a folder: `folder/home` holds their runs, `folder/jobs.json` which run is whose.

    store: of `folder/home`; jobs: as `plan` returns them.
    """

    def __init__(self, folder: Path, store: Store, jobs: Sequence[Job], scale: str) -> None:
        self.folder, self.store, self.scale = folder, store, scale
        self.jobs = {job.key: job for job in jobs}
        self._known: dict[str, str] = read_json(folder / "jobs.json") or {}

    def run_of(self, job: Job) -> Run | None:
        """The job's run, if it was begun."""
        id = self._known.get(self._key(job))
        return self.store.run(id) if id else None

    def state(self, job: Job) -> str:
        """'new', or the state of its run; a run whose process is gone is 'failed' as anywhere."""
        run = self.run_of(job)
        return run.info().state if run else "new"

    def left(self) -> list[Job]:
        """The jobs that have not finished, in the order in which they may begin."""
        return [job for job in self.jobs.values() if self.state(job) != "finished"]

    def unrecorded(self) -> list[Job]:
        """The jobs that have finished and were not brought back, which is done once they are recorded."""
        done = [job for job in self.jobs.values() if self.state(job) == "finished"]
        return [job for job in done if not self._brought(job).exists()]

    def side_by_side(
        self, expected: dict[str, float], at_once: int, seconds: float
    ) -> Iterator[tuple[Job, str]]:
        """Run what is left, at most `at_once` at a time, and yield each job with the state in which
        it ended. When the seconds are over those that run are told to go; they go on next time.

        The longest begins first, a job after its parent; each job is tried once.
        """
        end = time.monotonic() + seconds
        waiting = sorted(self.left(), key=lambda job: -expected.get(job.key, 0))
        running: dict[str, tuple[Job, subprocess.Popen[bytes]]] = {}
        try:
            while (waiting or running) and time.monotonic() < end:
                for job in [one for one in waiting if self._may_begin(one)]:
                    if len(running) < at_once:
                        waiting.remove(job)
                        running[job.key] = job, self._begin(job, at_once)
                if not running:
                    return  # what waits has a parent that failed
                time.sleep(0.2)
                for job, process in list(running.values()):
                    if process.poll() is not None:
                        del running[job.key]
                        yield job, self.state(job)
            for job, process in list(running.values()):
                process.terminate()
                process.wait()
                del running[job.key]
                yield job, self.state(job)
        finally:
            for _, process in running.values():
                process.terminate()
                process.wait()

    def bring_back(self, job: Job) -> Path:
        """Copy what is small of a finished run into `folder/bring`: its figures, log, predictions and
        a model below 20 MB; without the state that it would go on from.
        """
        run, target = self.run_of(job), self._brought(job)
        assert run is not None

        def large(where: str, names: list[str]) -> list[str]:
            return [
                name
                for name in names
                if name == "last" or (Path(where) / name).stat().st_size > SMALL_BYTES
            ]

        half = target.with_name(f".{target.name}")
        shutil.copytree(run.path, half, ignore=large, dirs_exist_ok=True)
        half.rename(target)
        return target

    def _brought(self, job: Job) -> Path:
        run = self.run_of(job)
        assert run is not None
        return self.folder / "bring" / run.id

    def _key(self, job: Job) -> str:
        return f"{job.key}, {self.scale}"

    def _may_begin(self, job: Job) -> bool:
        return job.parent is None or self.state(self.jobs[job.parent]) == "finished"

    def _begin(self, job: Job, at_once: int) -> subprocess.Popen[bytes]:
        run = self.run_of(job)
        if run is None:
            parent = self.run_of(self.jobs[job.parent]) if job.parent else None
            recipe = recipe_of(self.store, job, self.scale, parent)
            run = create_run(self.store.home, recipe, cwd=str(Path.cwd()))
            self._known[self._key(job)] = run.id
            write_json(self.folder / "jobs.json", self._known)
        threads = max(1, usable_cores() // at_once)
        environ = os.environ | {
            "GLYPHLAB_HOME": str(self.store.home),
            "GLYPHLAB_DEVICE": self.store.settings.device,
            "GLYPHLAB_THREADS": str(threads),
            "OMP_NUM_THREADS": str(threads),
        }
        with (run.path / "log.txt").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "engine", "_job", str(run.path)],
                cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip


def record(bench: Bench, job: Job, *files: Path) -> dict[str, float]:
    """Append the figures of a finished job to the files and return them by name."""
    run = bench.run_of(job)
    assert run is not None
    final = cast("Mapping[str, Any]", run.final() or {})
    figures = {name: float(final[name]) for name in FIGURES if final.get(name) is not None}
    rows = [
        {
            "bench_or_recipe": job.recipe,
            "scale": bench.scale,
            "seed": f"{job.seed}, split {job.split}",
            "metric": name,
            "value": f"{value:.6g}",
            "seconds": f"{run.info().seconds or 0:.1f}",
        }
        for name, value in figures.items()
    ]
    for file in files:
        append(rows, file)
    return {f"{job.key}, {name}": value for name, value in figures.items()}


def settled(bench: Bench, *files: Path) -> dict[str, float]:
    """Record and bring back what has finished since the last call; returns its figures by name."""
    figures: dict[str, float] = {}
    for job in bench.unrecorded():
        figures |= record(bench, job, *files)
        bench.bring_back(job)
    return figures


def main(
    names: Sequence[str] = (),
    *,
    device: str = "auto",
    minutes: float = 9,
    seeds: Sequence[int] = (0,),
    splits: Sequence[int] = (0,),
    scale: str = "full",
    at_once: int = 0,
    out: Path = Path("studies"),
    records: Path | None = None,
) -> dict[str, float]:
    """Run the named experiments (all without names) and return the figures of those that finished
    now, appended to records.csv of this folder and of `out`. Raises RecipeError, SettingsError.
    """
    from bench.records import FILE
    from engine.device import pick_device

    end = time.monotonic() + 60 * minutes - CLOSE_SECONDS
    where, _ = pick_device(device)
    home = out.resolve() / "home"
    home.mkdir(parents=True, exist_ok=True)
    settings = dataclasses.replace(read_settings(os.environ), home=home, device=device)
    store = Store(home, settings)
    bench = Bench(out, store, plan(store, names or EXPERIMENTS, seeds, splits), scale)
    at_once = at_once or AT_ONCE.get(where.type, 1)
    expected = {
        job.key: seconds_of(store, recipe_of(store, job, scale), where) for job in bench.left()
    }
    for key, seconds in expected.items():
        print(f"  {key}: {seconds:,.0f} s alone")
    together = max([sum(expected.values()) / at_once, *expected.values()]) if expected else 0
    print(f"  {len(expected)} runs, {at_once} at once: {together / 60:,.1f} minutes at least")
    files = out / "records.csv", records or FILE
    figures = settled(bench, *files)  # what a call that was killed left behind
    for job, state in bench.side_by_side(expected, at_once, end - time.monotonic()):
        print(f"  {job.key}: {state}")
        figures |= settled(bench, *files)
    if left := bench.left():
        print(f"  {len(left)} left; the same command goes on with them")
    return figures
