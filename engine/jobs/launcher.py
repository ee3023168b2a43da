"""`Launcher`: starts, stops and resumes what is computed in the background, runs and tasks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import RunError
from engine.files.checked import Damaged
from engine.progress import Progress, no_progress
from engine.runs.run import Run, create_run

if TYPE_CHECKING:
    from engine.data.listing import Listing
    from engine.jobs.cluster.probe import Probe
    from engine.jobs.cluster.view import ClusterView
    from engine.jobs.executor import Executor
    from engine.jobs.tasks import TaskInfo
    from engine.recipes.recipe import Recipe
    from engine.store.store import Store


class Launcher:
    """Work on what a store holds, in processes of its own. Raises SettingsError for an executor
    that there is not.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        if store.settings.executor != "local":
            _ = self.executor  # told now, not with the first run

    @cached_property
    def executor(self) -> Executor:
        """Where runs are computed."""
        from engine.jobs.executors import executor_of

        return executor_of(self.store.settings)

    def refresh(self, wait: bool = False) -> None:
        """Bring runs and tasks up to date with what only a cluster knows of them; costs nothing on
        one machine, and nothing when called again within two seconds. `wait` until it is done.
        """
        if self.store.settings.executor != "local":
            self.executor.refresh(wait)

    def cluster(self) -> ClusterView | None:
        """The cluster on which runs and tasks are computed, as it was at the last `refresh`; None if
        that is this machine.
        """
        from engine.jobs.cluster.executor import ClusterExecutor

        return self.executor.view() if isinstance(self.executor, ClusterExecutor) else None

    def probe(self, progress: Progress = no_progress) -> Probe | None:
        """Find out whether the cluster's jobs see the home; None where there is no cluster. Raises
        ClusterError if no job is taken.
        """
        from engine.jobs.cluster.executor import ClusterExecutor

        executor = self.executor
        return executor.probe(progress) if isinstance(executor, ClusterExecutor) else None

    # runs

    def submit(self, recipe: Recipe, name: str | None = None, **status: Any) -> str:
        """Start a run in the background, after those that wait already; returns its id. Raises
        DataError, CheckpointError.

        A recipe that starts from another's model has that one started before it, if it was never
        run. name: the run's, if not the recipe's; `status` goes into the run's status (`sweep`: the
        sweep it belongs to).
        """
        from engine.store.lineage import untrained_parents

        for first in untrained_parents(self.store, recipe):
            self.executor.start(self._new_run(first, None))
        run = self._new_run(recipe, name, **status)
        self.executor.start(run)
        return run.id

    def train(
        self,
        recipe: Recipe,
        progress: Progress = no_progress,
        name: str | None = None,
        **status: Any,
    ) -> Run:
        """Run a recipe in this process, in its turn among the background runs, and return the run,
        whatever state it ended in.

        Ctrl-C stops it and keeps the best model. A recipe that starts from another's model has that
        one trained first, if it was never run. Raises DataError, CheckpointError before there is a
        run, RunError if the one it starts from did not end well.
        """
        from engine.jobs.queue import queue_of, queue_up
        from engine.jobs.worker import work_on_run
        from engine.store.lineage import untrained_parents

        for first in untrained_parents(self.store, recipe):
            parent = self.train(first, progress)
            if (info := parent.info()).state != "finished":
                raise RunError(
                    f"run {parent.id} of '{first.name}', from which '{recipe.name}' starts,"
                    f" {info.state}",
                    got=info.error,
                )
        run = self._new_run(recipe, name, **status)
        lock = run.take_lock()
        queue = queue_of(self.store.settings.device)
        work_on_run(self.store, run, lock, queue_up(self.store.home, queue, run.path), progress)
        return run

    def again(self, id: str, fine_tune: bool = False, **status: Any) -> str:
        """Start a run's recipe again in the background, on the labels as people mended them since;
        returns the new run's id. fine_tune: from the run's weights, not from scratch; `status` as of `submit`.
        Raises RunError if no label changed.
        """
        from engine.jobs.again import on_mended_labels

        recipe, name = on_mended_labels(self.store, id, fine_tune)
        return self.submit(recipe, name, before=self.store.run(id).id, **status)

    def with_test_split(self, id: str, share: float, **status: Any) -> str:
        """Start a run's recipe again in the background, with a `share` (0..1) of the images held out
        as a test split; returns the new run's id. `status` as of `submit`. Raises RunError if the run
        has a test split.
        """
        from engine.jobs.again import with_test_split

        recipe, name = with_test_split(self.store, id, share)
        return self.submit(recipe, name, before=self.store.run(id).id, **status)

    def check_data(self, recipe: Recipe) -> None:
        """Raise DataError or CheckpointError if a recipe names data or a model that are not here, or
        data without the labels that a training needs, or a share for a test split that is there;
        RecipeError for choices that can't be trained.
        """
        from engine.recipes.checks import check_recipe
        from engine.store.names import check_names
        from engine.store.trainable import check_data

        check_recipe(recipe)
        check_names(self.store, recipe)
        check_data(recipe.data, self.store.home, self._listing)

    def _new_run(self, recipe: Recipe, name: str | None, **status: Any) -> Run:
        from engine.store.labels import pinned

        self.check_data(recipe)
        self._check_devices(recipe)  # told now, not by a run that failed
        recipe = pinned(self.store.home, recipe)
        return create_run(self.store.home, recipe, name, cwd=str(Path.cwd()), **status)

    def _listing(self, name: str) -> Listing:
        """The names and given labels of a data set that is here; nothing is fetched. Raises DataError."""
        from engine.data.catalog import list_dataset

        settings = self.store.settings
        return list_dataset(
            name,
            folders=settings.data,
            home=self.store.home,
            offline=True,
            unpacked_mb=settings.unpacked_mb,
            progress=no_progress,
            names_only=settings.names_only,
        )

    def stop(self, id: str, at_once: bool = False) -> None:
        """Have a run stop and keep its best model; `at_once` kills it. Raises RunError if it is not
        alive.
        """
        self.executor.stop(self.store.run(id), at_once)

    def resume(self, id: str, resources: Mapping[str, Any] | None = None) -> None:
        """Go on with a stopped or failed run from its last checkpoint, in the same folder. resources:
        changes of its `resources.` fields, as over how many devices. Raises RunError if it finished
        or is alive, RecipeError for another field or too many devices.
        """
        from engine.jobs.executor import resume
        from engine.jobs.resources import with_resources

        run = self.store.run(id)
        changed = with_resources(run.recipe(), resources) if resources else None
        self._check_devices(changed or run.recipe())
        resume(self.executor, run, changed)

    def _check_devices(self, recipe: Recipe) -> None:
        """Raise RecipeError where a recipe asks for several nodes and can't have them, or for more
        devices than this machine has, if it would be computed here.
        """
        from engine.jobs.parallel import check_devices, check_place
        from engine.jobs.resources import resources_of_recipe

        settings, asked = self.store.settings, resources_of_recipe(recipe)
        check_place(settings, asked)
        if settings.executor == "local":
            check_devices(settings, asked)

    # background tasks

    def start_task(self, kind: str, *, owner: str = "", **arguments: Any) -> str:
        """Start a background task; returns its id. One with the same arguments is not started
        twice. owner: mark of the person who starts it.
        """
        from engine.jobs.tasks import start_task

        return start_task(self.store.home, self.executor, kind, arguments, owner)

    def task(self, id: str) -> TaskInfo:
        """How a task stands. Raises RunError if there is none."""
        from engine.jobs.tasks import task

        self.refresh()
        return task(self.store.home, id)

    def tasks(self, kind: str | None = None) -> list[TaskInfo]:
        """Tasks (of one kind), newest first."""
        from engine.jobs.tasks import tasks

        self.refresh()
        return tasks(self.store.home, kind)

    def damaged_tasks(self) -> list[Damaged]:
        """The tasks whose files can't be read, and why."""
        found = (info for info in self.tasks() if info.state == "damaged")
        return [Damaged("task", info.id, info.error or "") for info in found]

    def stop_task(self, id: str) -> None:
        """Have a task stop; nothing happens if it has ended."""
        from engine.jobs.tasks import stop_task

        stop_task(self.store.home, self.executor, id)
