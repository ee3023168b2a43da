"""`Lab`: the one door to everything, for pages, canvas and command line. It takes its home as an
argument and loads nothing heavy.
"""

from __future__ import annotations

import dataclasses
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import __version__
from engine.errors import GlyphlabError, RunError
from engine.progress import Progress, no_progress
from engine.rooms import Rooms
from engine.runs.index import find_run, known_runs, mark_killed
from engine.runs.run import Run, create_run
from engine.runs.run_info import RunInfo
from engine.settings import Settings, read_settings

if TYPE_CHECKING:
    from engine.data.imageset import ImageSet
    from engine.data.info import DatasetInfo
    from engine.jobs.executor import Executor
    from engine.jobs.tasks import TaskInfo
    from engine.models.predictor import Predictor
    from engine.recipe import DataSpec, Recipe
    from engine.store.models import ModelInfo
    from engine.store.recipes import RecipeInfo

PREDICTORS = 4  # models kept loaded


class Lab(Rooms):
    """A lab in the folder `home`: its data, recipes, runs, models and background tasks. May be
    shared by threads.
    """

    def __init__(self, home: Path, settings: Settings | None = None) -> None:
        self.home = Path(home).absolute()
        self.settings = dataclasses.replace(settings or read_settings({}), home=self.home)
        self._predictors: OrderedDict[tuple[Path, int], Predictor] = OrderedDict()
        self._loading = threading.Lock()

    @classmethod
    def open(cls, environ: Mapping[str, str]) -> Lab:
        """The lab that the settings in `environ` describe; writes down which runs were killed
        since. Raises SettingsError.
        """
        settings = read_settings(environ)
        lab = cls(settings.home, settings)
        mark_killed(lab.home)
        return lab

    # what is here

    def datasets(self) -> list[DatasetInfo]:
        """The data sets known by name, and what was uploaded; those at hand first."""
        return self.data.list()

    def recipes(self) -> list[RecipeInfo]:
        """The recipes that come with the lab, and those saved in it."""
        from engine.store.recipes import list_recipes

        return list_recipes(self.home)

    def models(self) -> list[ModelInfo]:
        """Saved models: shipped ones, then those of runs, newest first."""
        from engine.store.models import list_models

        return list_models(self.home)

    def runs(self) -> list[RunInfo]:
        """Every run, newest first."""
        out = []
        for known in known_runs(self.home):
            with suppress(GlyphlabError):  # deleted while we looked
                out.append(known.info())
        return out

    def health(self) -> dict[str, Any]:
        """The lab in a few words, cheap to ask: version, device, how many runs compute and wait,
        whether torch is loaded.
        """
        from engine.jobs.queue import queue_of

        states = [run.state for run in self.runs()]
        return {
            "version": __version__,
            "device": queue_of(self.settings.device),
            "running": states.count("running") + states.count("stopping"),
            "queued": states.count("queued"),
            "torch_loaded": "torch" in sys.modules,
        }

    # data and recipes

    def dataset(
        self,
        name: str | DataSpec,
        style: str | None = None,
        size: int | None = None,
        progress: Progress = no_progress,
    ) -> ImageSet:
        """A data set by name, path or spec, in a `style` and `size` (pixels) if not its own. Raises
        DataError.
        """
        from engine.data.catalog import load_dataset
        from engine.recipe import DataSpec

        spec = DataSpec(name=name) if isinstance(name, str) else name
        changes = {
            key: value for key, value in (("style", style), ("size", size)) if value is not None
        }
        settings = self.settings
        return load_dataset(
            spec.model_copy(update=changes),
            folders=settings.data,
            home=self.home,
            offline=settings.offline,
            unpacked_mb=settings.unpacked_mb,
            progress=progress,
        )

    def recipe(self, name: str | Path, changes: Mapping[str, Any] | None = None) -> Recipe:
        """A recipe by name (shipped or saved) or YAML file, with `changes` (key.path → value).
        Raises RecipeError.
        """
        from engine.store.recipes import find_recipe

        return find_recipe(self.home, name, changes)

    def save_recipe(self, recipe: Recipe) -> Path:
        """Keep a recipe in the lab under its name; returns its file. Raises RecipeError for a name
        that is taken by a shipped one.
        """
        from engine.store.recipes import keep_recipe

        return keep_recipe(self.home, recipe)

    # runs

    @cached_property
    def executor(self) -> Executor:
        from engine.jobs.executor import LocalExecutor

        return LocalExecutor(self.settings)

    def run(self, id: str | Path) -> Run:
        """A run by its id, folder name or path. Raises RunError."""
        return find_run(self.home, id)

    def submit(self, recipe: Recipe, name: str | None = None, **status: Any) -> str:
        """Start a run in the background, after those that wait already; returns its id. Raises
        DataError, CheckpointError.

        A recipe that starts from another's model has that one started before it, if it was never
        run. name: the run's, if not the recipe's; `status` goes into the run's status (`sweep`: the
        sweep it belongs to).
        """
        from engine.store.lineage import untrained_parents

        for first in untrained_parents(self, recipe):
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
        from engine.jobs.worker import work
        from engine.store.lineage import untrained_parents

        for first in untrained_parents(self, recipe):
            parent = self.train(first, progress)
            if (info := parent.info()).state != "finished":
                raise RunError(
                    f"run {parent.id} of '{first.name}', from which '{recipe.name}' starts,"
                    f" {info.state}",
                    got=info.error,
                )
        run = self._new_run(recipe, name, **status)
        lock = run.take_lock()
        work(
            self, run, lock, queue_up(self.home, queue_of(self.settings.device), run.path), progress
        )
        return run

    def _new_run(self, recipe: Recipe, name: str | None, **status: Any) -> Run:
        from engine.store.recipes import check_names

        check_names(self, recipe)
        return create_run(self.home, recipe, name, cwd=str(Path.cwd()), **status)

    def stop(self, id: str, at_once: bool = False) -> None:
        """Have a run stop and keep its best model; `at_once` kills it. Raises RunError if it is not
        alive.
        """
        self.executor.stop(self.run(id), at_once)

    def resume(self, id: str) -> None:
        """Go on with a stopped or failed run from its last checkpoint, in the same folder. Raises
        RunError if it finished or is alive.
        """
        from engine.jobs.executor import resume

        resume(self.executor, self.run(id))

    def delete(self, id: str) -> None:
        """Remove a run with all it holds. Raises RunError while it is alive."""
        self.run(id).delete()

    # models

    def model_folder(self, name: str | Path) -> Path:
        """A model's checkpoint folder: a name in checkpoints/, a run id, a folder or a recipe (its
        newest run). Raises CheckpointError.
        """
        from engine.store.models import model_folder

        return model_folder(self.home, name)

    def model_meta(self, name: str | Path) -> dict[str, Any]:
        """What a model's checkpoint.json says. Raises CheckpointError."""
        from engine.models.checkpoint import read_meta

        return read_meta(self.model_folder(name))

    def predictor(self, name: str | Path) -> Predictor:
        """The model, loaded and ready; the last few are kept. Raises CheckpointError."""
        folder = self.model_folder(name)
        key = (folder, (folder / "checkpoint.json").stat().st_mtime_ns)
        with self._loading:
            if key not in self._predictors:
                from engine.device import pick_device
                from engine.models.checkpoint import load_checkpoint
                from engine.models.predictor import Predictor

                device, _ = pick_device(self.settings.device)
                self._predictors[key] = Predictor(load_checkpoint(folder, str(device)), device)
            self._predictors.move_to_end(key)
            while len(self._predictors) > PREDICTORS:
                self._predictors.popitem(last=False)
            return self._predictors[key]

    def evaluate(
        self, model: str, data: str, split: str | None = None, progress: Progress = no_progress
    ) -> dict[str, Any]:
        """Score a model on a data set or a path; see engine.services.evaluation. Raises
        CheckpointError, DataError.
        """
        from engine.services.evaluation import evaluate

        return evaluate(self, model, data, split, progress)

    def export_onnx(self, model: str, file: Path) -> Path:
        """Write a model as ONNX; see engine.models.onnx_export. Raises CheckpointError."""
        from engine.models.onnx_export import export_onnx

        return export_onnx(self.model_folder(model), Path(file))

    # background tasks

    def start_task(self, kind: str, **arguments: Any) -> str:
        """Start a background task, a kind in engine.jobs.tasks.TASKS; returns its id. One with the
        same arguments is not started twice.
        """
        from engine.jobs.tasks import start_task

        return start_task(self.home, self.settings, kind, arguments)

    def task(self, id: str) -> TaskInfo:
        """How a task stands. Raises RunError if there is none."""
        from engine.jobs.tasks import task

        return task(self.home, id)

    def tasks(self, kind: str | None = None) -> list[TaskInfo]:
        """Tasks (of one kind), newest first."""
        from engine.jobs.tasks import tasks

        return tasks(self.home, kind)

    def stop_task(self, id: str) -> None:
        """Have a task stop; nothing happens if it has ended."""
        from engine.jobs.tasks import stop_task

        stop_task(self.home, id)
