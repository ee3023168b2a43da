"""The end of a lesson: asked about once, and confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import literal
from app.sections.classroom.deeds import REFUSED, do

if TYPE_CHECKING:
    from engine.lab import Lab

ENDED = "class-ended"
WITHDRAW = "end-withdraws"


def ended_box() -> None:
    """That the lesson has ended, once it was ended from this page."""
    if st.session_state.pop(ENDED, False):
        st.success(
            "The lesson has ended: everybody is signed out, and the code to join by is another one.",
            icon=":material/logout:",
        )


def end_of_lesson(lab: Lab) -> None:
    """The button, which asks first."""
    if st.button("End the lesson", key="ask-end", icon=":material/logout:", width="stretch"):
        _asked(lab)


# No popover: it closes from here only once the server has heard that it was opened, which a busy one
# hears late.
@st.dialog("End the lesson?")
def _asked(lab: Lab) -> None:
    if st.session_state.get(ENDED) or st.session_state.get(REFUSED):
        st.rerun()  # the whole page, without this
    st.markdown(
        "Runs stop and keep the model so far, where there is one; everybody is signed out, and a"
        " new code is made."
        " Work stays here under its owner's name, who can be let back in. Of those without work"
        " the lab forgets the name: clear the work first to have no name left. With work that was cleared the"
        " name lies in the trash, and comes back if the work is put back."
    )
    if given := lab.lessons.assignment():
        st.markdown(
            f"The assignment `{literal(given.recipe)}` and its leaderboard stay too, for the next lesson"
            " as well, until you withdraw it."
        )
        st.checkbox("Withdraw the assignment now", key=WITHDRAW)
    st.button("End it", key="end-lesson", type="primary", on_click=_end, args=(lab,))


def _end(lab: Lab) -> None:
    do(lab.lessons.end)
    st.session_state[ENDED] = not st.session_state.get(REFUSED)
    if st.session_state[ENDED] and st.session_state.get(WITHDRAW):
        do(lab.lessons.take_back)
