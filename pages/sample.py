"""Sample: one image of a data set, everything that is known about it, and what a person decides."""

import streamlit as st

from app.samples.card import draw
from app.samples.neighbour import check_neighbour
from app.widgets import empty, page, pick_dataset
from app.widgets.pickers import is_away

with page(
    "Sample",
    "One image: its label and history, what models predict, what is like it, and your decision.",
) as lab:
    wanted = st.query_params.get("sample")
    if wanted is None:
        data = pick_dataset(lab, "data")
        if data and not is_away(lab, data):
            first = next(iter(lab.labels.given(data)), None)
            if first is None:
                empty("This data set holds no image.", "data", "Data sets", data=data)
            else:
                draw(lab, data, first)
    else:
        data = st.query_params.get("data", "")
        check_neighbour(lab, data, wanted, st.query_params.get("model"))
        draw(lab, data, wanted)
