"""Sweeps: search for better settings, trial by trial."""

import streamlit as st

from app.sections.sweeps.start import new_sweep, pick_sweep
from app.sections.sweeps.watch import watch_sweep
from app.widgets import allowed, page

with page(
    "Sweeps", "Try the values of a search space trial by trial; each trial is a run of its own."
) as lab:
    if allowed(lab, "sweep"):
        st.session_state.setdefault("new-sweep", not lab.sweeps.titles())
        if st.session_state.pop("sweep-begun", False):
            st.session_state["new-sweep"] = False
        with st.expander(
            "New sweep", icon=":material/add_circle:", key="new-sweep", on_change="rerun"
        ):
            new_sweep(lab)
    name = pick_sweep(lab)
    if name:
        watch_sweep(lab, name)
