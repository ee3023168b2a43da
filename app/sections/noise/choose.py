"""The data set to diagnose, and its diagnosis: found, in progress, or to be started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.widgets import allowed, link, pick_dataset, task_box, told
from app.widgets.doing import do_button
from engine.runs.run_info import ALIVE

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.noise.storage import Diagnosis

FIRST = "task3"
EFFORT_WORDS = {
    "full": (
        "full: ten minutes for 60,000 images on two cores, half an hour for complementary labels"
    ),
    "quick": "quick: a fifth of the time or less, and rougher",
}


def dataset(lab: Lab) -> str | None:
    """The chosen data set; to begin with the one that was diagnosed last, or Task 3 if it is here."""
    if "data" not in st.session_state and "data" not in st.query_params:
        here = [data.name for data in lab.datasets() if data.here]
        wanted = [*(info.name for info in lab.noise.list()), FIRST]
        if first := next((name for name in wanted if name in here), None):
            st.session_state["data"] = first
    return pick_dataset(lab, "data")


def diagnosis(lab: Lab, name: str) -> Diagnosis | None:
    """The data set's diagnosis, or what it takes to get one: drawn in its place."""
    for task in lab.tasks("diagnose"):
        if task.arguments.get("dataset") == name and task.state in ALIVE:
            st.markdown(
                f"Diagnosing the labels of `{name}`. You may leave this page; the work continues."
            )
            if task_box(lab, task.id, "diagnose").state in ALIVE:
                return None
    with st.spinner("Looking for a diagnosis…", show_time=True):
        found = lab.noise.find(name)
    if found is None:
        _offer(lab, name)
    return found


def again(lab: Lab, found: Diagnosis) -> None:
    """When and how the diagnosis was made, and a way to a better one."""
    document = found.document
    st.caption(
        f"{document['n']:,} images, effort {document['effort']}, {document['seconds'] / 60:.1f}"
        f" minutes, {document['created'][:10]}. Suspicion comes from networks that were not"
        " trained on the label in question; no other labels are used."
    )
    if document["effort"] != "full" and lab.may("diagnose"):
        st.button(
            "Diagnose at full effort",
            key="diagnose-full",
            icon=":material/biotech:",
            on_click=_start,
            args=(lab, document["name"], "full"),
        )


def _offer(lab: Lab, name: str) -> None:
    info = next((data for data in lab.datasets() if data.name == name), None)
    if info is not None and not info.here and not info.fetchable:
        st.info(f"`{name}` is not here and has no public source.", icon=":material/info:")
        link("data", "Data sets", data=name)
        return
    with st.container(border=True):
        st.markdown(
            f"The labels of `{name}` have no diagnosis yet. It is made by cross-validation: small"
            " networks are trained on parts of the images, and their predictions for the other"
            " images are compared with the labels: how many are wrong, which, and in what pattern."
        )
        if not allowed(lab, "diagnose"):
            return
        effort = st.radio(
            "Effort",
            list(EFFORT_WORDS),
            format_func=EFFORT_WORDS.get,
            key="effort",
            horizontal=True,
        )
        do_button(
            "Diagnose",
            _start,
            (lab, name, effort),
            key="diagnose-now",
            type="primary",
            icon=":material/biotech:",
        )
    failed = next(
        (task for task in lab.tasks("diagnose") if task.arguments.get("dataset") == name), None
    )
    if failed is not None and failed.state == "failed":
        st.error(f"The last diagnosis failed: {failed.error}", icon=":material/error:")


@told
def _start(lab: Lab, name: str, effort: str) -> None:
    lab.start_task("diagnose", dataset=name, effort=effort)
