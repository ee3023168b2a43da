"""A form made from the recipe's pydantic models: one field each, with its type, limits and
description.

`recipe_form` returns what the person changed, as key.path → value, ready for `lab.recipe(name,
changes)`, which checks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st
import yaml
from pydantic import BaseModel

from app.sections.train.fields import option_field, parsed_yaml, recipe_field
from app.widgets.choices import choices, model_options
from engine.recipes.augmentation import Augment
from engine.recipes.fields import DataSpec
from engine.recipes.recipe import Recipe

Changes = dict[str, Any]
MAIN = ("epochs", "batch_size", "lr", "optimizer", "schedule", "loss")
ELSEWHERE = (
    "name",
    "title",
    "about",
    "data",
    "model",
    "augment",
    "stages",
    "published",
    "resources",
    "target",
    "analysis",
    "scale",
    "small",
)
MORE = tuple(name for name in Recipe.model_fields if name not in MAIN + ELSEWHERE)


def recipe_form(recipe: Recipe, datasets: Mapping[str, str], key: str) -> Changes:
    """Draw the fields of `recipe` and return the changed ones. `datasets`: name → label. Raises
    RecipeError for text that can't be read.
    """
    tables = {
        "data.name": dict(datasets),
        "model.name": choices("engine.models.catalog", "MODELS"),
        "optimizer": choices("engine.training.optim", "OPTIMIZERS"),
        "schedule": choices("engine.training.optim", "SCHEDULES"),
        "loss": choices("engine.training.objectives", "LOSSES"),
    }
    changes: Changes = {}

    def fields(
        model: BaseModel, names: tuple[str, ...], prefix: str = "", columns: int = 3
    ) -> None:
        for start in range(0, len(names), columns):
            for name, column in zip(
                names[start : start + columns], st.columns(columns), strict=False
            ):
                with column:
                    path, old = prefix + name, getattr(model, name)
                    new = recipe_field(
                        path, type(model).model_fields[name], old, tables.get(path), f"{key}/{path}"
                    )
                    if new != old:
                        changes[path] = new

    def basics() -> None:
        first, second = st.columns(2)
        with first:
            fields(recipe.data, ("name",), "data.", 1)
        with second:
            fields(recipe.model, ("name",), "model.", 1)
        fields(recipe, MAIN)
        if recipe.stages:
            st.caption(
                f"This recipe trains in {len(recipe.stages)} stages; what a stage sets for itself"
                " wins over the fields here."
            )

    def data() -> None:
        fields(
            recipe.data, tuple(name for name in DataSpec.model_fields if name != "name"), "data."
        )

    def model() -> None:
        changes.update(_model_options(recipe, changes.get("model.name", recipe.model.name), key))

    def augment() -> None:
        st.caption(
            "Random changes to each training image, other ones every time. Zero switches one off."
        )
        fields(recipe.augment, tuple(Augment.model_fields), "augment.")

    groups = {
        "Basics": basics,
        "Data": data,
        "Model options": model,
        "Augmentation": augment,
        "More training settings": lambda: fields(recipe, MORE),
        f"Stages ({len(recipe.stages)})" if recipe.stages else "Stages": lambda: changes.update(
            _stages(recipe, key)
        ),
    }
    # Sixty fields take a browser longer than all the rest of the page. A tab is filled when it is
    # opened and stays so, or what was typed into it would be forgotten.
    opened = st.session_state.setdefault(f"{key}/opened", set())
    tabs = st.tabs(list(groups), key=f"{key}/tabs", on_change="rerun")
    for number, (tab, draw) in enumerate(zip(tabs, groups.values(), strict=True)):
        if tab.open:
            opened.add(number)
        if number in opened:
            with tab:
                draw()
    return changes


def _model_options(recipe: Recipe, model: str, key: str) -> Changes:
    options = model_options(model)
    if not options:
        st.caption(f"`{model}` has no options.")
        return {}
    given = dict(recipe.model.options) if model == recipe.model.name else {}
    new: Changes = {}
    for start in range(0, len(options), 3):
        for name, column in zip(list(options)[start : start + 3], st.columns(3), strict=False):
            with column:
                default = options[name]
                value = option_field(
                    name, given.get(name, default), default, f"{key}/{model}/{name}"
                )
                if value != default or name in given:
                    new[name] = value
    return {"model.options": new} if new != given or model != recipe.model.name else {}


def _stages(recipe: Recipe, key: str) -> Changes:
    st.caption(
        "A list in YAML: each entry says what that stage changes, and starts from the best of the one before"
        " (with method recovered: afresh, on the classes that the one before found likely). Empty: one stage."
    )
    old = recipe.model_dump(mode="json")["stages"]
    text = yaml.safe_dump(old, sort_keys=False) if old else ""
    new = (
        parsed_yaml(
            st.text_area(
                "Stages", text, key=f"{key}/stages", label_visibility="collapsed", height=200
            ),
            "the list of stages",
        )
        or []
    )
    return {"stages": new} if new != old else {}
