"""The first steps on Home: five things of a minute each, begun from here and ticked off when done."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from app.charts.words import literal
from app.widgets import told
from app.widgets.fragments import fragment
from app.widgets.links import link, page_file
from app.widgets.person import asking
from app.widgets.runs import progress
from app.widgets.tasks import task_progress
from engine.errors import GlyphlabError
from engine.runs.run_info import RunInfo
from engine.services.tour import READY_MADE

if TYPE_CHECKING:
    from engine.lab import Lab

POLL_SECONDS = 2


class Words(NamedTuple):
    """What a step is called, what happens in it, what its button says, and the link to its result."""

    title: str
    about: str
    button: str
    result: str


WORDS: dict[str, Words] = {
    "draw": Words(
        "Draw a digit",
        "With the mouse or a finger: the answer follows the pen, with its probability.",
        "Open the canvas",
        "Draw another",
    ),
    "train": Words(
        "Train a network",
        "The recipe `quick` learns to read 1,300 handwritten digits. Watch its accuracy rise.",
        "Train quick",
        "See its curves",
    ),
    "map": Words(
        "Walk through an embedding space",
        "Every image becomes a point: images that the network finds similar lie close together.",
        "Make the map",
        "Open the map",
    ),
    "labels": Words(
        "Find wrong labels",
        "About a tenth of the labels of 1,000 digits is changed on purpose. See how many the lab finds.",
        "Add label noise",
        "See what was found",
    ),
    "compare": Words(
        "Test whether pretraining helps",
        "Two networks learn from 50 images; one of them was pretrained on 57,000 digits of other hands.",
        "Train both",
        "Compare them",
    ),
}
OPEN_TO_ALL = ("draw",)  # steps whose link is the way to do them once more
ICONS = {
    "done": ":green[:material/check_circle:]",
    "running": ":blue[:material/pending:]",
    "open": ":gray[:material/radio_button_unchecked:]",
}


def first_steps(lab: Lab) -> None:
    """Draw the steps and how far they are; once all are done, folded into a line."""
    states = {step: lab.tour.state(step) for step in WORDS}
    done = sum(state == "done" for state in states.values())
    finished = done == len(states)
    box = st.expander(
        f"First steps: {done} of {len(states)} done",
        icon=":material/flag:",
        expanded=not finished,
        key=f"first-steps-{finished}",
        on_change="rerun",
    )
    if box.open:
        with box:
            waiting = any(lab.tour.under_way(step) for step in WORDS)
            fragment(_steps, run_every=POLL_SECONDS if waiting else None)(lab, states)
    if error := st.session_state.pop("step-refused", None):
        st.error(error, icon=":material/error:")


def _steps(lab: Lab, before: dict[str, str]) -> None:
    states = {step: lab.tour.state(step) for step in WORDS}
    if states != before:
        st.rerun()  # the count in the line above, and the pace
    ahead = next((step for step, state in states.items() if state == "open"), None)
    for step, words in WORDS.items():
        _row(lab, step, words, states[step], primary=step == ahead)


def _row(lab: Lab, step: str, words: Words, state: str, primary: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"step-{step}"):
        page, query = lab.tour.place(step)
        through = f" {_through(lab, query['model'])}" if step == "map" else ""
        st.markdown(f"{ICONS[state]} **{words.title}.** {words.about}{through}", width="stretch")
        if state == "running":
            link(page, "Watch", **query)
            st.button("Stop", key=f"stop-{step}", on_click=told(lab.tour.stop), args=(step,))
        elif state == "done":
            link(page, words.result, **query)
            idle = step not in OPEN_TO_ALL and not lab.tour.under_way(step)
            if idle and st.button(
                "Again", key=f"again-{step}", type="tertiary", icon=":material/replay:"
            ):
                _begin(lab, step, again=True)
        elif st.button(
            words.button, key=f"begin-{step}", type="primary" if primary else "secondary"
        ):
            _begin(lab, step)
    for work in lab.tour.under_way(step):
        if work.state == "queued":
            continue
        st.progress(
            *(
                progress(work, lab.run(work.id).metrics())
                if isinstance(work, RunInfo)
                else task_progress(work)
            )
        )


def _through(lab: Lab, model: str) -> str:
    """Which network the map is of: a run of whoever asks, somebody else's, or one that comes with the
    lab.
    """
    run = next((run for run in lab.runs() if run.id == model), None)
    if run is None:
        comes = ", which comes with the lab" if model == READY_MADE else ""
        return f"This one is of `{literal(model)}`{comes}."
    named = f"run **{literal(run.name)}** ({run.id}), which was trained on {literal(run.data)}"
    if run.owner == asking().mark:
        return f"This one is of your {named}."
    return f"This one is of the {named}, by {literal(run.by)}."


def _begin(lab: Lab, step: str, again: bool = False) -> None:
    try:
        page, query = lab.tour.start(step, again)
    except GlyphlabError as error:
        st.session_state["step-refused"] = str(error)
        st.rerun()
    st.switch_page(page_file(page), query_params=query)
