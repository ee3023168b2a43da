"""The teacher's side: how students come in, the wall of who does what, the assignment, order."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import streamlit as st

from app.charts.words import ago, literal, moment, percent
from app.doors.admission import is_loopback
from app.doors.open_pages import has_page_open
from app.people.presence import seen, was_here
from app.people.qr import qr_svg
from app.people.welcome import reachable
from app.sections.classroom.assigning import hand_out
from app.sections.classroom.deeds import REFUSED, do
from app.sections.classroom.returning import all_back_in
from app.widgets.address import base_address
from app.widgets.doing import do_button
from app.widgets.fragments import fragment
from app.widgets.links import link
from app.widgets.runs import progress, state_badge
from engine.errors import GlyphlabError
from engine.people.classroom import BACK_SECONDS

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.people.class_file import ClassFile, Student
    from engine.services.lessons import Desk

WALL_SECONDS = 2
HERE_SECONDS = 90  # since a student's browser was last heard of
MOST_RUNS = 3  # live runs that are drawn of one student
CLEARED, BACK = "class-cleared", "class-let-back-in"


class LetIn(NamedTuple):
    """The code by which a student (an id) comes back."""

    student: str
    name: str
    code: str


def teacher(lab: Lab) -> None:
    """Everything, in the order of a lesson."""
    if refused := st.session_state.pop(REFUSED, None):
        st.error(refused, icon=":material/error:")
    left, right = st.columns([2, 3], gap="large")
    with left:
        _door(lab)
    with right:
        _order(lab)
        hand_out(lab)
    fragment(wall, run_every=WALL_SECONDS)(lab)


def _door(lab: Lab) -> None:
    code = lab.classroom.now().code
    address = f"{_address(lab)}/join?code={code}"
    st.subheader("Join", anchor=False)
    st.image(qr_svg(address).decode(), width=260)
    st.header(f"{code[:4]}-{code[4:]}", anchor=False)
    st.caption(address)
    if is_loopback(urlsplit(address).hostname or ""):
        st.warning(
            "Only this machine can open this address. Start the lab with `GLYPHLAB_HOST=0.0.0.0` to"
            " let phones and other computers in.",
            icon=":material/warning:",
        )
    with st.container(horizontal=True):
        if st.button("Show it large", key="join-shown", icon=":material/fullscreen:"):
            _large(code, address)
        with st.popover("Another code", icon=":material/key:"):
            st.markdown("Those who have joined stay in the class; the old code admits nobody else.")
            st.button(
                "Make another code", key="new-code", on_click=do, args=(lab.classroom.new_code,)
            )


@st.dialog("Join the class", width="large")
def _large(code: str, address: str) -> None:
    """For a projector: to be read from the last row."""
    with st.container(key="join-large", horizontal_alignment="center"):
        st.image(qr_svg(address).decode(), width=440)
        st.title(f"{code[:4]}-{code[4:]}", anchor=False, text_alignment="center")
        st.markdown(address, text_alignment="center")


def _address(lab: Lab) -> str:
    """Where students' browsers find the lab: as this browser does, unless only this machine can."""
    here = base_address()
    if any(name in here for name in ("//localhost", "//127.", "//[::1]")):
        return f"http://{reachable(lab.settings)[0]}:{lab.settings.port}"
    return here


def _order(lab: Lab) -> None:
    found = lab.classroom.now()
    st.subheader("Class", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.toggle(
            "Locked",
            found.locked,
            key="class-locked",
            on_change=_lock,
            args=(lab,),
            help="Students can look and draw, and nobody joins, until it is switched off.",
        )
        st.button(
            "Stop all runs",
            key="stop-all",
            icon=":material/stop:",
            help="Their best models are kept.",
            on_click=do,
            args=(lab.lessons.stop_all,),
        )
        with st.popover("Clear", icon=":material/delete:"):
            names = {one.id: one.name for one in found.students}
            names |= {one.id: f"{one.name} (gone)" for one in found.gone}
            chosen = st.multiselect(
                "Students",
                list(names),
                format_func=lambda id: str(names.get(id)),
                key="clear-whose",
            )
            st.markdown("Runs, symbols and drawings go to the trash for a week.")
            do_button(
                f"Clear {len(chosen)} of them" if chosen else "Clear everybody's work",
                _clear,
                (lab, tuple(chosen)),
                key="clear",
                type="primary",
            )
        _coming_and_going(lab, found)
    if cleared := st.session_state.get(CLEARED):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.success("In the trash now.", icon=":material/delete:", width=220)
            st.button(
                "Undo",
                key="undo-clear",
                icon=":material/undo:",
                on_click=_undo,
                args=(lab, cleared),
            )


def _coming_and_going(lab: Lab, found: ClassFile) -> None:
    with st.popover("Let back in", icon=":material/person_add:"):
        st.caption(
            "For who left, was removed, or comes with another browser: a code for them alone, by which"
            " they find their work again."
        )
        with st.container(horizontal=True):
            for one in (*found.students, *reversed(found.gone)):
                away = f", left {ago(one.left)}" if one.left else ", signed out"
                label = literal(one.name) + ("" if one in found.students else away)
                st.button(label, key=f"back-{one.id}", on_click=_let_back_in, args=(lab, one))
        # In here, not on the page: a code for one person is not for the projector.
        if (back := st.session_state.get(BACK)) and lab.classroom.may_come_back(back.student):
            st.info(
                f"**{literal(back.name)}** opens the address on the left and enters the code"
                f" **{back.code[:4]}-{back.code[4:]}** with the same name: once, within"
                f" {BACK_SECONDS // 60} minutes.",
                icon=":material/key:",
            )
    all_back_in(lab)
    with st.popover("Remove from the class", icon=":material/person_remove:"):
        for one in found.students:
            st.button(
                literal(one.name),
                key=f"away-{one.id}",
                on_click=do,
                args=(lab.classroom.send_away, one.id),
            )
        st.caption("Their work stays; their name is free again.")
    with st.popover("End the lesson", icon=":material/logout:"):
        st.markdown(
            "Runs stop and keep their best models, everybody is signed out, and a new code is made."
            " Work stays here under its owner's name, who can be let back in. Of those without work"
            " the lab forgets the name: clear the work first to have no name left."
        )
        st.button("End it", key="end-lesson", type="primary", on_click=_end, args=(lab,))


def _let_back_in(lab: Lab, student: Student) -> None:
    try:
        code = lab.classroom.back_code(student.id)
    except GlyphlabError as error:
        st.session_state[REFUSED] = str(error)
        return
    st.session_state[BACK] = LetIn(student.id, student.name, code)


def _lock(lab: Lab) -> None:
    do(lab.classroom.lock, st.session_state["class-locked"])


def _clear(lab: Lab, students: tuple[str, ...]) -> None:
    try:
        batch, left = lab.lessons.clear(students)
    except GlyphlabError as error:
        st.session_state[REFUSED] = str(error)
        return
    st.session_state[CLEARED] = batch
    if left:
        runs = "1 run is" if left == 1 else f"{left} runs are"
        st.session_state[REFUSED] = (
            f"{runs} still stopping and not cleared yet: clear once more in a moment."
        )


def _undo(lab: Lab, batch: str) -> None:
    do(lab.trash.restore, batch)
    st.session_state.pop(CLEARED, None)


def _end(lab: Lab) -> None:
    do(lab.lessons.end)
    if not st.session_state.get(REFUSED):
        st.toast("The lesson has ended: everybody is signed out, and the code is another.")


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
        words.insert(1, f"started {ago(desk.runs[0].created)}")
    st.caption(" · ".join(words))


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
