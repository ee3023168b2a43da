"""A code by which one student comes back to what they made, and where the teacher reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import ago, literal
from app.people import back_codes
from app.sections.classroom.deeds import do
from engine.people.classroom import BACK_SECONDS

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.people.class_file import ClassFile

SHOWN = "class-code-shown"  # id of the student whose code is shown when the page is drawn next
HIDDEN = "•••• ••••"


def let_back_in(lab: Lab, found: ClassFile) -> None:
    """A button for everybody who is or was in the class."""
    with st.popover("Let back in", icon=":material/person_add:", width="stretch"):
        st.caption(
            "For who left, was removed, or comes with another browser: a code for them alone, by which"
            " they find their work again."
        )
        with st.container(horizontal=True):
            for one in (*found.students, *reversed(found.gone)):
                away = f", left {ago(one.left)}" if one.left else ", signed out"
                label = literal(one.name) + ("" if one in found.students else away)
                st.button(
                    label, key=f"back-{one.id}", on_click=do, args=(back_codes.make, lab, one)
                )


def codes_box(lab: Lab) -> None:
    """The codes that are still good. On the page, not in the popover, which a browser may close with the
    click that makes a code; hidden, since a class may read along on a projector, but for one that the
    teacher has just asked to see: whatever is done next hides it again.
    """
    shown = st.session_state.pop(SHOWN, None)
    for id, back in back_codes.good(lab).items():
        name, is_shown = literal(back.name), id == shown
        code = f"{back.code[:4]}-{back.code[4:]}" if is_shown else HIDDEN
        void = " The code that was made for them before is void now." if back.again else ""
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(
                f"**{name}** opens the address to join by and enters the code **{code}** with the same"
                f" name: once, within {BACK_SECONDS // 60} minutes.{void}",
                icon=":material/key:",
            )
            st.button(
                f"{'Hide' if is_shown else 'Show'} the code of {name}",
                key=f"show-back-{id}",
                icon=f":material/visibility{'_off' if is_shown else ''}:",
                on_click=_show,
                args=(None if is_shown else id,),
            )


def _show(id: str | None) -> None:
    st.session_state[SHOWN] = id
