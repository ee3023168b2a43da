"""Choosing a recipe: by data set, what can be trained here first; and what is in the way of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import literal
from app.charts.words import size as file_size
from app.sections.train.given_data import first_recipe
from app.widgets.links import link
from app.widgets.pickers import pick_one

if TYPE_CHECKING:
    from engine.data.info import DatasetInfo
    from engine.lab import Lab
    from engine.recipes.recipe import Recipe

FIRST = "quick"
ALL = "all"


def choose(lab: Lab, data: str) -> tuple[str, str]:
    """The recipe and its scale; the first recipe of `data` is the default, if that is given."""
    known = {info.name: info for info in lab.datasets()}
    found = sorted(lab.recipes(), key=lambda recipe: bool(absent(known, recipe.data)))
    recipes = {recipe.name: recipe for recipe in found}
    parts = dict.fromkeys(part for recipe in found for part in recipe.data.split("+"))
    groups = [ALL, *sorted(parts, key=lambda part: _distance(known.get(part)))]
    group = ALL
    if len(groups) > 2:
        group = st.pills(
            "Filter by data set",
            groups,
            default=ALL,
            required=True,
            format_func=lambda name: _chip(lab, known.get(name), name),
            key="recipe-group",
            on_change=_forget_recipe,
        )
    names = [
        name for name, recipe in recipes.items() if group == ALL or group in recipe.data.split("+")
    ]
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    with left:
        labels = {
            choice: f"{choice} · {recipes[choice].title}" if recipes[choice].title else choice
            for choice in names
        }
        first = first_recipe(list(recipes.values()), data, FIRST)
        if st.session_state.get("recipe-for", "") != data and "recipe" not in st.query_params:
            st.session_state.pop("recipe", None)  # it was chosen for other data
        st.session_state["recipe-for"] = data
        name = pick_one("Recipe", labels, "recipe", "recipe", default=first, help="Type to search.")
    with right:
        scale = st.segmented_control(
            "Scale",
            ["full", "small"],
            default="full",
            required=True,
            key="scale",
            width="stretch",
            disabled=not recipes[name].scalable,
            persist_state="page",
            help=(
                "small: the same experiment end to end, cut down to minutes on two CPU cores, in a few recipes with"
                " other data. Not every recipe needs it."
            ),
        )
    return name, scale if recipes[name].scalable else "full"


def absent(known: Mapping[str, DatasetInfo], data: str) -> list[DatasetInfo]:
    """Those data sets of a pool ('characters+emnist62') that the lab knows and does not have."""
    found = [known[name] for name in data.split("+") if name in known]
    return [info for info in found if not info.here]


def in_the_way(lab: Lab, recipe: Recipe) -> None:
    """Say, before the form of a recipe, what *Start* would do first or why it would refuse."""
    if not lab.may("train"):
        return  # said already, and whatever the recipe
    if why := lab.why_not_submit(recipe):
        st.info(why, icon=":material/lock:")
        return
    names = "+".join(name for name in (recipe.data.name, recipe.data.test_on) if name)
    for info in absent({info.name: info for info in lab.datasets()}, names):
        _how_to_get(lab, info)


def _how_to_get(lab: Lab, info: DatasetInfo) -> None:
    title = f"Data set **{literal(info.title)}** is not here yet"
    if info.fetchable and not lab.settings.offline:
        words = f"{title}: *Start* downloads it first ({file_size(info.size_bytes)})."
    elif info.fetchable:
        words = f"{title}, and the lab is offline (`GLYPHLAB_OFFLINE`): *Start* would fail."
    else:
        words = f"{title}, and can't be downloaded: *Start* would fail. Data says how to add it."
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(words, icon=":material/dataset:")
        link("data", "Data", data=info.name)


def _distance(info: DatasetInfo | None) -> int:
    """How far away a data set is: 0 here, 1 to be downloaded, 2 neither."""
    return 0 if info is None or info.here else 1 if info.fetchable else 2


def _chip(lab: Lab, info: DatasetInfo | None, name: str) -> str:
    if info is None:
        return name
    if info.here:
        return info.title
    may_fetch = info.fetchable and lab.may("prepare data")
    return f"{info.title} · {'to be downloaded' if may_fetch else 'not here'}"


def _forget_recipe() -> None:
    st.query_params.pop("recipe", None)  # it may not be in the group that was chosen
