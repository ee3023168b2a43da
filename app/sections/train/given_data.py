"""Setting up a run for a data set that the person came with: `?data=` in the address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import literal, number
from app.widgets.pickers import no_such_data
from engine.data.sources import names_in
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


def labels_left_out(lab: Lab, recipe: Recipe) -> str:
    """That labels of its images were given or changed in the lab and that this recipe does without them;
    '' where none were, or it uses them. Markdown.
    """
    if recipe.data.labels == "mended":
        return ""
    decided = {
        name: sum(
            one.label is not None or one.excluded for one in lab.labels.current(name).values()
        )
        for name in names_in(recipe.data.name)
    }
    if not (count := sum(decided.values())):
        return ""
    names = ", ".join(literal(name) for name, n in decided.items() if n)
    return (
        f"{number(count)} {'label of' if count == 1 else 'labels of'} {names}"
        f" {'was' if count == 1 else 'were'} given, confirmed or changed here. This recipe trains on the"
        " labels as they came, without them: to use them, set *Labels* to *mended* (in the form, under"
        " *Data*)."
    )


def first_recipe(recipes: Sequence[RecipeInfo], data: str, otherwise: str) -> str:
    """The recipe to begin with: `otherwise` if it is on `data` itself, or if no recipe is."""
    fitting = [recipe.name for recipe in recipes if recipe.data == data]
    return otherwise if otherwise in fitting or not fitting else fitting[0]
