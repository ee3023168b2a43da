"""Controls for what whoever asks may do: those that would be refused are not drawn, but why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from engine.lab import Lab


def allowed(lab: Lab, deed: str, owner: str | None = None) -> bool:
    """Whether to draw the controls of a deed (engine.people.rights). Where they would be refused, a
    quiet line in their place says why and whom to ask. owner: mark of the person whose it is that the
    deed is done to; None: whoever asks.
    """
    why = lab.why_not(deed, owner)
    if why:
        st.caption(f":material/lock: {why}")
    return not why
