"""The teacher's side: how students come in, the wall of who does what, the assignment, order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import streamlit as st

from app.charts.words import ago, literal, moment, percent
from app.doors.admission import is_loopback
from app.doors.open_pages import has_page_open
from app.people.presence import seen, was_here
from app.people.qr import qr_svg
from app.people.welcome import reachable
from app.sections.classroom.assigning import hand_out
from app.sections.classroom.clearing import clear_work, cleared_box
from app.sections.classroom.deeds import REFUSED, do
from app.sections.classroom.ending import end_of_lesson, ended_box
from app.sections.classroom.gathering import gather_drawings, gathered_box
from app.sections.classroom.letting_in import codes_box, let_back_in
from app.sections.classroom.returning import all_back_in
from app.widgets.address import base_address
from app.widgets.fragments import fragment
from app.widgets.links import link
from app.widgets.runs import progress, state_badge

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.people.class_file import ClassFile
    from engine.runs.run_info import RunInfo
    from engine.services.lessons import Desk

NOBODY_JOINS = "Nobody new can join until the class is unlocked."
WALL_SECONDS = 2
HERE_SECONDS = 90  # since a student's browser was last heard of
MOST_RUNS = 3  # live runs that are drawn of one student
BUTTON_PIXELS = 165  # two stand side by side on a phone, and beside the code on a projector


def teacher(lab: Lab) -> None:
    """Everything, in the order of a lesson."""
    with st.container():  # one place for what comes and goes: popovers below it stay as they are
        if refused := st.session_state.pop(REFUSED, None):
            st.error(refused, icon=":material/error:")
        ended_box()
        gathered_box()
    left, right = st.columns([5, 7], gap="medium")
    with left:
        _door(lab)
    with right:
        _order(lab)
        hand_out(lab)
    fragment(wall, run_every=WALL_SECONDS)(lab)


def _door(lab: Lab) -> None:
    found = lab.classroom.now()
    code = found.code
    address = f"{_address(lab)}/join?code={code}"
    st.subheader("Join", anchor=False)
    st.image(qr_svg(address).decode(), width=260)
    st.header(f"{code[:4]}-{code[4:]}", anchor=False)
    with st.container(horizontal=True, gap="xsmall"):
        if st.button("Show it large", key="join-shown", icon=":material/fullscreen:"):
            if found.locked:
                _large_locked()
            else:
                _large(code, address)
        with st.popover("Another code", icon=":material/key:"):
            st.markdown("Those who have joined stay in the class; the old code admits nobody else.")
            st.button(
                "Make another code", key="new-code", on_click=do, args=(lab.classroom.new_code,)
            )
    if found.locked:
        st.caption(f":material/lock: {NOBODY_JOINS}")
    st.caption(address)
    if is_loopback(urlsplit(address).hostname or ""):
        st.warning(
            "Only this machine can open this address. Start the lab with `GLYPHLAB_HOST=0.0.0.0` to"
            " let phones and other computers in.",
            icon=":material/warning:",
        )


@st.dialog("Join the class", width="large")
def _large(code: str, address: str) -> None:
    """For a projector: to be read from the last row."""
    with st.container(key="join-large", horizontal_alignment="center"):
        st.image(qr_svg(address).decode(), width=440)
        st.title(f"{code[:4]}-{code[4:]}", anchor=False, text_alignment="center")
        st.markdown(address, text_alignment="center")


@st.dialog("The class is locked", width="large")
def _large_locked() -> None:
    """No code for a projector that admits nobody."""
    with st.container(key="join-large", horizontal_alignment="center"):
        st.title(NOBODY_JOINS, anchor=False, text_alignment="center")
        st.markdown("Who has a code of their own can still come back in.", text_alignment="center")


def _address(lab: Lab) -> str:
    """Where students' browsers find the lab: as this browser does, unless only this machine can."""
    here = base_address()
    if any(name in here for name in ("//localhost", "//127.", "//[::1]")):
        return f"http://{reachable(lab.settings)[0]}:{lab.settings.port}"
    return here


