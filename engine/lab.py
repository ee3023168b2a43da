"""`Lab`: the one door to everything, for pages, canvas, command line and notebooks. It composes the
store, the launcher and the services, takes its home as an argument, and loads nothing heavy.
"""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from engine import __version__
from engine.errors import RightsError, RunError, unknown
from engine.files.checked import Damaged
from engine.jobs.launcher import Launcher
from engine.progress import Progress, no_progress
from engine.runs.index import mark_killed
from engine.runs.run import Run
from engine.services.rooms import Services
from engine.settings import Settings, read_settings
from engine.store.store import CHECKPOINTS, RECORDS, Store

if TYPE_CHECKING:
    from engine.data.imageset import ImageSet
    from engine.data.info import DatasetInfo
    from engine.files.documents import CheckpointMeta
    from engine.jobs.executor import Executor
    from engine.jobs.tasks import TaskInfo
    from engine.models.predictor import Predictor
    from engine.people.person import Person
    from engine.recipes.fields import DataSpec
    from engine.recipes.recipe import Recipe
    from engine.runs.run_info import RunInfo
    from engine.services.drawings import Drawings
    from engine.services.few_shot import Taught
    from engine.store.models import ModelInfo
    from engine.store.recipes import RecipeInfo


MOST_OWN = 500  # examples, and drawings, of a student or visitor
MOST_VISITS = 300  # visitors who have taught or drawn something
MOST_PEOPLE = 100  # whose taught symbols are kept as vectors


class Own(NamedTuple):
    """What is one person's own."""

    taught: Taught
    drawings: Drawings


