"""Whether a class can be given a recipe: whether its students may train it, and have a score by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.data.listing import TEST
from engine.data.sources import names_in
from engine.errors import DataError, RightsError
from engine.people.quota import check_here
from engine.services.datasets import Data

if TYPE_CHECKING:
    from engine.recipes.recipe import Recipe
    from engine.store.store import Store


def check_assignable(store: Store, recipe: Recipe) -> None:
    """Raise RightsError for a recipe that students would be refused, or whose runs have no test accuracy:
    none would stand on the leaderboard.
    """
    check_here(store, recipe)
    if recipe.data.test or recipe.data.test_on:
        return
    data = Data(store)
    try:
        listings = [data.listing(name) for name in names_in(recipe.data.name)]
    except DataError:  # loading it says why
        return
    if not any((one.official == TEST).any() for one in listings):
        raise RightsError(
            f"recipe '{recipe.name}' has no test images, by which a class is scored",
            hint="Choose another, or keep a recipe of your own with a test split (data.test).",
        )
