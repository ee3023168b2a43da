"""A run's recipe once more: on labels that people mended since, or with a test split held out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from engine.data.catalog import list_dataset
from engine.data.sources import names_in
from engine.errors import RunError
from engine.progress import no_progress
from engine.store.labels import changed_images, positions

if TYPE_CHECKING:
    from engine.recipes.recipe import Recipe
    from engine.store.store import Store

MENDED, TUNED, TESTED = ", labels mended", ", fine-tuned", ", tested"  # what a run's name ends in
LEAST, MOST = 0.05, 0.5  # shares of the images that are held out


def on_mended_labels(store: Store, id: str, fine_tune: bool = False) -> tuple[Recipe, str]:
    """The recipe of a run on the labels as they are mended now, from scratch or from the run's own
    weights, and a name for the new run. Raises RunError if no label changed since it was started.
    """
    run = store.run(id)
    recipe, info = run.recipe(), run.info()
    data, then = recipe.data.name, recipe.data.journal or ()
    if not changed_images(store.home, data, then, partial(_given_labels, store)):
        raise RunError(
            f"no label of {data} has changed since run {run.id} was started",
            hint="Change some first: on the map, in the review, or on the page of an image.",
        )
    if fine_tune and not info.saved:
        raise RunError(f"run {run.id} kept no model to start from")
    mended = recipe.data.model_copy(
        update={"labels": "mended", "journal": positions(store.home, recipe.data)}
    )
    start = {"init_from": run.id} if fine_tune else {}
    return recipe.model_copy(update={"data": mended, **start}), again_name(info.name, fine_tune)


def _given_labels(store: Store, data: str) -> dict[str, str | None]:
    """The given label of each image of one data set, by the image's name. Raises DataError if the
    data set is not here.
    """
    settings = store.settings
    listing = list_dataset(
        data,
        folders=settings.data,
        home=store.home,
        offline=True,
        unpacked_mb=settings.unpacked_mb,
        progress=no_progress,
        names_only=settings.names_only,
    )
    classes = (*listing.classes, None)  # the last stands for a label of -1
    return {
        str(file): classes[label]
        for file, label in zip(listing.files, listing.labels.tolist(), strict=True)
    }


def again_name(name: str, fine_tune: bool) -> str:
    """The name of a run on mended labels, by that of the run before. A run that was fine-tuned is so
    again: its recipe names the weights that it starts from.

    >>> again_name("mine", fine_tune=True)
    'mine, labels mended, fine-tuned'
    """
    tuned = TUNED if fine_tune or name.endswith(TUNED) else ""
    return name.removesuffix(TUNED).removesuffix(MENDED) + MENDED + tuned


def with_test_split(store: Store, id: str, share: float) -> tuple[Recipe, str]:
    """The recipe of a run with a `share` (0.05 to 0.5) of its images held out as a test split, drawn by
    class and by the recipe's split seed, and a name for the new run. Raises RunError if the run was
    scored on test images, or the share can't be used.
    """
    run = store.run(id)
    recipe, info = run.recipe(), run.info()
    if info.accuracy is not None or recipe.data.test_on or recipe.data.test:
        raise RunError(f"run {run.id} has a test split already")
    if not LEAST <= share <= MOST:
        raise RunError("this can't be a test split", expected=f"{LEAST} to {MOST}", got=share)
    names = {*names_in(recipe.data.name)}
    if recipe.init_from and names & _seen_by(store, recipe.init_from):
        raise RunError(
            f"run {run.id} started from {recipe.init_from}, which was trained on these images",
            hint="Train it from scratch, or give it a data set with a test split.",
        )
    data = recipe.data.model_copy(update={"test": share})
    return recipe.model_copy(update={"data": data}), info.name.removesuffix(TESTED) + TESTED


def _seen_by(store: Store, model: str) -> set[str]:
    """The data sets that a model was trained on."""
    return {*names_in(store.model_meta(model)["recipe"]["data"]["name"])}
