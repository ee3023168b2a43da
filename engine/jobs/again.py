"""A run's recipe once more, on labels that people mended since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import RunError
from engine.store.labels import changed_images, positions

if TYPE_CHECKING:
    from engine.recipes.recipe import Recipe
    from engine.store.store import Store

MENDED = ", labels mended"  # what a run's name ends in


def on_mended_labels(store: Store, id: str, fine_tune: bool = False) -> tuple[Recipe, str]:
    """The recipe of a run on the labels as they are mended now, from scratch or from the run's own
    weights, and a name for the new run. Raises RunError if no label changed since it was started.
    """
    run = store.run(id)
    recipe, info = run.recipe(), run.info()
    if not changed_images(store.home, recipe.data.name, recipe.data.journal or ()):
        raise RunError(
            f"no label of {recipe.data.name} has changed since run {run.id} was started",
            hint="Change some first: on the map, in the review, or on the page of an image.",
        )
    if fine_tune and not info.saved:
        raise RunError(f"run {run.id} kept no model to start from")
    data = recipe.data.model_copy(
        update={"labels": "mended", "journal": positions(store.home, recipe.data)}
    )
    start = {"init_from": run.id} if fine_tune else {}
    name = info.name.removesuffix(MENDED) + MENDED
    return recipe.model_copy(update={"data": data, **start}), name
