"""What saved models predict of one image: of each the three likeliest classes, and all asked in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import literal, probability
from app.widgets import link, note, number
from engine.errors import GlyphlabError

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.services.samples import Predicted, Sample

SHOWN = 3  # classes of each model


def predictions(lab: Lab, sample: Sample) -> None:
    """The predictions that there are, and the buttons that ask for more."""
    st.subheader("Predictions", anchor=False)
    if refused := st.session_state.pop("not-predicted", None):
        st.warning(f"Not predicted: {'; '.join(refused)}", icon=":material/warning:")
    found = lab.samples.predictions(sample.data, sample.name)
    names = {  # of a run its own name first: nobody knows a run by its id
        model.name: f"{model.title} · {model.name}" if model.where == "run" else model.name
        for model in lab.models()
    }
    for one in found:
        st.markdown(_line(one, sample.label, names.get(one.model, one.model)))
    models = lab.samples.models(sample.data)
    if not models:
        note("No saved model knows all classes of this data set.")
        link("train", "Train one", data=sample.data)
        return
    if not found:
        note("No model has been asked about this image yet.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        here = [*(one.model for one in found), st.query_params.get("model")]
        asked = next((one for one in here if one in models), models[0])
        model = st.selectbox(
            "Model",
            models,
            models.index(asked),
            format_func=lambda name: names.get(name) or name,
            key=f"ask-{sample.data}",
            width=260,
        )
        if st.button("Predict", key="predict", icon=":material/neurology:", shortcut="P"):
            _ask(lab, sample, [model])
        whole = {one.model for one in found if len(one.likeliest) > 1}
        left = [name for name in models if name not in whole]
        if (
            len(models) > 1
            and left
            and st.button(
                f"Predict by all {number(len(models))}",
                key="predict-all",
                icon=":material/neurology:",
                help="Every saved model that knows the classes of this data set.",
            )
        ):
            _ask(lab, sample, left)


def _line(one: Predicted, label: str | None, model: str) -> str:
    """One model's prediction; of an embedded data set only the likeliest class was kept."""
    top, *others = one.likeliest[:SHOWN]
    colour = "gray" if not label else "green" if top[0] == label else "red"
    more = ", ".join(f"{literal(name)} {probability(p)}" for name, p in others)
    first = f":{colour}[**{literal(top[0])}**] {probability(top[1])} · {literal(model)}"
    return first + (f"  \n:gray[then {more}]" if more else "")


def _ask(lab: Lab, sample: Sample, models: list[str]) -> None:
    """Have models predict, one after the other; one that can't be used doesn't keep back the others."""
    refused = []
    with st.spinner("Predicting…"):
        for model in models:
            try:
                lab.samples.predict(sample.data, sample.name, model)
            except GlyphlabError as error:
                refused.append(f"{model}: {error}")
    if refused and len(models) > 1:
        st.session_state["not-predicted"] = refused
    elif refused:
        raise GlyphlabError(refused[0])
    st.rerun()
