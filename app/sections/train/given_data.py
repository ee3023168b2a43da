"""Setting up a run for a data set that the person came with: `?data=` in the address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app.widgets.pickers import no_such_data
from engine.recipes.fields import DataSpec
from engine.recipes.recipe import make_recipe
from engine.services.contents import USUAL_SIZE

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.recipes.recipe import Recipe
    from engine.store.recipes import RecipeInfo


def wanted_data(lab: Lab) -> str:
    """The data set in the address (`?data=`), as links from the Data page have it; '' without, or if it
    is not here.
    """
    wanted = st.query_params.get("data", "")
    if not wanted or wanted in {info.name for info in lab.datasets()}:
        return wanted
    no_such_data(lab, wanted, "; the recipe's own is set up")
    return ""


def on_other_data(lab: Lab, recipe: Recipe, data: str) -> Recipe:
    """`recipe` on another data set: all its classes, its own splits, and the size and style that its
    kind of image usually takes; on mended labels, if the address asks for them (`?labels=mended`).
    """
    known = next(info for info in lab.datasets() if info.name == data)
    labels = "mended" if st.query_params.get("labels") == "mended" else "given"
    kind = lab.data.contents(data).kind if known.here else known.kind
    return make_recipe(
        {
            **recipe.model_dump(mode="json"),
            "about": "",
            "published": None,
            "small": {},
            "data": DataSpec.named(data, size=USUAL_SIZE[kind], labels=labels).model_dump(
                mode="json"
            ),
        }
    )


def first_recipe(recipes: Sequence[RecipeInfo], data: str, otherwise: str) -> str:
    """The recipe to begin with: `otherwise` if it is on `data` itself, or if no recipe is."""
    fitting = [recipe.name for recipe in recipes if recipe.data == data]
    return otherwise if otherwise in fitting or not fitting else fitting[0]
