"""Explanations on demand, from the glossary; and the switch between simple and full pages."""

from __future__ import annotations

import streamlit as st

from app.glossary import TERMS
from app.widgets.links import link

FULL = "all-statistics"


def explain(*terms: str) -> None:
    """A button that opens what these terms of the glossary mean."""
    box = st.popover(
        "What is this?", icon=":material/help:", type="tertiary",
        key=f"explain-{'-'.join(terms)}", on_change="rerun",
    )  # fmt: skip
    if box.open:  # a closed one is not filled
        with box:
            for term in terms:
                st.markdown(f"**{TERMS[term].title}.** {TERMS[term].text}")
            link("glossary", "All terms")


def meaning(term: str) -> str:
    """The entry of a term, for a tooltip."""
    return TERMS[term].text


def detail_switch() -> None:
    """The switch, in the sidebar: it holds for all pages of a visit."""
    st.toggle(
        "All statistics",
        key=FULL,
        help="Shows calibration, likelihoods and further statistics as well, for whoever reads them.",
    )


def full() -> bool:
    """Whether the visitor wants all statistics."""
    return bool(st.session_state.get(FULL))
