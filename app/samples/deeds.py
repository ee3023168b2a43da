"""What a person does about one image: give it a label, leave it out, tag it, take a decision back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import literal
from app.widgets.allowed import allowed
from app.widgets.doing import do_button
from app.widgets.person import person, pick_person
from engine.errors import GlyphlabError

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.services.samples import Sample

WHY = "sample"
MOST_BUTTONS = 10  # classes that have a button and a key each
REFUSED = "label-refused"


def deeds(lab: Lab, sample: Sample) -> None:
    """The buttons. Every one has a key."""
    if refused := st.session_state.pop(REFUSED, None):
        st.error(refused, icon=":material/error:")
    if not allowed(lab, "label"):
        return
    names = sample.classes
    if len(names) <= MOST_BUTTONS and all(len(name) == 1 and name.isdigit() for name in names):
        # The style sheet hides the keys on these buttons: each is the name of its class.
        with st.container(horizontal=True, gap="small", key="label-classes"):
            for name in names:
                st.button(
                    name,
                    key=f"label-{name}",
                    shortcut=name,
                    type="primary" if name == sample.label else "secondary",
                    on_click=act,
                    args=(_relabel, lab, sample, name),
                )
        st.caption(f"Keys {names[0]} to {names[-1]} do the same.")
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
                args=(_relabel, lab, sample, sample.label),
            )
        st.button(
            "Include again" if sample.excluded else "Exclude",
            key="exclude",
            shortcut="X",
            icon=":material/block:",
            help="An excluded image is in no split of mended labels.",
            on_click=act,
            args=(_mark, lab, sample, "include" if sample.excluded else "exclude", ""),
        )
        st.button(
            "Undo",
            key="undo",
            shortcut="U",
            icon=":material/undo:",
            disabled=all(event.undone_by for event in sample.history),
            help="Take back the latest decision about this image.",
            on_click=act,
            args=(_undo, lab, sample),
        )
        with st.popover("Tags", icon=":material/sell:"):
            _tags(lab, sample)
        with st.popover("Name", icon=":material/person:"):
            pick_person()


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
            (_relabel, lab, sample, name),
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
            args=(_mark, lab, sample, "untag", tag),
        )
    tag = st.text_input("New tag", key=f"tag-{sample.name}", max_chars=60)
    do_button("Add", act, (_mark, lab, sample, "tag", tag), key="add-tag", disabled=not tag)


def act(deed: Callable[..., None], *arguments: object) -> None:
    """Do it; a refusal is shown when the page is drawn next."""
    try:
        deed(*arguments)
    except GlyphlabError as error:
        st.session_state[REFUSED] = str(error)


def _relabel(lab: Lab, sample: Sample, to: str) -> None:
    lab.labels.relabel(sample.data, [sample.name], to, who=person(), why=WHY, new_class=True)


def _mark(lab: Lab, sample: Sample, action: str, tag: str) -> None:
    lab.labels.mark(sample.data, action, [sample.name], who=person(), why=WHY, tag=tag)


def _undo(lab: Lab, sample: Sample) -> None:
    lab.labels.undo(sample.data, who=person(), why=WHY, samples=[sample.name])
