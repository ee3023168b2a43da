"""Clearing what students made, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.sections.classroom.deeds import REFUSED, do
from app.widgets.fragments import fragment
from engine.errors import GlyphlabError

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.people.class_file import ClassFile

CLEARED = "class-cleared"
WHOSE = "clear-whose"
DONE = "clear-done"  # what the open dialog asked was done
LOOK_SECONDS = 2  # between two looks at runs that are still stopping


def clear_work(lab: Lab, found: ClassFile) -> None:
    """A button that asks what is to be cleared, and whose."""
    st.session_state.pop(DONE, None)
    if st.button("Clear", key="ask-clear", icon=":material/delete:", width="stretch"):
        _asked(lab, found)


@st.dialog("Clear work")  # a popover would stay open over what was cleared
def _asked(lab: Lab, found: ClassFile) -> None:
    if st.session_state.pop(DONE, None):
        st.rerun()  # the whole page, without this
    names = {one.id: one.name for one in found.students}
    names |= {one.id: f"{one.name} (gone)" for one in found.gone}
    chosen = st.multiselect(
        "Students",
        list(names),
        format_func=lambda id: str(names.get(id)),
        key=WHOSE,
    )
    st.markdown(
        "Runs, symbols and drawings go to the trash for a week. The list of pages they opened is"
        " deleted at once. Drawings that you gathered stay: delete that data set on *Data*."
    )
    words = f"Clear {len(chosen)} of them" if chosen else "Clear everybody's work"
    st.button(words, key="clear", type="primary", on_click=_clear, args=(lab,))


def cleared_box(lab: Lab) -> None:
    """What was cleared from this page, until it is undone."""
    if not (batch := st.session_state.get(CLEARED)):
        return
    pace = LOOK_SECONDS if lab.lessons.still_stopping(batch) else None
    with st.container(horizontal=True, vertical_alignment="center"):
        fragment(_said, run_every=pace)(lab, batch)
        st.button(
            "Undo", key="undo-clear", icon=":material/undo:", on_click=_undo, args=(lab, batch)
        )


def _said(lab: Lab, batch: str) -> None:
    stopping = lab.lessons.still_stopping(batch)
    if not stopping:
        st.success("In the trash now.", icon=":material/delete:")
        return
    words = (
        "1 run is still stopping and goes to the trash by itself after that."
        if stopping == 1
        else f"{stopping} runs are still stopping and go to the trash by themselves after that."
    )
    st.info(f"{words} The rest is there now.", icon=":material/hourglass_empty:")


def _clear(lab: Lab) -> None:
    st.session_state[DONE] = True
    try:  # whom the field names now: arguments would be those of the last drawing
        st.session_state[CLEARED], _ = lab.lessons.clear(tuple(st.session_state[WHOSE]))
    except GlyphlabError as error:
        st.session_state[REFUSED] = str(error)


def _undo(lab: Lab, batch: str) -> None:
    do(lab.lessons.undo_clear, batch)
    st.session_state.pop(CLEARED, None)
