"""The embedding explorer: a map of a data set through a model, two of them, a run that learns, and the figures."""

from __future__ import annotations

import streamlit as st

from app.explorer import figures, learning, map, pair
from app.widgets import page

VIEWS = {"map": ("Map", map), "pair": ("Two spaces", pair), "learning": ("Watch it learn", learning), "figures": ("Figures", figures)}

with page("Embeddings", "Walk through a model's embedding: what lies close together, the model finds alike.") as lab:
    view = st.segmented_control(
        "View", list(VIEWS), format_func=lambda name: VIEWS[name][0], default="map", key="view", bind="query-params",
        label_visibility="collapsed",
    )
    VIEWS[view or "map"][1].draw(lab)
