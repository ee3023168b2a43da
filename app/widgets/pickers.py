"""Choosing a model, a data set, runs. Each keeps its choice in the address under its key, so that a
page can be shared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.charts.words import literal, percent
from app.widgets.busy import quick_takes
from app.widgets.common import clock, empty
from app.widgets.links import link
from engine.markdown import code
from engine.store.models import without_trials

if TYPE_CHECKING:
    from engine.data.info import DatasetInfo
    from engine.lab import Lab
    from engine.runs.run_info import RunInfo
    from engine.store.models import ModelInfo


def pick_model(
    lab: Lab,
    key: str,
    label: str = "Model",
    only: Sequence[str] | None = None,
    said: bool = True,
) -> str | None:
    """A saved model's name, shipped ones first; None, with an empty state drawn, where there is
    none. `only` restricts the choice. Of a sweep's trials the best is offered, and the one that the
    address names. How good the model is, is `said` beneath: in the box it would be cut short.
    """
    models = [model for model in lab.models() if only is None or model.name in only]
    models = without_trials(models, (st.query_params.get(key, ""), st.session_state.get(key, "")))
    if not models:
        empty(
            f"No model has been saved yet. Train one: {quick_takes(lab)}",
            "train",
            "Open the recipe quick",
            recipe="quick",
        )
        return None
    chosen = pick_one(label, {model.name: model_label(model) for model in models}, key, "model")
    if said and (accuracy := accuracy_words(next(m for m in models if m.name == chosen))):
        st.caption(f"Accuracy: {literal(accuracy)}")
    return chosen


def pick_dataset(
    lab: Lab,
    key: str,
    label: str = "Data set",
    only: Sequence[str] | None = None,
    default: str | None = None,
) -> str | None:
    """A data set's name, unless chosen `default` or the first, those that are here before others;
    None, with an empty state drawn, where there is none. Where the address names one that is not
    there, it says so, and gives None until a person chooses: no other is shown in its place.
    """
    datasets = [data for data in lab.datasets() if only is None or data.name in only]
    if not datasets:
        empty(
            "No data set fits here. Upload one, or point GLYPHLAB_DATA at a folder of them.",
            "data",
            "Data sets",
        )
        return None
    labels = {data.name: dataset_label(data) for data in datasets}
    if (wanted := st.query_params.get(key)) and wanted not in labels:
        no_such_data(lab, wanted)
        st.session_state[key] = None
        return _select(label, labels, key, None, placeholder="Choose a data set")
    return pick_one(label, labels, key, "data set", default)


def is_away(lab: Lab, name: str) -> bool:
    """Whether a data set of the list is not on this machine: then, where to get it is drawn."""
    away = any(data.name == name and not data.here for data in lab.datasets())
    if away:
        empty(f"{code(name)} is not on this machine.", "data", "How to get it", data=name)
    return away


def no_such_data(lab: Lab, name: str, instead: str = "") -> None:
    """That the data set in the address is not here, what is shown `instead`, and for who may add one,
    how that is done.
    """
    text = f"There is no data set {code(name)} here{instead}."
    if lab.may("change data"):
        text += " Put its folder into one that `GLYPHLAB_DATA` names, or add it on the page Data."
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning(text, icon=":material/info:")
        if lab.may("change data"):
            link("data", "Add a data set", add="yes")


def pick_run(
    lab: Lab, key: str = "run", label: str = "Run", *, only_alive: bool = False
) -> str | None:
    """One run's id, the newest unless chosen; None, with an empty state drawn, where there are
    none. With `only_alive`, None is offered too, unless one is under way.

    To choose one from elsewhere, set `st.query_params[key]` before this is drawn.
    """
    runs = lab.runs()
    if not runs:
        empty(
            f"No run yet. Choose a recipe and start it: {quick_takes(lab)}",
            "train",
            "Open the recipe quick",
            recipe="quick",
        )
        return None
    labels = {run.id: run_label(run) for run in runs}
    if not only_alive:
        return pick_one(label, labels, key, "run")
    alive = next((run.id for run in runs if run.alive), None)
    return pick_one_or_none(label, labels, key, "run", alive)


def pick_runs(
    lab: Lab,
    key: str,
    label: str = "Runs",
    default: Sequence[str] = (),
    states: Sequence[str] | None = None,
) -> list[str]:
    """Run ids, any number, offered newest first; empty, with an empty state drawn, where there are
    no runs (of `states`).

    The choice stands in the address as `?<key>=id,id`; ids there that are gone are
    named and left out.
    """
    runs = [run for run in lab.runs() if states is None or run.state in states]
    if not runs:
        empty(
            f"No run yet. Start one: {quick_takes(lab)}",
            "train",
            "Open the recipe quick",
            recipe="quick",
        )
        return []
    labels = {run.id: run_label(run) for run in runs}
    if key in st.query_params:
        asked = _listed(key)
        st.session_state[key] = [run for run in asked if run in labels]
        if gone := [literal(run) for run in asked if run not in labels]:
            st.warning(f"Not here, and so left out: {', '.join(gone)}.", icon=":material/info:")
    elif key not in st.session_state:
        st.session_state[key] = [run for run in default if run in labels]

    def remember() -> None:
        st.query_params[key] = ",".join(st.session_state[key])

    return st.multiselect(
        label,
        list(labels),
        format_func=lambda run: labels.get(run) or run,
        key=key,
        on_change=remember,
        placeholder="Choose runs",
    )


def pick_one(
    label: str,
    labels: Mapping[str, str],
    key: str,
    what: str,
    default: str | None = None,
    help: str | None = None,
) -> str:
    """A select box over names, shown by their labels; the choice stands in the address as
    `?<key>=<name>`, so that a page can be shared.

    `what` is the kind of thing, for the sentence about one in the address that is not there; the
    first name is the default. (Streamlit's own `bind` would put the label into the address, which
    changes with a run's state.)
    """
    first = default if default is not None and default in labels else next(iter(labels))
    _gone(labels, key, what, first)
    chosen = _select(label, labels, key, first, help=help)
    return first if chosen is None else chosen


def pick_one_or_none(
    label: str, labels: Mapping[str, str], key: str, what: str, default: str | None = None
) -> str | None:
    """As `pick_one`, but where there is no `default` nothing is chosen until a person does."""
    _gone(labels, key, what, default)
    return _select(label, labels, key, default, placeholder=f"Choose a {what}")


def _gone(labels: Mapping[str, str], key: str, what: str, default: str | None) -> None:
    """Say so where the address names one that is not there, and what is shown in its place."""
    wanted, chosen = st.query_params.get(key), st.session_state.get(key)
    if wanted and wanted not in labels:
        shown = chosen if chosen in labels else default
        instead = f"; {code(shown)} is shown" if shown else ""
        st.warning(f"There is no {what} {code(wanted)} here{instead}.", icon=":material/info:")


def _select(
    label: str,
    labels: Mapping[str, str],
    key: str,
    default: str | None,
    **options: Any,
) -> str | None:
    wanted = st.query_params.get(key)
    if wanted in labels:
        st.session_state[key] = wanted
    elif st.session_state.get(key) not in labels:
        st.session_state[key] = default

    def remember() -> None:
        st.query_params[key] = st.session_state[key]

    return st.selectbox(
        label,
        list(labels),
        index=None if default is None else 0,
        format_func=lambda name: labels.get(name, name),
        key=key,
        on_change=remember,
        persist_state="page",
        **options,
    )


def _listed(key: str) -> list[str]:
    return [part for text in st.query_params.get_all(key) for part in text.split(",") if part]


def model_label(model: ModelInfo) -> str:
    """A model as a select box shows it: its name, of one's own also the data it was trained on."""
    return f"{model.title} · {model.data} · {model.name}" if model.where == "run" else model.name


def accuracy_words(model: ModelInfo) -> str:
    """A model's accuracy with what it is of; '' where none was measured.

    '86.2% of 14,000 test images of emnist62, 62 classes'
    """
    if model.accuracy is None:
        if model.val_accuracy is None:
            return ""
        return f"{percent(model.val_accuracy)} of its validation images, {model.classes} classes"
    return f"{percent(model.accuracy)} of {model.tested_on}, {model.classes} classes"


def dataset_label(data: DatasetInfo) -> str:
    """A data set in one line: its name, its title, and whether it would have to be fetched or is
    missing.
    """
    away = "" if data.here else " · to be downloaded" if data.fetchable else " · not here"
    return (
        f"{data.name} · {data.title}{away}"
        if data.title and data.title != data.name
        else f"{data.name}{away}"
    )


def run_label(run: RunInfo) -> str:
    """A run in one line: its name, when it was made, its id. Nothing that changes: Streamlit knows
    a choice by its label.
    """
    return f"{run.name} · {clock(run.created)} · {run.id}"
