"""What a teacher's button does, and what is said where that was refused."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine.errors import GlyphlabError

REFUSED = "class-refused"


def do(deed: Callable[..., object], *arguments: object) -> None:
    """The deed; a refusal is kept for the next drawing of the page."""
    try:
        deed(*arguments)
    except GlyphlabError as error:
        st.session_state[REFUSED] = str(error)
