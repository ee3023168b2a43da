"""The learning-rate finder on a page: one short search for the recipe in the form, and what it
suggests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.charts.compare import rate_search
from app.widgets.common import chart, note
from app.widgets.tasks import task_box

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.recipes.recipe import Recipe


def rate_finder(lab: Lab, recipe: Recipe, key: str) -> None:
    """A button that tries rising learning rates on the first stage of `recipe`, and the plot of its
    last search.
    """
    if not lab.may("sweep"):
        return
    with st.expander("Find a learning rate", icon=":material/query_stats:"):
        note(
            "A hundred batches at rates that rise from 0.000001 to 1. A good peak lies where the"
            " loss still falls steeply, well before it turns upwards. No model is kept."
        )
        if st.button("Test learning rates", key=f"{key}/try-rates", icon=":material/play_arrow:"):
            fields = recipe.model_dump(mode="json") | {"small": {}}  # already applied
            st.session_state[f"{key}/rates"] = lab.start_task("find_rate", fields=fields)
        if task := st.session_state.get(f"{key}/rates"):
            info = task_box(lab, task, key=f"{key}/rates-task")
            if info.state == "finished":
                chart(rate_search(info.result), key=f"{key}/rates-chart")
                if not info.result["steepest"]:
                    note("The loss never fell: the recipe does not learn at any of these rates.")
