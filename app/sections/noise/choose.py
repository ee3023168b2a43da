"""The data set to diagnose, and its diagnosis: found, in progress, or to be started."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import number, seconds
from app.widgets import allowed, empty, link, pick_dataset, task_box, told
from app.widgets.common import clock
from app.widgets.doing import do_button
from engine.markdown import code
from engine.noise.shares import LEAST_CLASSES, LEAST_LABELLED
from engine.runs.run_info import ALIVE

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.noise.storage import Diagnosis

ALL = "all"  # the split that the page shows
FIRST = "digits"  # always here, and diagnosed in a minute or two
KINDS = ("diagnose", "noise-trial")  # tasks of this page
KNOWN_MINUTES, KNOWN_IMAGES = 10, 60_000  # of full effort, on two cores
# Networks see equally many images in training however many there are (engine.noise.config), but each of
# them in at most 30 epochs: from so many images on, more of them take no longer; until in two epochs.
SEEN_OFTEN, SEEN_TWICE = 13_000, 200_000
COMPLEMENTARY = (
    "Up to three times as long where the labels turn out to be complementary: each names a class that its"
    " image does not belong to."
)


def dataset(lab: Lab) -> str | None:
    """The chosen data set; to begin with the one of the newest diagnosis or experiment, else a small one."""
    if "data" not in st.session_state and "data" not in st.query_params:
        here = [data.name for data in lab.datasets() if data.here]
        if first := next((name for name in [*_latest(lab), FIRST] if name in here), None):
            st.session_state["data"] = first
    return pick_dataset(lab, "data")


def _latest(lab: Lab) -> list[str]:
    """The data sets of diagnoses and of experiments with injected noise, also of such as are under way,
    newest first.
    """
    found = [(info.created, info.name) for info in lab.noise.list()]
    found += [(str(trial["created"]), str(trial["dataset"])) for trial in lab.noise.trials()]
    found += [
        (task.created, str(task.arguments.get("dataset")))
        for kind in KINDS
        for task in lab.tasks(kind)
    ]
    return [name for _, name in sorted(found, reverse=True)]


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
        f"{document['n']:,} images, effort {document['effort']}, {seconds(document['seconds'])},"
        f" {document['created'][:10]}. Suspicion comes from networks that were not"
        " trained on the label in question; no other labels of these images are used."
    )
    if document["effort"] != "full" and lab.may("diagnose"):
        st.button(
            "Diagnose at full effort",
            key="diagnose-full",
            icon=":material/biotech:",
            on_click=_start,
            args=(lab, document["name"], "full"),
        )
    _how_it_failed(lab, document["name"])


def effort_words(images: int) -> dict[str, str]:
    """What each effort takes of a data set of so many images; 0: it is not known how many."""
    n = images or KNOWN_IMAGES
    minutes = math.ceil(KNOWN_MINUTES * max(min(1.0, n / SEEN_OFTEN), n / SEEN_TWICE))
    time = "1 minute" if minutes == 1 else f"{number(minutes)} minutes"
    return {
        "full": f"full: about {time} for {'its ' if images else ''}{number(n)} images on two free cores",
        "quick": "quick: a fifth of that or less, and rougher",
    }


def too_few_labels(lab: Lab, name: str) -> str:
    """Why there can be no diagnosis of a data set that is here: which labels it lacks; '' where it can."""
    listing = lab.data.listing(name)
    given = listing.labels[listing.labels >= 0]
    classes = len(set(given.tolist()))
    if len(given) >= LEAST_LABELLED and classes >= LEAST_CLASSES:
        return ""
    return (
        f"A diagnosis takes {LEAST_LABELLED} images or more that came with a label, of {LEAST_CLASSES} classes"
        f" or more. {code(name)} has {number(len(given))} of {number(classes)}. Labels that were given in this"
        " lab don't count: to have those diagnosed as well, export the data set on *Data* and add the zip there."
    )


def _offer(lab: Lab, name: str) -> None:
    info = next((data for data in lab.datasets() if data.name == name), None)
    if info is not None and info.here and (why := too_few_labels(lab, name)):
        empty(why, "data", "Open the data set", data=name)
        return
    if info is not None and not info.here and not info.fetchable:
        st.info(f"`{name}` is not here and has no public source.", icon=":material/info:")
        link("data", "Data sets", data=name)
        return
    with st.container(border=True):
        st.markdown(
            f"The labels of {code(name)} have no diagnosis yet. It is made by cross-validation: small"
            " networks are trained on parts of the images, and their predictions for the other"
            " images are compared with the labels: how many are wrong, which, and in what pattern."
        )
        if other := _other_one(lab, name):
            st.markdown(other)
        if not allowed(lab, "diagnose"):
            return
        images = info.images if info else 0
        if info is not None and info.here and not images:  # a folder that nobody has read yet
            images = len(lab.data.listing(name))
        words = effort_words(images)
        effort = st.radio(
            "Effort", list(words), format_func=words.get, key="effort", horizontal=True
        )
        st.caption(COMPLEMENTARY)
        do_button(
            "Diagnose",
            _start,
            (lab, name, effort),
            key="diagnose-now",
            type="primary",
            icon=":material/biotech:",
        )
    _how_it_failed(lab, name)


def _how_it_failed(lab: Lab, name: str) -> None:
    """Why the last diagnosis of a data set failed, if it did."""
    last = next(
        (task for task in lab.tasks("diagnose") if task.arguments.get("dataset") == name), None
    )
    if last is not None and last.state == "failed":
        st.error(f"The last diagnosis failed: {last.error}", icon=":material/error:")


def _other_one(lab: Lab, name: str) -> str:
    """Which other images a diagnosis under this name is of; '' without one."""
    other = next(
        (info for info in lab.noise.list() if (info.name, info.split) == (name, ALL)), None
    )
    if other is None:
        return ""
    return (
        f"The diagnosis of {clock(other.created)} under this name, of {number(other.n)} images, is not of"
        " them as they are now: it is of another data set, or the images, their labels or how they are"
        " read (on *Data*) have changed since."
    )


@told
def _start(lab: Lab, name: str, effort: str) -> None:
    lab.start_task("diagnose", dataset=name, effort=effort)
