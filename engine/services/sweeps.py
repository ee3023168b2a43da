"""Sweeps: a recipe and a search space, tried trial by trial. Each trial is an ordinary run; Optuna
decides what to try next.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import DamagedError, GlyphlabError, RecipeError, RunError
from engine.files.atomic import make_folder, write_text
from engine.progress import Cancelled
from engine.recipes.checks import check_known
from engine.runs.run_info import ALIVE
from engine.services.sweep_folders import SweepFolders
from engine.sweep.info import SweepInfo
from engine.sweep.space import longer, one_of_each, size_of, trial_recipe
from engine.sweep.spec import SweepSpec, read_sweep

if TYPE_CHECKING:
    from engine.jobs.launcher import Launcher
    from engine.progress import Progress
    from engine.recipes.recipe import Recipe
    from engine.store.store import Store
    from engine.sweep.store import TrialInfo


class Sweeps(SweepFolders):
    """The sweeps of a lab, and what a person does with them."""

    def __init__(self, store: Store, launcher: Launcher) -> None:
        super().__init__(store)
        self.launcher = launcher

    def list(self) -> list[SweepInfo]:
        """Every sweep, the one last touched first; of one that can't be read `error` says why."""
        return [self.info(name) for name in self._names()]

    def titles(self) -> dict[str, str]:
        """Name and title of every sweep, the one last touched first, without opening its trials; the
        title of one whose file can't be read is 'damaged'.
        """
        out = {}
        for name in self._names():
            try:
                out[name] = self.spec(name).title
            except GlyphlabError:
                out[name] = "damaged"
        return out

    def create(self, spec: SweepSpec) -> str:
        """Write a sweep down; one that is there with the same recipe and space is kept, and only
        its number of trials follows.

        Raises RecipeError if the space does not fit the recipe or names what is not known, or another
        sweep has this name;
        DataError, CheckpointError if it names data or a model that are unknown here, or data that
        nothing can be trained on.
        """
        recipe, *others = one_of_each(spec, self.store.recipe(spec.recipe, spec.changes))
        for tried in (recipe, *others):
            check_known(tried)
            self.launcher.check_data(tried)
        if not recipe.data.validation:
            raise RecipeError(
                f"recipe {spec.recipe} holds out no validation split to choose by",
                hint="Set data.validation in `changes`.",
            )
        file = self.folder / spec.name / "sweep.yaml"
        old = read_sweep(file) if file.exists() else None
        if not spec.storage:
            kept = old.storage if old else self.store.settings.sweep_storage
            spec = spec.model_copy(update={"storage": kept})
        if old:
            if _what_is_tried(old) != _what_is_tried(spec):
                raise RecipeError(
                    f"there is another sweep called {spec.name}",
                    hint="Give this one another name, or delete that one.",
                )
        make_folder(file.parent)
        write_text(file, spec.to_yaml())
        if not (file.parent / "wanted.json").exists():
            self.want(spec.name, "pause", spec.trials)
        return spec.name

    def start(self, name: str, trials: int | None = None, workers: int = 1) -> list[str]:
        """Have `workers` background tasks work on a sweep, until `trials` have ended; returns the
        tasks. Also how a sweep is resumed.
        """
        # A storage that can't be reached is told here, not in a worker's log.
        self.trials_store(name)
        self.want(name, "run", trials or self.wanted(name).trials or self.spec(name).trials)
        return [
            self.launcher.start_task("sweep", name=name, worker=worker) for worker in range(workers)
        ]

    def work(
        self,
        name: str,
        trials: int | None = None,
        progress: Progress | None = None,
        parallel: int = 1,
    ) -> None:
        """Be a worker, in this process, until the trials have ended; see
        engine.services.sweep_worker.work_on_sweep. parallel: trials at a time, the others by
        background workers, which stop when this one is interrupted.
        """
        from engine.progress import no_progress
        from engine.services.sweep_worker import work_on_sweep

        self.want(name, "run", trials or self.wanted(name).trials or self.spec(name).trials)
        if parallel > 1:
            self.start(name, trials, parallel - 1)
        try:
            work_on_sweep(self, self.launcher, name, progress or no_progress)
        except (KeyboardInterrupt, Cancelled):
            if parallel > 1:
                self.stop(name)
            raise

    def pause(self, name: str) -> None:
        """No new trials: the running ones come to their end."""
        self.want(name, "pause")

    def stop(self, name: str) -> None:
        """Stop at once; `start` goes on with the running trials where they stopped."""
        self.want(name, "stop")

    def delete(self, name: str) -> None:
        """Forget a sweep; its runs stay. Raises RunError while it runs."""
        folder = self._known(name)
        if self.workers(name) or self._starting(name):
            raise RunError(f"sweep {name} is running", hint="Stop it first.")
        with self._opening:
            self._stores.pop(name, None)
            self.store.trash.put(folder, "sweep", name)

    def info(self, name: str) -> SweepInfo:
        """How a sweep stands; of one that can't be read, why. Raises RunError if there is none."""
        self._known(name)
        spec = None
        try:
            spec = self.spec(name)
            return self._info(name, spec)
        except GlyphlabError as error:
            state = "unreachable" if spec and not isinstance(error, DamagedError) else "damaged"
            recipe, metric = (spec.recipe, spec.metric) if spec else ("", "")
            return SweepInfo(name, "", recipe, metric, state, 0, 0, 0, 0, 0, None, None, str(error))

    def _info(self, name: str, spec: SweepSpec) -> SweepInfo:
        trials = self.trials(name)
        ended = [trial for trial in trials if trial.state not in ("running", "waiting")]
        best = self.trials_store(name).best()
        goal = min(max(self.wanted(name).trials or spec.trials, len(ended)), size_of(spec) or 10**9)
        return SweepInfo(
            name=name,
            title=spec.title,
            recipe=spec.recipe,
            metric=spec.metric,
            state=self._state(name, len(ended) >= goal and len(ended) == len(trials)),
            done=len(ended),
            trials=goal,
            failed=sum(trial.state == "failed" for trial in ended),
            pruned=sum(trial.state == "pruned" for trial in ended),
            workers=self.workers(name),
            best=best.value if best else None,
            best_trial=best.number if best else None,
        )

    def _state(self, name: str, complete: bool) -> str:
        wanted = self.wanted(name)
        if self.workers(name) or (wanted.state == "run" and self._starting(name)):
            return {"run": "running", "pause": "pausing", "stop": "stopping"}[wanted.state]
        if complete:
            return "finished"
        return {"run": "interrupted", "pause": "paused", "stop": "stopped"}[wanted.state]

    def _starting(self, name: str) -> bool:
        """Whether a background worker's process is on its way up."""
        return any(
            task.state in ALIVE and task.arguments.get("name") == name
            for task in self.launcher.tasks("sweep")
        )

    def trials(self, name: str) -> list[TrialInfo]:
        """Every trial of a sweep, in the order they were drawn."""
        return self.trials_store(name).trials()

    def importances(self, name: str) -> dict[str, float]:
        """Share of the figure's variation that each field explains alone, 0..1, largest first, what
        is missing to 1 being of interactions; {} while too few trials have ended.
        """
        return self.trials_store(name).importances()

    def recipe(
        self,
        name: str,
        trial: int | None = None,
        changes: dict[str, Any] | None = None,
        title: str = "",
    ) -> Recipe:
        """The recipe of a trial (default: the best one), with `changes` on top. Raises RunError if
        there is no such trial.
        """
        from engine.recipes.recipe import make_recipe

        found = self._trial(name, trial)
        spec = self.spec(name)
        made = trial_recipe(
            spec, self.store.recipe(spec.recipe, spec.changes), found.values, found.number
        )
        value = "" if found.value is None else f", {spec.metric} {found.value:.4f}"
        about = f"Trial {found.name} of the sweep {name}{value}."
        return make_recipe(
            {**made.model_dump(mode="json"), "about": about, "title": title or made.title}, changes
        )

    def again(self, name: str, trial: int | None = None, times: float = 4.0) -> str:
        """Train a trial (default: the best one) again from the start, `times` as many epochs;
        returns the run's id.
        """
        changes = longer(self.recipe(name, trial), times)
        return self.launcher.submit(self.recipe(name, trial, changes), sweep=name)

    def promote(self, name: str, recipe_name: str, trial: int | None = None) -> Path:
        """Keep a trial (default: the best one) as a recipe of the lab; returns its file. Raises
        RecipeError if the name is taken.
        """
        return self.store.save_recipe(self.recipe(name, trial, {"name": recipe_name}))

    def _trial(self, name: str, number: int | None) -> TrialInfo:
        if number is None:
            best = self.trials_store(name).best()
            if best is None:
                raise RunError(f"no trial of sweep {name} has finished yet")
            return best
        for trial in self.trials(name):
            if trial.number == number:
                return trial
        raise RunError(f"sweep {name} has no trial {number}")


def _what_is_tried(spec: SweepSpec) -> dict[str, Any]:
    return spec.model_dump(
        include={"recipe", "changes", "space", "metric", "seed", "storage"}, mode="json"
    )