def _order(lab: Lab) -> None:
    found = lab.classroom.now()
    st.subheader("Class", anchor=False)
    with st.container():  # above the buttons: an open popover would cover what stands below them
        codes_box(lab)
    with st.container():
        cleared_box(lab)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for button in (
            _locked,
            _stop,
            let_back_in,
            lambda lab, found: all_back_in(lab),
            lambda lab, found: gather_drawings(lab),
            clear_work,
            _remove,
            lambda lab, found: end_of_lesson(lab),
        ):
            with st.container(width=BUTTON_PIXELS):  # of one width, so that they stand in columns
                button(lab, found)


def _locked(lab: Lab, found: ClassFile) -> None:
    st.toggle(
        "Locked",
        found.locked,
        key="class-locked",
        on_change=_lock,
        args=(lab,),
        help="Students can look and draw, and nobody joins, until it is switched off.",
    )


def _stop(lab: Lab, found: ClassFile) -> None:
    st.button(
        "Stop all runs",
        key="stop-all",
        icon=":material/stop:",
        width="stretch",
        help="Each keeps the model so far, where there is one.",
        on_click=do,
        args=(lab.lessons.stop_all,),
    )


def _remove(lab: Lab, found: ClassFile) -> None:
    with st.popover("Remove", icon=":material/person_remove:", width="stretch"):
        st.caption("Out of the class: their work stays; their name is free again.")
        for one in found.students:
            st.button(
                literal(one.name),
                key=f"away-{one.id}",
                on_click=do,
                args=(lab.classroom.send_away, one.id),
            )


def _lock(lab: Lab) -> None:
    do(lab.classroom.lock, st.session_state["class-locked"])


def wall(lab: Lab) -> None:
    """A card a student: where they are, what they train, what they made."""
    desks = lab.lessons.wall()
    st.subheader(f"{len(desks)} students" if len(desks) != 1 else "1 student", anchor=False)
    if not desks:
        st.caption(_nobody(lab.classroom.now()))
    columns = st.columns(4)
    for place, desk in enumerate(desks):
        with (
            columns[place % len(columns)],
            st.container(border=True, key=f"desk-{desk.student.id}"),
        ):
            _desk(lab, desk)


def _nobody(found: ClassFile) -> str:
    """Why the wall is empty."""
    came = [moment(time) for one in found.gone for time in (one.joined, one.left) if time]
    since = any(time and time.timestamp() > found.ended + 1 for time in came)  # whole seconds
    if found.gone and (since or not found.ended):
        return "Nobody is in now: all have left."
    return "Nobody is in since the lesson ended." if found.ended else "Nobody has joined yet."


def _desk(lab: Lab, desk: Desk) -> None:
    last = seen(desk.student.id)
    here = has_page_open(desk.student.id) or was_here(desk.student.id, HERE_SECONDS)
    st.markdown(f"**{literal(desk.student.name)}**")
    st.caption(f"on {last.page}" if here and last else "not here" if last is None else "away")
    alive = [run for run in desk.runs if run.alive]
    for run in alive[:MOST_RUNS]:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            state_badge(run)
            link("train", literal(run.name), run=run.id)
        share, words = progress(run, lab.run(run.id).metrics())
        st.progress(share, text=words)
    words = [
        *(
            _many(n, what)
            for n, what in (
                (len(desk.runs), "run"),
                (desk.symbols, "symbol"),
                (desk.drawings, "saved drawing"),
            )
        )
    ]
    if desk.best is not None:
        words.insert(1, f"best {percent(desk.best.accuracy)}")
    elif desk.runs:
        words.insert(1, _stands(desk.runs))
    st.caption(" · ".join(words))


def _stands(runs: Sequence[RunInfo]) -> str:
    """How far the newest of a student's runs is. runs: newest first, not empty."""
    newest, latest = runs[0], "latest " if len(runs) > 1 else ""
    if newest.state == "queued":
        return f"{latest}queued {ago(newest.created)}"
    if newest.alive:
        doing = "stopping" if newest.state == "stopping" else "in training"
        return f"{latest}{doing}, started {ago(newest.started or newest.created)}"
    return f"{latest}{newest.outcome} {ago(newest.finished or newest.created)}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
