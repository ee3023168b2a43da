"""The saved models: those that come with the lab, and the best checkpoint of every run. Nothing
here loads torch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import CheckpointError, GlyphlabError, unknown
from engine.files.atomic import is_name
from engine.files.cache import Stamp, stamp_of
from engine.files.checked import Damaged
from engine.runs.index import find_run, known_runs

if TYPE_CHECKING:
    from engine.files.documents import CheckpointMeta

PULLED = "models"  # in the home: what was fetched from the Hub


@dataclass(frozen=True)
class ModelInfo:
    """A saved model as lists show it. `accuracy` is the test split's, a fraction; None where it was
    not measured.

    name     what commands and pages call it: a name in checkpoints/, a run's id, or owner--name
    title    of a shipped model its recipe's; of a run's model the name that its owner gave the run
    tested_on  which images `accuracy` is of, in words; '' without
    merged   accuracy with the classes of each group in `alike` counted as one; None where it is not
             another figure
    alike    the groups of look-alikes among its classes, by `confusables.GROUPS`: '0Oo', '1Il', …
    where    'shipped', 'run' or 'hub'
    network  a name in MODELS
    size     pixels, the side of the square that pictures are placed on
    sweep    whose trial made it; '' of others
    """

    name: str
    title: str
    where: str
    network: str
    data: str
    method: str
    accuracy: float | None
    tested_on: str
    merged: float | None
    alike: tuple[str, ...]
    val_accuracy: float | None
    knn_accuracy: float | None
    classes: int
    style: str
    size: int
    parameters: int
    size_bytes: int
    created: str
    unfinished: bool
    folder: Path
    sweep: str = ""


def list_models(home: Path, checkpoints: Path) -> list[ModelInfo]:
    """Shipped models by name, then runs that kept a checkpoint, newest first. Damaged ones are left
    out, see `damaged_models`.
    """
    return [found for found in _looked_at(home, checkpoints) if isinstance(found, ModelInfo)]


def without_trials(models: Sequence[ModelInfo], keep: Collection[str] = ()) -> list[ModelInfo]:
    """The models without the trials of sweeps, but the most accurate of each on validation images,
    and those named in `keep`.
    """
    best: dict[str, ModelInfo] = {}
    for model in models:
        if model.sweep and (model.val_accuracy or 0) > (
            (best[model.sweep].val_accuracy or 0) if model.sweep in best else -1
        ):
            best[model.sweep] = model
    return [
        model
        for model in models
        if not model.sweep or model.name in keep or best[model.sweep] is model
    ]


def damaged_models(home: Path, checkpoints: Path) -> list[Damaged]:
    """The models that can't be used, and why."""
    return [found for found in _looked_at(home, checkpoints) if isinstance(found, Damaged)]


def pulled_models(home: Path) -> list[Path]:
    """The folders of models that were fetched from the Hub, 'owner--name'."""
    found = sorted((home / PULLED).glob("*--*"))
    return [folder for folder in found if folder.is_dir() and not folder.name.startswith(".")]


def _looked_at(home: Path, checkpoints: Path) -> Iterator[ModelInfo | Damaged]:
    folders = sorted(checkpoints.iterdir()) if checkpoints.is_dir() else []
    places = [(folder.name, "shipped", folder, "", "") for folder in folders]
    places += [(folder.name, "hub", folder, "", "") for folder in pulled_models(home)]
    for known in known_runs(home):
        with suppress(GlyphlabError):  # deleted while we looked
            if (info := known.info()).saved:
                places.append((known.run.id, "run", known.run.best, info.name, info.sweep or ""))
    for name, where, folder, title, sweep in places:
        try:
            found = _model_info(name, where, folder, title, stamp_of(folder / "checkpoint.json"))
            yield replace(found, sweep=sweep) if sweep else found
        except FileNotFoundError:
            continue  # it has none yet, or was deleted while we looked
        except OSError as error:
            yield Damaged("model", name, f"its folder can't be read: {error.strerror}")
        except GlyphlabError as error:
            yield Damaged("model", name, str(error))


