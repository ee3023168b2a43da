"""Choosing a model, a data set, runs. Each remembers its choice in the address under its key, so that a page can be shared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app.widgets.common import empty

if TYPE_CHECKING:
    from engine.lab import Lab


def pick_model(lab: Lab, key: str, label: str = "Model", only: Sequence[str] | None = None) -> str | None:
    """A saved model's name, shipped ones first; None, with an empty state drawn, where there is none.

    `only` restricts the choice. The choice stands in the address as `?<key>=<name>`.
    """
    models = [model for model in lab.models() if only is None or model.name in only]
    if not models:
        empty("No model has been saved yet. Train one: `quick` takes a few seconds.", "train", "Train a model")
        return None
    labels = {model.name: model_label(model) for model in models}
    return st.selectbox(label, list(labels), format_func=lambda name: labels.get(name, name), key=key, bind="query-params")


def pick_dataset(lab: Lab, key: str, label: str = "Data set", only: Sequence[str] | None = None) -> str | None:
    """A data set's name, those that are at hand first; None, with an empty state drawn, where there is none."""
    datasets = [data for data in lab.datasets() if only is None or data.name in only]
    if not datasets:
        empty("No data set fits here. Upload one, or point GLYPHLAB_DATA at a folder of them.", "data", "Data sets")
        return None
    labels = {data.name: dataset_label(data) for data in datasets}
    return st.selectbox(label, list(labels), format_func=lambda name: labels.get(name, name), key=key, bind="query-params")


def pick_runs(lab: Lab, key: str, label: str = "Runs", default: Sequence[str] = (), states: Sequence[str] | None = None) -> list[str]:
    """Run ids, newest first, any number; empty, with an empty state drawn, where there are no runs (of `states`)."""
    runs = [run for run in lab.runs() if states is None or run.state in states]
    if not runs:
        empty("No run yet. Start one: `quick` takes a few seconds.", "train", "Train a model")
        return []
    labels = {run.id: run_label(run) for run in runs}
    there = [run for run in default if run in labels]
    return st.multiselect(label, list(labels), default=there, format_func=lambda run: labels.get(run, run), key=key, bind="query-params")


def model_label(model: object) -> str:
    """A model in one line: its name and its accuracy on the test split."""
    from app.charts.words import percent

    accuracy = getattr(model, "accuracy", None)
    return model.name if accuracy is None else f"{model.name} · {percent(accuracy)}"


def dataset_label(data: object) -> str:
    """A data set in one line: its name, its title, and whether it would have to be fetched."""
    title = getattr(data, "title", "")
    away = "" if getattr(data, "here", True) else " · not here yet"
    return f"{data.name} · {title}{away}" if title and title != data.name else f"{data.name}{away}"


def run_label(run: object) -> str:
    """A run in one line: its recipe's name, its state or accuracy, and when it started."""
    from app.charts.words import ago, percent

    accuracy = getattr(run, "accuracy", None)
    what = percent(accuracy) if accuracy is not None else run.state
    return f"{run.name} · {what} · {ago(getattr(run, 'created', None))}"
