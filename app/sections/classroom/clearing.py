"""Clearing what students made, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import literal
from app.sections.classroom.deeds import REFUSED, do
from app.widgets.fragments import fragment
from engine.errors import GlyphlabError

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.people.class_file import ClassFile

CLEARED, NOTHING = "class-cleared", "class-nothing-cleared"
WHOSE, ALL = "clear-whose", "clear-all"
MOST_NAMED = 3  # students whose names stand on the button
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
    question(lab, found)


def question(lab: Lab, found: ClassFile) -> None:
    """Whose work is to be cleared, what becomes of it, and the button that does so."""
    names = {one.id: one.name for one in found.students}
    names |= {one.id: f"{one.name} (gone)" for one in found.gone}
    gone = f", {len(found.gone)} gone" if found.gone else ""
    everybody = st.checkbox(f"Everybody: {len(found.students)} in the class{gone}", key=ALL)
    chosen = st.multiselect(
        "Students",
        list(names),
        format_func=lambda id: str(names.get(id)),
        key=WHOSE,
        disabled=everybody,
        placeholder="Choose whose work is to be cleared",
    )
    st.markdown(
        "Runs, symbols and drawings go to the trash for a week. Those who had some are told once. The"
        " list of pages they opened is deleted at once. Drawings that you gathered stay: delete that data set"
        " on *Data*."
    )
    st.button(
        _what([literal(names.get(id, id)) for id in chosen], everybody),
        key="clear",
        type="primary",
        disabled=not (everybody or chosen),
        on_click=_clear,
        args=(lab,),
    )


def _what(names: list[str], everybody: bool) -> str:
    """What the button clears. names: of those who are chosen."""
    if everybody:
        return "Clear everybody's work"
    if not names:
        return "Choose whose work to clear"
    if len(names) > MOST_NAMED:
        return f"Clear the work of {len(names)} students"
    *first, last = names
    return (
        f"Clear the work of {', '.join(first)} and {last}" if first else f"Clear the work of {last}"
    )


def cleared_box(lab: Lab) -> None:
    """What was cleared from this page, until it is undone."""
    if st.session_state.pop(NOTHING, None):
        st.info("There was nothing to clear.", icon=":material/delete:")
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
        st.success(
            "In the trash now. *Home* can restore it for a week, too.", icon=":material/delete:"
        )
        return
    words = (
        "1 run is still stopping and goes to the trash by itself after that."
        if stopping == 1
        else f"{stopping} runs are still stopping and go to the trash by themselves after that."
    )
    st.info(f"{words} The rest is there now.", icon=":material/hourglass_empty:")


def _clear(lab: Lab) -> None:
    st.session_state[DONE] = True
    # whom the fields name now: arguments would be those of the last drawing
    whose = None if st.session_state[ALL] else tuple(st.session_state[WHOSE])
    try:
        batch, _ = lab.lessons.clear(whose)
    except GlyphlabError as error:
        st.session_state[REFUSED] = str(error)
    else:
        st.session_state[CLEARED if batch else NOTHING] = batch or True


def _undo(lab: Lab, batch: str) -> None:
    do(lab.lessons.undo_clear, batch)
    st.session_state.pop(CLEARED, None)
