"""Codes by which a whole class comes back to what they made, as a table to print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.charts.report import as_csv
from app.charts.words import ago
from app.people.presence import seen
from app.sections.classroom.deeds import REFUSED
from engine.errors import GlyphlabError
from engine.people.classroom import LESSON_SECONDS

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.people.class_file import Student

CODES = "class-codes"


def all_back_in(lab: Lab) -> None:
    """A button that opens a table of codes, one for each student; for the teacher alone."""
    with st.popover("Let all back in", icon=":material/group_add:", width="stretch"):
        st.caption(
            "For the next lesson of the same class: a code for each student, good once, with their own"
            f" name, for {LESSON_SECONDS // 3600} hours. Print the table and cut it into slips, and"
            " make it before the lesson: new codes make the old ones void."
        )
        st.button(
            "Make codes for all", key="codes-for-all", type="primary", on_click=_make, args=(lab,)
        )
        # In here, not on the page: codes are not for the projector.
        if rows := st.session_state.get(CODES):
            st.dataframe(rows, hide_index=True, key="codes-table", height="content")
            st.download_button(
                "Codes (CSV)",
                as_csv(rows).encode("utf-8-sig"),
                "codes.csv",
                "text/csv",
                key="codes-csv",
                icon=":material/download:",
                on_click="ignore",
            )


def _last_here(student: Student) -> str:
    """When they last opened a page; if that is not remembered, when they left or joined."""
    if last := seen(student.id):
        return ago(last.at)
    return f"left {ago(student.left)}" if student.left else f"joined {ago(student.joined)}"


def _make(lab: Lab) -> None:
    try:
        found = lab.classroom.back_codes()
    except GlyphlabError as error:
        st.session_state[REFUSED] = str(error)
        return
    st.session_state[CODES] = [
        {
            "Name": student.name,
            "Code": f"{code[:4]}-{code[4:]}",
            "Last here": _last_here(student),
        }
        for student, code in found
    ]
    if not found:
        st.session_state[REFUSED] = "Nobody has been in this class yet: they join with the code."
