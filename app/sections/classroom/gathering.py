"""The class's drawings, gathered into a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import number
from app.sections.classroom.deeds import REFUSED
from app.widgets.links import link
from engine.errors import GlyphlabError, sentence

if TYPE_CHECKING:
    from engine.lab import Lab

MADE = "class-drawings-made"


def gather_drawings(lab: Lab) -> None:
    """A button that makes the data set anew, and the way to it."""
    st.button(
        "Gather drawings",
        key="gather-drawings",
        icon=":material/inventory_2:",
        width="stretch",
        help="Copies all drawings that students saved into one data set, without their names, in the"
        " place of an earlier one. All of the class can see it. Clearing a student's work leaves it:"
        " delete it on Data.",
        on_click=_gather,
        args=(lab,),
    )


def gathered_box() -> None:
    """What was gathered from this page, once."""
    if made := st.session_state.pop(MADE, None):
        name, images, classes = made
        drawings = "1 drawing" if images == 1 else f"{number(images)} drawings"
        labels = "1 label" if classes == 1 else f"{number(classes)} labels"
        st.success(
            f"The data set `{name}` now holds {drawings} with {labels}.",
            icon=":material/inventory_2:",
        )
        link("data", "Open it", data=name)


def _gather(lab: Lab) -> None:
    try:
        made = lab.lessons.gather()
    except GlyphlabError as error:
        st.session_state[REFUSED] = sentence(error)
    else:
        st.session_state[MADE] = (made.name, made.images, len(made.classes))
