"""Home: what there is, what is running, where to start."""

import streamlit as st

from app.charts.words import literal
from app.sections.tour import first_steps
from app.widgets import empty, link, number, page
from app.widgets.busy import quick_takes, tasks_at_work
from app.widgets.cluster import cluster_box
from app.widgets.fragments import fragment
from app.widgets.links import pages_in
from app.widgets.person import asking
from app.widgets.runs import latest_lines, progress, state_badge, whose
from app.widgets.trash import trash_box
from app.widgets.visiting import visiting

LATEST = 6
MOST_RUNNING = 8  # live runs that are drawn; a queue may hold hundreds
EXAMPLES = {"map": "Look at an embedding space", "labels": "Look at wrong labels that were found"}
BUSY_SECONDS, CALM_SECONDS = 2, 5  # between two looks, while a run is alive and while none is


def heading(alive: int, waiting: int) -> str:
    """What the live runs do: 'Runs in training', or '1 in training, 2 waiting' where some wait for their
    turn.
    """
    if not waiting:
        return "Runs in training"
    return f"{number(alive - waiting)} in training, {number(waiting)} waiting"


def live(was_busy: bool) -> None:
    """Counts, live runs with their progress, and the latest results; read anew every few
    seconds.
    """
    person, mode = asking(), lab.settings.mode
    runs, datasets, models = lab.runs(), lab.datasets(), lab.models()
    alive = [run for run in runs if run.alive]
    if bool(alive) != was_busy:
        st.rerun()  # the whole page, for the other pace
    with st.container(horizontal=True, gap="medium"):
        st.metric(
            "Available data sets",
            number(sum(data.here for data in datasets)),
            help=f"of {len(datasets)} known by name",
            width=140,
        )
        st.metric("Saved models", number(len(models)), width=140)
        st.metric("Runs", number(len(runs)), width=140)
        waiting = sum(run.state == "queued" for run in alive)
        st.metric("Runs in training", number(len(alive) - waiting), width=140)
        if waiting:
            st.metric("Waiting", number(waiting), width=140)
    if view := lab.launcher.cluster():
        cluster_box(view)
    st.subheader(heading(len(alive), waiting), anchor=False)
    if not alive:
        st.caption("No run is in training.")
    shown = alive[-MOST_RUNNING:]  # the oldest, among them the one that has the device
    for run in shown:
        with st.container(border=True):
            with st.container(horizontal=True, vertical_alignment="center"):
                state_badge(run)
                link("train", literal(run.name), icon=":material/show_chart:", run=run.id)
                said = (f"{literal(run.data)} · {literal(run.model)}", whose(run, person, mode))
                st.caption(" · ".join(filter(None, said)))
            share, words = progress(run, lab.run(run.id).metrics())
            st.progress(share, text=words)
    if len(alive) > len(shown):
        st.caption(f"And {number(len(alive) - len(shown))} more that were started later.")
    if said := tasks_at_work(lab):
        st.caption(f"In the background: {said}.")
    st.subheader("Latest results", anchor=False)
    ended = [run for run in runs if not run.alive]
    if not ended:
        empty(
            f"No run has ended yet. {quick_takes(lab)}",
            "train",
            "Open the recipe quick",
            recipe="quick",
        )
        return
    with st.container(border=True):
        sweeps = lab.sweeps.titles() if any(run.sweep for run in ended) else ()
        latest_lines(ended, LATEST, sweeps)
    with st.container(horizontal=True):
        link("runs", "All runs")
        alone = [run.id for run in ended if not run.sweep][
            :LATEST
        ]  # a sweep is compared on its page
        if len(alone) > 1:
            link("compare", "Compare them", runs=",".join(alone))


with page(
    "Glyphlab",
    "A lab for handwritten characters: train models, look inside them, find label errors, test"
    " your handwriting.",
) as lab:
    visiting(lab)
    if asking().leads:
        first_steps(lab)
    else:  # the ticks are of whoever leads the lab
        with st.container(horizontal=True, gap="medium"):
            if lab.settings.mode == "class" and lab.lessons.assignment() is not None:
                link("classroom", "Your assignment")
            link("draw", "Draw a character")
            link("train", "Open the recipe quick", recipe="quick")
            link("compare", "Compare runs")
            for step, label in EXAMPLES.items():
                if lab.tour.is_there(step):
                    place = lab.tour.place(step)
                    link(place.page, label, **place.query)
    busy = any(run.alive for run in lab.runs())
    fragment(live, run_every=BUSY_SECONDS if busy else CALM_SECONDS)(busy)
    if asking().leads:
        trash_box(lab)
    with st.expander("All pages", icon=":material/map:"):
        for name, line in pages_in(lab.settings.mode).items():
            with st.container(horizontal=True, vertical_alignment="center"):
                link(name)
                st.caption(line.about)
