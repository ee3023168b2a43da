"""That a student's work was cleared: told once, on whichever page they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.shared_lab import open_lab_here
from app.widgets.person import asking
from engine.errors import GlyphlabError

if TYPE_CHECKING:
    from engine.people.person import Person

TOLD = (
    "Your teacher has cleared your work: your runs, symbols and saved drawings are gone from your pages, and"
    " a run that was still training stops and follows by itself. You can go on with new ones. Your teacher"
    " can bring the work back for a week."
)


def cleared_notice() -> None:
    """The notice for whoever asks, where there is one for them."""
    notice_for(asking())


def notice_for(person: Person) -> None:
    """The notice, until it is closed. Asks the lab itself: a student may ask nothing about others, and
    their own lab is closed to what changes something while the class is locked.
    """
    if person.id and open_lab_here().lessons.is_to_be_told(person.id):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(TOLD, icon=":material/delete_sweep:")
            st.button("OK", key="cleared-read", on_click=_read, args=(person.id,))


def _read(id: str) -> None:
    try:
        open_lab_here().lessons.was_told(id)
    except GlyphlabError as error:
        st.toast(str(error), icon=":material/error:")
