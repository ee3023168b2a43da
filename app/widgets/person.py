"""Who decides: the name that the label journal keeps with every decision made in this browser."""

from __future__ import annotations

import streamlit as st

from engine.services.labels import account

KEY = "person"
LONGEST = 60  # characters


def person() -> str:
    """The name that was given in this browser, or that of the account that the lab runs under."""
    return st.session_state.get(KEY, "").strip() or account()


def pick_person() -> None:
    """A box for one's name."""
    name = st.text_input(
        "Your name",
        st.session_state.get(KEY, ""),
        key=f"{KEY}-box",
        placeholder=account(),
        max_chars=LONGEST,
        help="Kept with every decision about a label. Several people may decide at the same time.",
    )
    st.session_state[KEY] = name
