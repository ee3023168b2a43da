"""Models: every saved model with its card, its figures and its files."""

import pandas as pd
import streamlit as st

from app.sections.models.card import (
    accuracy,
    card,
    downloads,
    figures,
    measured_on,
    mistakes,
    offer_test_split,
    remove,
)
from app.sections.models.inside import inside
from app.widgets import (
    WIDE_TABLE,
    ago,
    cite_button,
    damaged_box,
    link,
    note,
    page,
    parameters,
    pick_model,
)

with page("Models", "Saved models: what they are for, how good they are, and their files.") as lab:
    model = pick_model(lab, "model")
    if model:
        meta = lab.model_meta(model)
        figures(meta, next((info.merged for info in lab.models() if info.name == model), None))
        with st.container(horizontal=True, vertical_alignment="center"):
            link("draw", "Open on the canvas", model=model)
            downloads(lab, model, meta)
            cite_button(meta, model)
            remove(lab, model)
        offer_test_split(lab, model, meta)
        left, right = st.columns([3, 2])
        with left:
            card(lab, model)
        with right:
            mistakes(lab, model, meta)
        inside(lab, model)
        st.subheader("All models", anchor=False)
        st.dataframe(
            pd.DataFrame(
                {
                    "Name": entry.title if entry.where == "run" else entry.name,
                    "Id": entry.name,  # what commands call it
                    "Accuracy": accuracy(entry),
                    "Measured on": measured_on(entry),
                    "Classes": entry.classes,
                    "Trained on": entry.data,
                    "Parameters": parameters(entry.parameters),
                    "Image size (px)": entry.size,
                    "Created": ago(entry.created),
                    "Title": "–" if entry.where == "run" else entry.title,
                    "Input style": entry.style,
                }
                for entry in lab.models()
            ),
            hide_index=True,
            column_config={"Name": st.column_config.TextColumn(pinned=True)},
        )
        note(WIDE_TABLE)
    damaged_box(lab.store.damaged_models())
