"""Labelling by keyboard: the image that is asked about, what is predicted of it, and those that come next."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import literal, probability
from app.samples.deeds import REFUSED, act
from app.samples.thumbs import thumbs
from app.sections.predicted_by import predicted_by, why_these
from app.widgets import allowed, note
from app.widgets.keys import SKIP, STREAMLITS, UNDO, Press, listen
from app.widgets.meanwhile import decided_meanwhile, open_for, taken, tell_both
from app.widgets.person import person
from app.widgets.skipped import show_again

if TYPE_CHECKING:
    from engine.embedding.space import Space
    from engine.lab import Lab
    from engine.services.labelling import Proposal

WHY = "label"
WIDTH = 220  # pixels of the image that is asked about


def propose(lab: Lab, space: Space, strategy: str) -> None:
    """The proposed images, ten at a time."""
    if not allowed(lab, "label"):
        return
    if refused := st.session_state.pop(REFUSED, None):
        st.error(refused, icon=":material/error:")
    key = f"proposed-{space.key}-{strategy}"
    skipped = st.session_state.setdefault(f"skipped-{space.key}", [])
    waiting = _waiting(lab, space, key)
    if not waiting:
        found = lab.labelling.proposals(space, strategy, skipped=skipped)
        if not found:
            note("The rest was skipped or left out.")
            show_again(f"skipped-{space.key}")
            finished(lab, space)
            return
        waiting = [one.name for one in found]
        st.session_state[key] = waiting
        # labels that are given or taken back later change nothing about how these were chosen
        st.session_state[f"{key}-why"] = why_these(lab, space, strategy)
    known = st.session_state[key]
    first, *later = lab.labelling.predicted(space, waiting)
    classes = lab.labels.classes(space.data)
    keys, do = _keys(classes), _deeds(lab, space)
    open_for(space.key, waiting)
    _one(lab, space, first, [first.name, *(one.name for one in later)], keys, do)
    st.caption(
        f"{len(known) - len(waiting) + 1} of {len(known)} proposed{st.session_state[f'{key}-why']}"
    )
    _strip(lab, space, later, [name for name in known if name not in waiting])
    free = all(len(name) == 1 for name in classes)
    listen(
        "label-keys",
        _pressed(keys),
        [(one.name, one.likely) for one in (first, *later)],
        do,
        free=free,
        leaves=("data", "model"),
    )
    note(
        f"Keys: Enter takes the predicted class{_by_letter(keys, free)}, → skips{_by_button(keys)}."
        " Keys pressed faster than the page is drawn are for the images that come next;"
        " where it takes over a second, they count for nothing until it is drawn."
    )


def _by_letter(keys: dict[str, str], free: bool) -> str:
    """What a digit or a letter does. keys: of the classes that have one; free: others make a class."""
    if not keys and not free:
        return ""
    made = " and makes it where there is none yet" if free else ""
    others = " and ".join(key.upper() for key in "xu" if key not in keys.values())
    return f", a digit or letter{f' (but {others})' if others else ''} sets that class{made}"


def _by_button(keys: dict[str, str]) -> str:
    """What X and U do where no class has them."""
    out = "" if "x" in keys.values() else ", X leaves the image out"
    return out if "u" in keys.values() else f"{out}, U takes your latest decision back"


def finished(lab: Lab, space: Space) -> None:
    """Where no image is left to ask about: the way back to the last one."""
    if lab.may("label"):
        _undo_button(lab, space, _deeds(lab, space), "U")


def _waiting(lab: Lab, space: Space, key: str) -> list[str]:
    """The proposed images that nobody has dealt with since."""
    known: list[str] = st.session_state.get(key, [])
    current = lab.labels.current(space.data)
    skipped = st.session_state.get(f"skipped-{space.key}", [])
    return [
        name
        for name, label in zip(known, lab.labels.labels_now(space.data, known), strict=True)
        if label is None
        and name not in skipped
        and not (name in current and current[name].excluded)
    ]


def _strip(lab: Lab, space: Space, later: list[Proposal], done: list[str]) -> None:
    """The images that come next, with what is predicted of them, and those that were just dealt with."""
    shown = [*(one.name for one in later), *done]
    captions = [
        f"{one.likely}? {probability(one.confidence)}" if one.likely else "next" for one in later
    ]
    captions += [one or "left out" for one in lab.labels.labels_now(space.data, done)]
    if shown:
        thumbs(
            space.data,
            shown,
            [f"space/image/{space.key}/{space.place_of(name)}" for name in shown],
            captions,
            columns=10,
            key="proposed",
            pixelated=space.images.style != "photo",
        )


def _one(
    lab: Lab,
    space: Space,
    one: Proposal,
    walk: list[str],
    keys: dict[str, str],
    do: Callable[[Press], None],
) -> None:
    """The image, what is predicted, and a button and a key for each class. walk: the names to step
    through from the image's own page.
    """

    def press(action: str) -> tuple[Press]:
        return (Press(0, action, one.name, one.likely),)

    left, right = st.columns([1, 3], gap="large")
    with left, st.container(key="candidate", width=WIDTH):
        thumbs(
            space.data,
            [one.name],
            [f"space/image/{space.key}/{one.place}"],
            columns=1,
            key="asked",
            pixelated=space.images.style != "photo",
            walk=walk,
        )
    with right:
        if one.likely:
            st.markdown(f"### {literal(one.likely)}? :gray[{probability(one.confidence)}]")
            st.caption(predicted_by(lab, space))
        else:
            st.markdown("### Which class is it?")
        with st.container(horizontal=True, gap="small"):
            if one.likely:
                st.button(
                    f"Yes, {literal(one.likely)}",
                    key="take",
                    type="primary",
                    shortcut="Enter",
                    on_click=do,
                    args=press("take"),
                )
            for name, shortcut in keys.items():
                st.button(
                    literal(name),
                    key=f"give-{name}",
                    shortcut=None if shortcut in STREAMLITS else shortcut,
                    on_click=do,
                    args=press(f"={name}"),
                )
        _any_class(lab, space, one, do)
        with st.container(horizontal=True, gap="small"):
            st.button("Skip", key="skip", shortcut="Right", on_click=do, args=press(SKIP))
            st.button(
                "Leave out",
                key="out",
                shortcut=None if "x" in keys.values() else "X",
                icon=":material/block:",
                on_click=do,
                args=press("out"),
            )
            _undo_button(lab, space, do, None if "u" in keys.values() else "U")


def _undo_button(lab: Lab, space: Space, do: Callable[[Press], None], shortcut: str | None) -> None:
    st.button(
        "Undo",
        key="undo",
        shortcut=shortcut,
        icon=":material/undo:",
        help="takes your latest decision about a label back",
        disabled=lab.labels.decisions(space.data).latest(person()) is None,
        on_click=do,
        args=(Press(0, UNDO, "", ""),),
    )


def _any_class(lab: Lab, space: Space, one: Proposal, do: Callable[[Press], None]) -> None:
    key = f"any-{one.name}"

    def give() -> None:
        # what the field holds now, and for the image beside it, whoever has decided about it meanwhile
        if name := st.session_state.get(key):
            do(Press(0, f"={name}", one.name, one.likely))

    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Class",
            lab.labels.classes(space.data),
            index=None,
            key=key,
            accept_new_options=True,
            placeholder="Choose, or type a new class",
            width=220,
        )
        st.button("Set", key="give", shortcut="Ctrl+Enter", disabled=not name, on_click=give)


def _keys(classes: tuple[str, ...]) -> dict[str, str]:
    """A key for each class that is one letter or digit; none where two would share one."""
    keys = {name: name.lower() for name in classes if len(name) == 1 and name.isalnum()}
    taken = list(keys.values())
    return {name: key for name, key in keys.items() if key.isascii() and taken.count(key) == 1}


def _pressed(keys: dict[str, str]) -> dict[str, str]:
    """Every key with what it does. A class's own key goes before that of a button."""
    buttons = {"Enter": "take", "ArrowRight": SKIP, "x": "out", "u": UNDO}
    return {**buttons, **{key: f"={name}" for name, key in keys.items()}}


