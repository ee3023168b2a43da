"""Train: choose a recipe, change what you like, start, and watch."""

import streamlit as st

from app.sections.train.start import keep_edits, seeds_begun, start
from app.sections.train.watch import watch
from app.widgets import damaged_box, page, pick_run
from app.widgets.live import fetch_library
from app.widgets.visiting import visiting

with page("Train", "Choose a recipe, change any field, start the run and watch it learn.") as lab:
    visiting(lab)
    st.session_state.setdefault("new-run", "run" not in st.query_params)
    came_for = (st.query_params.get("data"), st.query_params.get("recipe"))
    if "run" not in st.query_params and any(came_for) and st.session_state.get("came") != came_for:
        st.session_state["new-run"] = True  # by a link to it, maybe after watching another run
    st.session_state["came"] = came_for
    if st.session_state.pop("run-begun", False):
        st.session_state["new-run"] = False  # folded, for the run below
    box = st.expander("New run", icon=":material/add_circle:", key="new-run", on_change=keep_edits)
    if (
        box.open
    ):  # a closed form is not drawn: who watches a run does not wait for its eighty fields
        with box:
            start(lab)
            fetch_library()
    seeds_begun()
    run_id = pick_run(lab, "run", "Run to watch", only_alive=True)
    if run_id:
        watch(lab, run_id)
    damaged_box(lab.store.damaged_runs(), lab.delete if lab.may("tidy") else None)
    damaged_box(lab.store.damaged_recipes())
