"""What the keys and buttons of the review do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from app.widgets import told
from app.widgets.keys import SKIP, UNDO, Press
from app.widgets.meanwhile import decided_meanwhile, open_for, taken, tell_both
from app.widgets.person import person

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.noise.storage import Diagnosis

TAKE = "take"


def deeds(lab: Lab, found: Diagnosis) -> Callable[[Press], None]:
    """What a key or button does, under the name that stands on the page when it is pressed. A second one for an
    image that this page has decided about does nothing.
    """

    @told
    def do(press: Press) -> None:
        if press.action == UNDO:
            _undo(lab, found)
            return
        label = press.likely if press.action in (TAKE, SKIP) else press.action[1:]
        if not (
            press.name.isdecimal() and label.isdecimal()
        ):  # what a browser sends may be anything
            return
        if not taken(found.key, press.name):
            return
        place = int(press.name)
        if press.action == SKIP:
            st.session_state[f"skipped-{found.key}"].append(place)
        else:
            _decide(lab, found, place, int(label), press.action != TAKE)

    return do


def _decide(lab: Lab, found: Diagnosis, place: int, label: int, own: bool) -> None:
    name = found.file(place)
    other = decided_meanwhile(lab, found.data.name, name)
    lab.noise.review(found, person()).decide(place, label, own=own)
    if other is not None:
        tell_both(name, other)


def _undo(lab: Lab, found: Diagnosis) -> None:
    taken_back = lab.noise.review(found, person()).undo()
    if taken_back is None:
        return
    open_for(found.key, [str(taken_back.position)])
    skipped = st.session_state.get(f"skipped-{found.key}", [])
    if taken_back.position in skipped:
        skipped.remove(taken_back.position)
