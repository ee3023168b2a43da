"""Label noise: what is wrong with a data set's labels, which of them to doubt, and how to train through them."""

from __future__ import annotations

import streamlit as st

from app.doubts import cleaned, diagnosis, purpose, review, suspects
from app.widgets import page

SECTIONS = {
    "diagnosis": ("Diagnosis", diagnosis),
    "suspects": ("Suspects", suspects),
    "review": ("Review", review),
    "cleaned": ("Cleaned labels", cleaned),
    "purpose": ("Noise on purpose", purpose),
}

with page("Label noise", "Find out what is wrong with a data set's labels, correct them, and train through them.") as lab:
    section = st.segmented_control(
        "Section",
        list(SECTIONS),
        format_func=lambda name: SECTIONS[name][0],
        default="diagnosis",
        key="section",
        bind="query-params",
        label_visibility="collapsed",
    )
    SECTIONS[section or "diagnosis"][1].draw(lab)
