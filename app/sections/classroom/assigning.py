"""Handing out an assignment: a recipe, a target, what to try."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import literal, number, percent
from app.sections.classroom.deeds import do

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.services.lessons import Untouched

USUAL = 97.0  # percent, a guess: of a recipe of which nothing says what it reaches
SAME = "Its seed is fixed: whoever changes nothing gets the same figure."


def hand_out(lab: Lab) -> None:
    """What is assigned, or the form to assign something."""
    st.subheader("Assignment", anchor=False)
    given = lab.lessons.assignment()
    if given is not None:
        st.markdown(
            f"**{literal(given.recipe)}** is assigned: reach {percent(given.target)} on its test"
            f" images. {literal(given.words)}"
        )
        st.button("Withdraw", key="take-back", on_click=do, args=(lab.lessons.take_back,))
        return
    recipes = [recipe.name for recipe in lab.recipes()]
    first = recipes.index("quick") if "quick" in recipes else 0
    recipe = st.selectbox("Recipe", recipes, first, key="assigned-recipe")
    found = lab.lessons.untouched(recipe)
    target = f"assigned-target-{recipe}"
    with st.form("hand-out", border=False, enter_to_submit=False):
        left, right = st.columns([3, 1])
        left.text_input("What to try", key="assigned-words", max_chars=500)
        right.number_input("Target, %", 1.0, 100.0, _proposed(found), 0.5, "%.2f", key=target)
        if against := lab.lessons.why_not_assigned(recipe):
            st.warning(against, icon=":material/warning:")
        if found is not None or not against:
            st.caption(_why(recipe, found))
        st.form_submit_button(
            "Assign", on_click=_assign, args=(lab, target), disabled=bool(against)
        )


def _proposed(found: Untouched | None) -> float:
    """A target in percent that the recipe as it is does not reach; a guess where nothing says that."""
    if found is None:
        return USUAL
    # one more image may be less than the hundredth of a percent that is told apart
    least = max(math.ceil(found.better * 10_000), round(found.accuracy * 10_000) + 1)
    return min(100.0, least / 100)


def _why(recipe: str, found: Untouched | None) -> str:
    if found is None:
        return (
            f"`{recipe}` has not been trained here as it is, and no record says what it reaches:"
            f" {percent(USUAL / 100)} is a guess, which it may reach unchanged. {SAME} Train it once, and"
            " put the target above that."
        )
    reached = f"{percent(found.accuracy)} of {number(found.n)} test images"
    words = (
        f"As it is, `{recipe}` reached {reached}. {SAME}"
        if found.here
        else f"`{recipe}` has not been trained here as it is; it is recorded with {reached}. {SAME} On"
        " another machine that figure may differ a little."
    )
    if found.accuracy >= 1:
        return f"{words} Nothing is above it: assign another recipe."
    if found.better > found.provable:
        words += (
            f" With {number(found.n)} images a target above {percent(found.provable)} lies within the"
            " interval of even 100%: whoever reaches it does so within the margin of error."
        )
    return words


def _assign(lab: Lab, target: str) -> None:
    state = st.session_state
    wanted = state[target] / 100
    do(lab.lessons.hand_out, state["assigned-recipe"], wanted, state["assigned-words"])