@lru_cache(maxsize=5000)
def _model_info(name: str, where: str, folder: Path, title: str, stamp: Stamp) -> ModelInfo:
    from engine.models.metadata import read_meta
    from engine.recipes.recipe import make_recipe

    meta = read_meta(folder)
    metrics, recipe = meta["metrics"], make_recipe(meta["recipe"], {"scale": "full", "small": {}})
    weights = (folder / meta["weights"]).stat().st_size
    return ModelInfo(
        name=name,
        title=title or meta.get("title") or meta.get("name") or name,
        where=where,
        network=recipe.model.name,
        data=recipe.data.name,
        method=recipe.method,
        accuracy=metrics.get(
            "test_accuracy", (meta.get("held_out") or {}).get("accuracy")
        ),  # of one that learned from all: its siblings'
        tested_on=_tested_on(meta),
        merged=_merged(meta),
        alike=_alike(meta),
        val_accuracy=metrics.get("val_accuracy"),
        knn_accuracy=metrics.get("knn_accuracy"),
        classes=len(meta["classes"]),
        style=meta["style"],
        size=meta["size"],
        parameters=meta.get("parameters", 0),
        size_bytes=weights,
        created=meta.get("created", ""),
        unfinished=bool(metrics.get("unfinished")),
        folder=folder,
    )


def _tested_on(meta: CheckpointMeta) -> str:
    from engine.models.metadata import called, in_words, sets_tested_on

    metrics, held = meta["metrics"], meta.get("held_out")
    if metrics.get("test_accuracy") is None:
        if not held:
            return ""
        each = f"{held['models']} × {held['n']:,} held-out images"
        return f"{each}, mean of {held['models']} models of its recipe, this one not among them"
    count = f"{n:,} " if (n := metrics.get("test_n")) else ""
    sets = sets_tested_on(metrics) or in_words(called(meta["recipe"]["data"]["name"]))
    return f"{count}test images of {sets}"


def _alike(meta: CheckpointMeta) -> tuple[str, ...]:
    from engine.recognition.confusables import groups_among

    return groups_among(meta["classes"])


def _merged(meta: CheckpointMeta) -> float | None:
    """The test accuracy with the classes of each of all `confusables.GROUPS` counted as one, by the
    confusion matrix.
    """
    from engine.recognition.confusables import merged_label

    confusion = meta["metrics"].get("confusion")
    names = [merged_label(name) for name in meta["classes"]]
    if not confusion or not meta["metrics"].get("test_accuracy") or len(set(names)) == len(names):
        return None
    right = sum(
        count
        for true, row in zip(names, confusion, strict=True)
        for read, count in zip(names, row, strict=True)
        if true == read
    )
    return right / max(sum(map(sum, confusion)), 1)


def model_folder(home: Path, checkpoints: Path, name: str | Path, names_only: bool = False) -> Path:
    """The checkpoint folder of a model: a name in checkpoints/, a run's id, the name of a recipe,
    which means its newest finished run, or (unless names_only) a run's or checkpoint's folder.
    Raises CheckpointError, with the nearest name, if there is none.
    """
    text = str(name)
    for place in (checkpoints, home / PULLED):
        if is_name(text) and (place / text / "checkpoint.json").exists():
            return place / text
    path = Path(name).expanduser()
    for folder in () if names_only else (path, path / "best"):
        if (folder / "checkpoint.json").exists():
            return folder.absolute()
    try:
        run = find_run(home, name, names_only)
    except GlyphlabError:
        pass
    else:
        if (run.best / "checkpoint.json").exists():
            return run.best
        raise CheckpointError(
            f"run {run.id} has no model yet",
            expected="one that ended its first epoch",
            got=f"it is {run.info().state}",
        )
    if not names_only and path.is_dir():
        raise CheckpointError(
            f"{path} holds no complete checkpoint", expected="a checkpoint.json in it"
        )
    for known in known_runs(home):
        status = known.status
        if (
            status.get("state") == "finished"
            and text in (status.get("recipe"), status.get("name"))
            and (known.run.best / "checkpoint.json").exists()
        ):
            return known.run.best
    names = [model.name for model in list_models(home, checkpoints)]
    raise CheckpointError(
        unknown("model", text, names),
        hint="A run id, a checkpoint's folder or a name in checkpoints/.",
    )
