"""Images that a person skipped on a page, and the way back to them."""

from __future__ import annotations

import streamlit as st


def show_again(key: str) -> None:
    """A button that has the skipped images asked about again, if there are any. key: of their list in
    the session.
    """
    if skipped := st.session_state.get(key):
        st.button(
            "Show the skipped ones again",
            key="skipped-again",
            icon=":material/replay:",
            on_click=skipped.clear,
        )
