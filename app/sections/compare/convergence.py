"""How the compared runs converge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app.charts import compare as charts
from app.charts.words import literal
from app.sections.compare.colours import colours_of
from app.sections.compare.summary import TIMES
from app.widgets.common import chart, note

if TYPE_CHECKING:
    from engine.compare.subjects import Subject
    from engine.lab import Lab


def convergence(lab: Lab, subjects: Sequence[Subject]) -> None:
    """Curves of all the runs on one axis, and how long each took to each accuracy."""
    with st.container(horizontal=True, gap="medium"):
        measure = st.segmented_control(
            "Measure",
            list(charts.MEASURES),
            default="held-out accuracy",
            required=True,
            key="measure",
        )
        axis = st.segmented_control(
            "By", list(charts.AXES), default="epochs", required=True, key="axis"
        )
    together = st.toggle(
        "Average runs of one recipe (mean and range over seeds)", value=True, key="together"
    )
    chart(
        charts.convergence(lines_of(lab, subjects, together), measure, axis),
        key=f"convergence-{measure}-{axis}",
    )
    note(
        "Held-out: the validation images; for recipes without them that evaluate on the test split"
        " each epoch, as some of the studies on the page Study did, the test images."
    )
    key = charts.MEASURES[measure].key
    without = list(
        dict.fromkeys(
            one.label
            for one in subjects
            if one.epochs and all(row.get(key) is None for row in one.epochs)
        )
    )
    if without and len(without) < len({one.label for one in subjects}):
        note(f"Not recorded of {', '.join(literal(label) for label in without)}: its {measure}.")
    by_knn = list(dict.fromkeys(one.label for one in subjects if one.by_knn))
    if by_knn:
        note(
            f"Of {', '.join(literal(label) for label in by_knn)} the held-out accuracy of an epoch is by kNN"
            " in the embedding, as the loss works on embeddings; of a classifier it may be another."
        )
    if together and any(
        sum(any(row.get(key) is not None for row in one.epochs) for one in group.members) > 1
        for group in lab.compare.groups(subjects)
    ):
        note("Line: mean over seeds. Band: from the lowest to the highest seed.")
    rows = lab.compare.table([one for one in subjects if one.is_followed or not one.epochs])
    colours = colours_of(subjects)
    left, right = st.columns(2)
    with left:
        chart(charts.thresholds(rows, "epochs", colours), key="epochs-to")
    with right:
        chart(charts.thresholds(rows, "seconds", colours), key="seconds-to")
    if apart := list(dict.fromkeys(s.label for s in subjects if s.epochs and not s.is_followed)):
        note(
            f"Not among these bars: {', '.join(literal(label) for label in apart)}. No images were held out"
            " to follow the accuracy on."
        )
    note(TIMES)


def lines_of(lab: Lab, subjects: Sequence[Subject], together: bool = True) -> list[charts.Line]:
    """What is drawn as one line each: recipes with all their seeds, or every run."""
    colours = colours_of(subjects)
    if together:
        return [
            charts.Line(
                group.label, [s.epochs for s in group.members], colours[group.members[0].id]
            )
            for group in lab.compare.groups(subjects)
        ]
    return [charts.Line(s.label, [s.epochs], colours[s.id]) for s in subjects]