def _deeds(lab: Lab, space: Space) -> Callable[[Press], None]:
    """What a key or button does. A second one for an image that this page has dealt with does nothing."""

    def do(press: Press) -> None:
        if press.action == UNDO:
            if lab.labels.decisions(space.data).latest(person()) is not None:
                act(_undo, lab, space)
        elif taken(space.key, press.name):
            if press.action == SKIP:
                st.session_state[f"skipped-{space.key}"].append(press.name)
            else:
                _decide(lab, space.data, press)

    return do


def _decide(lab: Lab, data: str, press: Press) -> None:
    other = decided_meanwhile(lab, data, press.name)
    if press.action.startswith("="):
        act(_give, lab, data, press.name, press.action[1:], True)
    elif press.action == "take" and press.likely:
        act(_give, lab, data, press.name, press.likely, False)
    elif press.action == "out":
        act(_out, lab, data, press.name)
    else:
        return
    if other is not None and REFUSED not in st.session_state:
        tell_both(press.name, other)


def _give(lab: Lab, data: str, name: str, to: str, own: bool) -> None:
    fresh = to not in lab.labels.classes(data)
    lab.labels.relabel(data, [name], to, who=person(), why=WHY, own=own, new_class=True)
    if fresh:
        st.toast(f"New class {literal(to)}. *Undo* takes it back.", icon=":material/new_label:")


def _out(lab: Lab, data: str, name: str) -> None:
    lab.labels.mark(data, "exclude", [name], who=person(), why=WHY)


def _undo(lab: Lab, space: Space) -> None:
    taken_back = lab.labels.undo(space.data, who=person(), why=WHY, of=person())
    if taken_back is not None:
        open_for(space.key, taken_back.samples)