class Lab(Services):
    """A lab in the folder `home`: its data, recipes, runs, models and background tasks. May be
    shared by threads.

    store     what it holds, found by name
    launcher  starts, stops and resumes what is computed in the background

    The other attributes are its services (engine.services.rooms).
    """

    def __init__(
        self,
        home: Path,
        settings: Settings | None = None,
        *,
        checkpoints: Path = CHECKPOINTS,
        records: Path = RECORDS,
    ) -> None:
        store = Store(home, settings, checkpoints=checkpoints, records=records)
        super().__init__(store, Launcher(store))
        self.home, self.settings = self.store.home, self.store.settings
        self.trash = self.store.trash
        self._own: OrderedDict[str, Own] = OrderedDict()
        self._changing_own = threading.Lock()

    @classmethod
    def open(cls, environ: Mapping[str, str]) -> Lab:
        """The lab that the settings in `environ` describe; writes down which runs were killed
        since. Raises SettingsError.
        """
        settings = read_settings(environ)
        lab = cls(settings.home, settings)
        mark_killed(lab.home)
        lab.trash.sweep()
        return lab

    def for_person(self, person: Person) -> Lab:
        """The lab as a person has it: every call is checked against the person's rights, and what is
        taught and drawn is the person's own. Cheap. Raises RightsError where something is not allowed.
        """
        from engine.people.door import Gate, LabDoor

        if person.leads:
            return self
        room = self.classroom
        gate = Gate(person, self, lambda: self._own_of(person), lambda: room.is_locked_for(person))
        return cast("Lab", LabDoor(self, gate))

    def may(self, deed: str) -> bool:
        """Whether whoever has this lab may do a deed (engine.people.rights): its owner may. For pages,
        which need not offer what would be refused.
        """
        return True

    def why_not(self, deed: str, owner: str | None = None) -> str:
        """Why whoever has this lab may not do a deed, as a sentence; '' where they may, as its owner.
        owner: mark of the person whose it is that the deed is done to; None: their own.
        """
        return ""

    def why_not_submit(self, recipe: Recipe) -> str:
        """Why `submit` would refuse whoever has this lab this recipe now; '' for its owner."""
        return ""

    def _own_of(self, person: Person) -> Own:
        from engine.people.person import own_folder
        from engine.services.drawings import Drawings
        from engine.services.few_shot import Taught

        folder = own_folder(self.home, person)
        if person.role == "visitor" and not folder.exists() and folder.parent.exists():
            if sum(1 for _ in folder.parent.iterdir()) >= MOST_VISITS:
                raise RightsError("too many visitors keep something here", hint="Try again later.")
        with self._changing_own:
            if person.id not in self._own:
                name = f"drawings-{folder.parent.name}-{person.id}"
                taught = Taught(self.store, folder / "taught", MOST_OWN)
                self._own[person.id] = Own(taught, Drawings(self.store, name, MOST_OWN))
            self._own.move_to_end(person.id)
            while len(self._own) > MOST_PEOPLE:
                self._own.popitem(last=False)
            return self._own[person.id]

    def health(self) -> dict[str, Any]:
        """The lab in a few words, cheap to ask: version, device, live runs, torch loaded or not."""
        from engine.jobs.queue import queue_of

        states = [run.state for run in self.runs()]
        return {
            "version": __version__,
            "device": queue_of(self.settings.device),
            "running": states.count("running") + states.count("stopping"),
            "queued": states.count("queued"),
            "torch_loaded": "torch" in sys.modules,
        }

    def damaged(self) -> list[Damaged]:
        """Every entry of the lab that can't be read, with the reason and what to do."""
        sweeps = [
            Damaged("sweep", info.name, info.error) for info in self.sweeps.list() if info.error
        ]
        return [
            *self.store.damaged(),
            *sweeps,
            *self.launcher.damaged_tasks(),
            *self.spaces.damaged(),
            *self.noise.damaged(),
            *self.taught.damaged(),
        ]

    # what is here: see Store

    def datasets(self) -> list[DatasetInfo]:
        """The data sets known by name, what was uploaded, and folders in GLYPHLAB_DATA that hold one;
        those available here first.
        """
        return self.store.datasets()

    def dataset(
        self,
        name: str | DataSpec,
        style: str | None = None,
        size: int | None = None,
        progress: Progress = no_progress,
    ) -> ImageSet:
        """A data set by name, path or spec, in a `style` and `size` (pixels) if not its own."""
        return self.store.dataset(name, style, size, progress)

    def recipes(self) -> list[RecipeInfo]:
        """The recipes that come with the lab, and those saved in it."""
        return self.store.recipes()

    def recipe(self, name: str | Path, changes: Mapping[str, Any] | None = None) -> Recipe:
        """A recipe by name or YAML file, with `changes` (key.path → value). Raises RecipeError."""
        return self.store.recipe(name, changes)

    def save_recipe(self, recipe: Recipe) -> Path:
        """Keep a recipe in the lab under its name; returns its file. Raises RecipeError."""
        return self.store.save_recipe(recipe)

    def runs(self) -> list[RunInfo]:
        """Every run, newest first."""
        self.launcher.refresh()
        return self.store.runs()

    def run(self, id: str | Path) -> Run:
        """A run by its id, folder name or path. Raises RunError."""
        self.launcher.refresh()
        return self.store.run(id)

    def models(self) -> list[ModelInfo]:
        """Saved models: shipped ones, then those of runs, newest first."""
        return self.store.models()

    def model_folder(self, name: str | Path) -> Path:
        """A model's checkpoint folder, by its name, a run's id, a folder or a recipe."""
        return self.store.model_folder(name)

    def model_meta(self, name: str | Path) -> CheckpointMeta:
        """What a model's checkpoint.json says. Raises CheckpointError."""
        return self.store.model_meta(name)

    def predictor(self, name: str | Path) -> Predictor:
        """The model, loaded and ready. Raises CheckpointError."""
        return self.store.predictor(name)

    # runs and background tasks: see Launcher

    @property
    def executor(self) -> Executor:
        """Where runs are computed."""
        return self.launcher.executor

    def submit(self, recipe: Recipe, name: str | None = None, **status: Any) -> str:
        """Start a run in the background; returns its id. Raises DataError, CheckpointError."""
        return self.launcher.submit(recipe, name, **status)

    def train(
        self,
        recipe: Recipe,
        progress: Progress = no_progress,
        name: str | None = None,
        **status: Any,
    ) -> Run:
        """Run a recipe in this process and return the run, whatever state it ended in. Raises
        DataError, CheckpointError, RunError.
        """
        return self.launcher.train(recipe, progress, name, **status)

    def stop(self, id: str, at_once: bool = False) -> None:
        """Have a run stop and keep its best model; `at_once` kills it. Raises RunError."""
        self.launcher.stop(id, at_once)

    def resume(self, id: str, resources: Mapping[str, Any] | None = None) -> None:
        """Go on with a stopped or failed run from its last checkpoint. resources: `resources.` fields
        that change, as over how many devices it trains. Raises RunError, RecipeError.
        """
        self.launcher.resume(id, resources)

    def delete(self, id: str) -> None:
        """Move a run, or a model from the Hub, to the trash. Raises RunError while it is alive."""
        self.store.delete(id)

    def start_task(self, kind: str, *, owner: str = "", **arguments: Any) -> str:
        """Start a background task, a kind in engine.services.background.TASKS; returns its id. One
        with the same arguments is not started twice. Raises RunError for an unknown kind. owner: mark
        of the person who starts it.
        """
        from engine.services.background import TASKS

        if kind not in TASKS:
            raise RunError(unknown("task", kind, TASKS))
        return self.launcher.start_task(kind, owner=owner, **arguments)

    def task(self, id: str) -> TaskInfo:
        """How a task stands. Raises RunError if there is none."""
        return self.launcher.task(id)

    def tasks(self, kind: str | None = None) -> list[TaskInfo]:
        """Tasks (of one kind), newest first."""
        return self.launcher.tasks(kind)

    def stop_task(self, id: str) -> None:
        """Have a task stop; nothing happens if it has ended."""
        self.launcher.stop_task(id)

    # using models

    def evaluate(
        self, model: str, data: str, split: str | None = None, progress: Progress = no_progress
    ) -> dict[str, Any]:
        """Score a model on a data set or a path; see engine.services.evaluation. Raises
        CheckpointError, DataError.
        """
        from engine.services.evaluation import evaluate

        return evaluate(self.store, model, data, split, progress)

    def export_onnx(self, model: str, file: Path) -> Path:
        """Write a model as ONNX; see engine.models.onnx_export. Raises CheckpointError."""
        from engine.models.onnx_export import export_onnx

        return export_onnx(self.store.model_folder(model), Path(file))
