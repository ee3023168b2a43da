"""Whether the names in a recipe, of data sets and of a model to start from, lead anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.store.lineage import parent_recipe

if TYPE_CHECKING:
    from engine.recipes.recipe import Recipe
    from engine.store.store import Store


def check_names(store: Store, recipe: Recipe) -> None:
    """Raise DataError or CheckpointError if the recipe's data sets or the model it starts from are
    unknown here.
    """
    from engine.data.sources import find, names_in
    from engine.models.pretrained import check_weights_name

    names = names_in(recipe.data.name) + ([recipe.data.test_on] if recipe.data.test_on else [])
    for name in names:
        find(name, store.settings.data, store.home, store.settings.names_only)
    weights = recipe.model.options.get("weights")
    if weights and store.settings.names_only:
        check_weights_name(weights)
    if recipe.init_from and parent_recipe(store, recipe) is None:
        store.model_folder(recipe.init_from)
