"""What a person does about one image: give it a label, leave it out, tag it, take a decision back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import literal
from app.widgets.allowed import allowed
from app.widgets.doing import do_button
from app.widgets.keys import Press
from app.widgets.person import person, pick_person
from engine.errors import GlyphlabError

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.services.samples import Sample

WHY = "sample"
MOST_BUTTONS = 10  # classes that have a button and a key each
REFUSED = "label-refused"
STAYS = ("=", "confirm", "exclude", "include", "undo-image")  # what keys do to an image that stays


def deeds(lab: Lab, sample: Sample) -> None:
    """The buttons. Every one has a key."""
    if refused := st.session_state.pop(REFUSED, None):
        st.error(refused, icon=":material/error:")
    if not allowed(lab, "label"):
        return
    names = sample.classes
    if by_digit(names):
        # The style sheet hides the keys on these buttons: each is the name of its class.
        with st.container(horizontal=True, gap="small", key="label-classes"):
            for name in names:
                st.button(
                    name,
                    key=f"label-{name}",
                    shortcut=name,
                    type="primary" if name == sample.label else "secondary",
                    on_click=act,
                    args=(_relabel, lab, sample.data, sample.name, name),
                )
        st.caption(f"{_keys(names)} the same.")
    _any_class(lab, sample)
    with st.container(horizontal=True, gap="small"):
        if sample.label and not sample.excluded:
            st.button(
                "Confirm",
                key="confirm",
                shortcut="Y",
                icon=":material/check:",
                help="The label is correct: a person has looked.",
                on_click=act,
                args=(_relabel, lab, sample.data, sample.name, sample.label),
            )
        st.button(
            "Include again" if sample.excluded else "Exclude",
            key="exclude",
            shortcut="X",
            icon=":material/block:",
            help="A run on mended labels leaves excluded images out.",
            on_click=act,
            args=(
                *(_mark, lab, sample.data, sample.name),
                *("include" if sample.excluded else "exclude", ""),
            ),
        )
        st.button(
            "Undo",
            key="undo",
            shortcut="U",
            icon=":material/undo:",
            disabled=all(event.undone_by for event in sample.history),
            help="Take back the latest decision about this image.",
            on_click=act,
            args=(_undo, lab, sample.data, sample.name),
        )
        with st.popover("Tags", icon=":material/sell:"):
            _tags(lab, sample)
        with st.popover("Your name", icon=":material/person:"):
            pick_person()


def by_digit(names: Sequence[str]) -> bool:
    """Whether there are classes, and each has a button and a key of its own."""
    return 0 < len(names) <= MOST_BUTTONS and all(
        len(name) == 1 and name.isdigit() for name in names
    )


def _keys(names: Sequence[str]) -> str:
    """The keys of these digits with their verb: 'Keys 0 to 7 do', 'Keys 0, 1 and 3 do'."""
    *others, last = names
    if not others:
        return f"Key {last} does"
    if len(names) > 2 and "".join(names) in "0123456789":
        return f"Keys {names[0]} to {last} do"
    return f"Keys {', '.join(others)} and {last} do"


def keys_of(sample: Sample) -> dict[str, str]:
    """Keys → what they do to the image, as `do` takes it; those of the buttons."""
    keys = {name: f"={name}" for name in sample.classes} if by_digit(sample.classes) else {}
    keys |= {"x": "include" if sample.excluded else "exclude", "u": "undo-image"}
    return keys | ({"y": "confirm"} if sample.label and not sample.excluded else {})


def do(lab: Lab, data: str, press: Press) -> None:
    """What a key does to the image that it was pressed for."""
    if press.action.startswith("="):
        act(_relabel, lab, data, press.name, press.action[1:])
    elif press.action == "confirm" and press.likely:
        act(_relabel, lab, data, press.name, press.likely)
    elif press.action in ("exclude", "include"):
        act(_mark, lab, data, press.name, press.action, "")
    elif press.action == "undo-image" and any(
        event.undone_by is None for event in lab.labels.history(data, press.name)
    ):
        act(_undo, lab, data, press.name)


def _any_class(lab: Lab, sample: Sample) -> None:
    key = f"class-of-{sample.data}-{sample.name}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Label",
            sample.classes,
            index=sample.classes.index(sample.label) if sample.label in sample.classes else None,
            key=key,
            width=220,
            accept_new_options=True,
            placeholder="Choose, or type a new class",
        )
        do_button(
            "Set",
            act,
            (_relabel, lab, sample.data, sample.name, name),
            key="set-label",
            shortcut="Ctrl+Enter",
            disabled=not name,
        )


def _tags(lab: Lab, sample: Sample) -> None:
    for tag in sample.tags:
        st.button(
            f"Remove {literal(tag)}",
            key=f"untag-{tag}",
            icon=":material/close:",
            on_click=act,
            args=(_mark, lab, sample.data, sample.name, "untag", tag),
        )
    key = f"tag-{sample.name}"
    with st.form(key="new-tag", border=False, enter_to_submit=True, clear_on_submit=True):
        tag = st.text_input("New tag", key=key, max_chars=60)
        if st.form_submit_button("Add", key="add-tag") and tag.strip():
            act(_mark, lab, sample.data, sample.name, "tag", tag)
            st.rerun()


def act(deed: Callable[..., None], *arguments: object) -> None:
    """Do it; a refusal is shown when the page is drawn next."""
    try:
        deed(*arguments)
    except GlyphlabError as error:
        st.session_state[REFUSED] = str(error)


def _relabel(lab: Lab, data: str, name: str, to: str) -> None:
    lab.labels.relabel(data, [name], to, who=person(), why=WHY, new_class=True)


def _mark(lab: Lab, data: str, name: str, action: str, tag: str) -> None:
    lab.labels.mark(data, action, [name], who=person(), why=WHY, tag=tag)


def _undo(lab: Lab, data: str, name: str) -> None:
    lab.labels.undo(data, who=person(), why=WHY, samples=[name])
