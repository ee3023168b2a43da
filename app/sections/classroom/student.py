"""What a student sees: their own corner, and the assignment with its leaderboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import literal, number, percent
from app.sections.classroom.assigning import SAME
from app.sections.classroom.standings import leaderboard
from app.widgets import empty
from app.widgets.links import link
from app.widgets.runs import run_line
from engine.people.quota import QUOTAS

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.people.person import Person

LEAVE = (
    '<form method="post" action="leave"><button class="gl-plain">Leave the class</button></form>'
)
MOST_OWN = 8  # runs in the list of one's own


def student(lab: Lab, person: Person) -> None:
    """One's own corner."""
    found = lab.classroom.now()
    st.markdown(f"You are **{literal(person.name)}**.")
    assignment(lab, start=not found.locked)
    own = [run for run in lab.runs() if run.owner == person.mark]
    quota = QUOTAS["student"]
    st.subheader("Your runs", anchor=False)
    for run in own[:MOST_OWN]:
        run_line(run, lab.run(run.id).metrics() if run.alive else ())
    if len(own) > MOST_OWN:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"And {number(len(own) - MOST_OWN)} earlier.", width="content")
            link("runs", "All runs")
    if not own:
        train = "" if found.locked else ", or train a first network"
        empty(f"No run yet. Draw a character{train}.")
        with st.container(horizontal=True):
            link("draw", "Draw a character")
            if not found.locked:
                link("train", "Open the recipe quick", recipe="quick")
    runs = (
        f"{'Once it is unlocked, you' if found.locked else 'You'} may have {quota.at_once} runs waiting or"
        f" training at once and start {quota.a_day} a day."
    )
    st.caption(
        f"{'While the class is locked, you can start no run. ' if found.locked else ''}{runs}"
        f" Each stops after {quota.minutes} minutes of training and keeps its model so far."
        " Labels, data sets and sweeps are your teacher's to change; what you label yourself is what you draw."
    )
    st.html(LEAVE)
    st.caption(
        "Leaving frees your name. What you made stays with your teacher, who can let you back in to it."
    )


def assignment(lab: Lab, start: bool = True) -> None:
    """What is assigned, and who stands where."""
    given = lab.lessons.assignment()
    if given is None:
        return
    with st.container(border=True, key="assignment"):
        st.markdown(
            f"**Assignment:** train `{literal(given.recipe)}` to {percent(given.target)} or better on its"
            f" test images. {literal(given.words)}"
        )
        st.caption(SAME)
        if start:
            link("train", "Open the recipe", icon=":material/play_arrow:", recipe=given.recipe)
    leaderboard(lab)
