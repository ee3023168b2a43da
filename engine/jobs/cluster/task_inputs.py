"""What a background task needs, for a node that does not see the lab's home, by the task's kind. One
that is not named here is computed where the lab is: `sweep` only watches, `load` fills the lab's own
cache, a `gallery` is named by its model's place on that machine, and `publish-labels` takes a name
among the lab's data sets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.embedding.kept import UNTRAINED
from engine.embedding.space_files import spaces_in
from engine.errors import DamagedError
from engine.files.checked import Damaged
from engine.jobs.cluster.inputs import Needed, data_files, model_files, needed
from engine.noise.storage import DOCUMENT, document_of
from engine.recipes.recipe import make_recipe

if TYPE_CHECKING:
    from engine.store.store import Store

Files = Iterator[tuple[str, Path]]  # as Needed


def needed_by_task(store: Store, kind: str, arguments: Mapping[str, Any]) -> Needed | None:
    """What the job of a task needs; None if the task can be no job on such a node. Raises
    DataError, CheckpointError, RunError for what can't be sent.
    """
    if kind not in NEEDS:
        return None
    return list(dict.fromkeys(NEEDS[kind](store, **arguments)))


def _scored(
    store: Store, *, data: str, model: str = "", models: Sequence[str] = (), **_: Any
) -> Files:
    for name in [*models, *([model] if model else [])]:
        yield from model_files(store, store.model_folder(name.removeprefix(UNTRAINED)))
    yield from data_files(store, data)


def _confused(store: Store, *, model: str, **_: Any) -> Files:
    folder = store.model_folder(model)
    yield from model_files(store, folder)
    kept = folder.with_name("predictions.npz")  # of its run
    if kept.exists() and kept.is_relative_to(store.home):
        yield _own(store, kept)
    data = store.model_meta(model)["recipe"]["data"]
    for name in (data["name"], data.get("test_on")):
        yield from data_files(store, name) if name else ()


def _embedded(
    store: Store,
    *,
    data: str,
    model: str = "",
    models: Sequence[str] = (),
    part: str = "train",
    **_: Any,
) -> Files:
    yield from _scored(store, data=data, model=model, models=models)
    asked = {name.removeprefix(UNTRAINED) for name in (model, *models)}
    for info in spaces_in(store.home / "spaces"):  # what was computed before
        if isinstance(info, Damaged) or (info.data, info.part) != (data, part):
            continue
        if info.model.removeprefix(UNTRAINED) in asked:
            yield _own(store, store.home / "spaces" / info.name)


def _unfolded(store: Store, *, run: str, **_: Any) -> Files:
    folder = store.run(run).path
    for name in ("recipe.yaml", "status.json", "snapshots"):
        if (folder / name).exists():
            yield f"runs/{folder.name}/{name}", folder / name


def _tried(store: Store, *, fields: Mapping[str, Any], **_: Any) -> Files:
    yield from needed(store, make_recipe(fields))


def _spoiled(store: Store, *, dataset: str, **_: Any) -> Files:
    yield from data_files(store, dataset)


def _examined(
    store: Store, *, dataset: str, split: str = "all", effort: str = "full", **_: Any
) -> Files:
    yield from data_files(store, dataset)
    for folder in sorted((store.home / "noise").glob(".*-folds")):  # of one that was stopped
        yield _own(store, folder)
    for file in sorted((store.home / "noise").glob(f"*/{DOCUMENT}")):
        with suppress(DamagedError):  # it is made again
            found = document_of(file.parent)
            if (found["name"], found["split"], found["effort"]) == (dataset, split, effort):
                yield _own(store, file.parent)
    for model in store.models():  # those whose predictions join, see services.recovered_models
        if model.method == "recovered" and model.data == dataset:
            yield from model_files(store, model.folder)


def _own(store: Store, path: Path) -> tuple[str, Path]:
    return path.relative_to(store.home).as_posix(), path


NEEDS: dict[str, Callable[..., Files]] = {
    "evaluate": _scored,
    "score-together": _scored,
    "confusions": _confused,
    "embed": _embedded,
    "project": _embedded,
    "cluster": _embedded,
    "measure": _embedded,
    "align-maps": _embedded,
    "unfold": _unfolded,
    "find_rate": _tried,
    "noise-trial": _spoiled,
    "diagnose": _examined,
}
