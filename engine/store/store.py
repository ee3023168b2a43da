"""`Store`: what a lab holds, found by name. Everything above it, services, jobs and the lab itself,
looks things up here; nothing is started or computed.
"""

from __future__ import annotations

import dataclasses
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import CheckpointError, GlyphlabError
from engine.files.checked import Damaged
from engine.files.compiled import compiled_folder
from engine.files.trash import Deleted, Trash
from engine.progress import Progress, no_progress
from engine.runs.index import damaged_runs, find_run, known_runs
from engine.runs.run import Run
from engine.runs.run_info import VISIT
from engine.settings import ROOT, Settings, read_settings

if TYPE_CHECKING:
    from engine.data.imageset import ImageSet
    from engine.data.info import DatasetInfo
    from engine.files.documents import CheckpointMeta
    from engine.models.predictor import Predictor
    from engine.recipes.fields import DataSpec
    from engine.recipes.recipe import Recipe
    from engine.runs.index import KnownRun
    from engine.runs.run_info import RunInfo
    from engine.store.models import ModelInfo
    from engine.store.recipes import RecipeInfo

CHECKPOINTS = ROOT / "checkpoints"
RECORDS = ROOT / "bench" / "records.csv"
PREDICTORS = 4  # models kept loaded


class Store:
    """The home, the settings and the look-ups of a lab. May be shared by threads.

    checkpoints  the folder of the models that come with the lab
    records      the CSV of measured figures that come with the lab
    """

    def __init__(
        self,
        home: Path,
        settings: Settings | None = None,
        *,
        checkpoints: Path = CHECKPOINTS,
        records: Path = RECORDS,
    ) -> None:
        self.home = Path(home).absolute()
        self.settings = dataclasses.replace(settings or read_settings({}), home=self.home)
        self.checkpoints = Path(checkpoints)
        self.records = Path(records)
        self.trash = Trash(self.home)
        self._predictors: OrderedDict[tuple[Path, int], Predictor] = OrderedDict()
        self._loading = threading.Lock()

    def compiled(self) -> Path:
        """Where numba keeps compiled code: not in the home, as whoever writes there would run code."""
        return compiled_folder(os.environ)

    # data and recipes

    def datasets(self) -> list[DatasetInfo]:
        """The data sets known by name, what was uploaded, and folders in GLYPHLAB_DATA that hold one;
        those available here first.
        """
        from engine.data.info import list_datasets

        return list_datasets(self.settings.data, self.home)

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
        from engine.recipes.fields import DataSpec

        spec = DataSpec.named(name) if isinstance(name, str) else name
        changes = {
            key: value for key, value in (("style", style), ("size", size)) if value is not None
        }
        images = load_dataset(
            spec.model_copy(update=changes),
            folders=self.settings.data,
            home=self.home,
            offline=self.settings.offline,
            unpacked_mb=self.settings.unpacked_mb,
            progress=progress,
            names_only=self.settings.names_only,
        )
        if spec.labels == "given":
            return images
        from engine.store.labels import mended_labels

        return mended_labels(self.home, images, spec)

    def recipes(self) -> list[RecipeInfo]:
        """The recipes that come with the lab, and those saved in it that can be read."""
        from engine.store.recipes import list_recipes

        return list_recipes(self.home)

    def recipe(self, name: str | Path, changes: Mapping[str, Any] | None = None) -> Recipe:
        """A recipe by name (shipped or saved) or YAML file, with `changes` (key.path → value).
        Raises RecipeError.
        """
        from engine.store.recipes import find_recipe

        return find_recipe(self.home, name, changes, self.settings.names_only)

    def save_recipe(self, recipe: Recipe) -> Path:
        """Keep a recipe in the lab under its name; returns its file. Raises RecipeError for a name
        that is taken by a shipped one.
        """
        from engine.store.recipes import keep_recipe

        return keep_recipe(self.home, recipe)

    # runs

    def runs(self) -> list[RunInfo]:
        """Every run, newest first."""
        out: list[RunInfo] = []
        for known in known_runs(self.home):
            with suppress(GlyphlabError):  # deleted while we looked
                out.append(known.info())
        return out

    def damaged(self) -> list[Damaged]:
        """The runs, models and recipes of the lab that can't be read, and why."""
        return [*self.damaged_runs(), *self.damaged_models(), *self.damaged_recipes()]

    def damaged_runs(self) -> list[Damaged]:
        """The runs that can't be read, and why."""
        return damaged_runs(self.home)

    def damaged_models(self) -> list[Damaged]:
        """The models that can't be used, and why."""
        from engine.store.models import damaged_models

        return damaged_models(self.home, self.checkpoints)

    def damaged_recipes(self) -> list[Damaged]:
        """The recipes kept in the lab that can't be read, and why."""
        from engine.store.recipes import damaged_recipes

        return damaged_recipes(self.home)

    def known_runs(self) -> list[KnownRun]:
        """Every run, newest first, with what is known of it: its status, figures and recipe."""
        return known_runs(self.home)

    def run(self, id: str | Path) -> Run:
        """A run by its id, folder name or path. Raises RunError."""
        return find_run(self.home, id, self.settings.names_only)

    # models

    def models(self) -> list[ModelInfo]:
        """Saved models that can be used: shipped ones, then those of runs, newest first."""
        from engine.store.models import list_models

        return list_models(self.home, self.checkpoints)

    def model_folder(self, name: str | Path) -> Path:
        """A model's checkpoint folder: a name in checkpoints/, a run id, a folder or a recipe (its
        newest run). Raises CheckpointError.
        """
        from engine.store.models import model_folder

        return model_folder(self.home, self.checkpoints, name, self.settings.names_only)

    def model_meta(self, name: str | Path) -> CheckpointMeta:
        """What a model's checkpoint.json says. Raises CheckpointError."""
        from engine.models.checkpoint import read_meta

        return read_meta(self.model_folder(name))

    def predictor(self, name: str | Path) -> Predictor:
        """The model, loaded and ready; the last few are kept. Raises CheckpointError."""
        folder = self.model_folder(name)
        try:
            key = (folder, (folder / "checkpoint.json").stat().st_mtime_ns)
        except OSError as error:
            raise CheckpointError(f"model {name} can't be read", got=error.strerror) from None
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

    def delete(self, name: str) -> None:
        """Move a run with all it holds to the trash, or a model that was fetched from the Hub. Raises
        RunError while the run is alive, or if there is none of that name.
        """
        from engine.store.models import pulled_models

        for folder in pulled_models(self.home):
            if folder.name == name:
                self.trash.put(folder, "model", name)
                return
        self.delete_run(name)

    def delete_run(self, id: str | Path, batch: str = "") -> Deleted | None:
        """Move a run to the trash, as part of a `batch` that is put back together. Raises RunError
        while it is alive; a visitor's, or one outside the home, is removed for good, which gives None.
        """
        run = self.run(id)
        name, visit = run.id, False
        with suppress(GlyphlabError):  # damaged
            info = run.info()
            name, visit = info.name or run.id, info.owner.startswith(VISIT)
        if run.alive or visit or not run.path.is_relative_to(self.home):
            run.delete()
            return None
        return self.trash.put(run.path, "run", f"{name} ({run.id})", batch)
