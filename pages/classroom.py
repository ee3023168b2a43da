"""Classroom: students join, work under their own names, and share an assignment."""

import streamlit as st

from app.sections.classroom.standings import leaderboard
from app.sections.classroom.student import student
from app.sections.classroom.teacher import teacher
from app.widgets import empty, page
from app.widgets.fragments import fragment
from app.widgets.person import asking
from engine.errors import GlyphlabError

LOOK_SECONDS = 5  # between two looks at the class
ABOUT = {  # leads → what the page shows
    True: "Who is here, what is assigned, and who stands where.",
    False: "What is assigned, who stands where, and your own runs.",
}


def leads() -> bool:
    """Whether whoever asks leads the lab; not so one who is no longer in."""
    try:
        return asking().leads
    except GlyphlabError:
        return False


with page("Classroom", ABOUT[leads()]) as lab:
    person = asking()
    if lab.settings.mode != "class":
        empty("This lab has no class. Start it with `GLYPHLAB_MODE=class` to have one.")
    elif person.leads:
        teacher(lab)
        if lab.lessons.assignment() is not None:
            st.subheader("Leaderboard", anchor=False)
            fragment(leaderboard, run_every=LOOK_SECONDS)(lab)
    else:
        fragment(student, run_every=LOOK_SECONDS)(lab, person)
