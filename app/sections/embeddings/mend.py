"""Mending labels from the map: the selected images, most suspect first, and what is done to all of
those that are chosen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from app.samples.deeds import REFUSED, act
from app.sections.embeddings.selection import file_of, grid
from app.widgets import allowed, note, number
from app.widgets.doing import do_button
from app.widgets.person import person, pick_person
from engine.labels.entries import REVIEW

if TYPE_CHECKING:
    from engine.embedding.space import Space
    from engine.lab import Lab
    from engine.services.selections import Suspects

WHY = "map"
SHOWN = 60  # images
SUSPECT = 0.5  # a label that is rather wrong than right
UNKNOWN = {  # by what the order comes from
    "diagnosis": "; ? suspicion not known: no label, or one that the diagnosis can't judge",
    "model": "; ? suspicion not known: no label",
}
WHICH = {"all": "All", "suspect": "Suspect", "first": "The first …"}


def mend(lab: Lab, space: Space, places: np.ndarray, key: str) -> None:
    """The images at `places`, and the buttons that change their labels."""
    from engine.services.selections import as_now, by_suspicion

    current = lab.labels.current(space.data)
    found = by_suspicion(lab.noise, space, places, as_now(space, current))
    chosen = _chosen(found, key)
    names = [file_of(space, int(place)) for place in chosen.places]
    if allowed(lab, "label"):
        _buttons(lab, space, chosen, names, key)
    if not names:
        note("No suspect is left among these images.")
        return
    labels = lab.labels.labels_now(space.data, names[:SHOWN])
    known = ~np.isnan(chosen.quality)
    decided = {one for one, said in current.items() if said.label is not None or said.excluded}
    captions = [
        _caption(label, name in decided, likely, bool(sure))
        for label, name, likely, sure in zip(labels, names, chosen.likely, known, strict=False)
    ]
    grid(
        space,
        chosen.places[:SHOWN].tolist(),
        captions,
        key=key,
        walk=chosen.places[:2_000].tolist(),
    )
    source = (
        "the diagnosis of the labels" if found.by == "diagnosis" else "this model's predictions"
    )
    more = f"The {SHOWN} most suspect of them," if len(names) > SHOWN else "Most suspect first,"
    note(
        f"{more} by {source}. Below each: its label now, → the likely class where that is another; •"
        f" decided by hand{'' if known.all() else UNKNOWN[found.by]}."
    )


def _caption(label: str | None, decided: bool, likely: str, known: bool = True) -> str:
    mended = f" → {likely}" if likely != label else ""
    return f"{'•' if decided else ''}{label or '–'}{mended}{'' if known else ' ?'}"


def _chosen(found: Suspects, key: str) -> Suspects:
    suspects = int((found.quality < SUSPECT).sum())
    # Whoever has just mended all suspects goes on with none of them, not with all images.
    held = suspects or st.session_state.get(f"{key}-which") == "suspect"
    options = [name for name in WHICH if name != "suspect" or held]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        which = st.segmented_control(
            "Change",
            options,
            default="all",
            required=True,
            key=f"{key}-which",
            format_func=lambda name: {
                "all": f"All {number(len(found.places))}",
                "suspect": f"Suspect {number(suspects)}",
            }.get(name, WHICH[name]),
        )
        count = len(found.places)
        if which == "suspect":
            count = suspects
        elif which == "first":
            count = st.number_input(
                "How many", 1, len(found.places), min(10, len(found.places)), key=f"{key}-count"
            )
    part = slice(0, int(count))
    return found._replace(
        places=found.places[part], quality=found.quality[part], likely=found.likely[part]
    )


def _buttons(lab: Lab, space: Space, chosen: Suspects, names: list[str], key: str) -> None:
    if refused := st.session_state.pop(REFUSED, None):
        st.error(refused, icon=":material/error:")
    count, many = number(len(names)), "image" if len(names) == 1 else "images"
    data = space.data
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = st.selectbox(
            "Label",
            lab.labels.classes(data),
            index=None,
            key=f"{key}-label",
            accept_new_options=True,
            placeholder="Class",
            width=130,
        )
        do_button(
            f"Relabel {count} {many}",
            act,
            (_relabel, lab, data, names, label, True),
            key=f"{key}-relabel",
            type="primary",
            disabled=not label or not names,
        )
    with st.container(horizontal=True):
        do_button(
            "Take the likely classes",
            act,
            (_relabel, lab, data, names, chosen.likely, False),
            key=f"{key}-likely",
            disabled=not names,
            icon=":material/auto_fix_high:",
            help="Each image gets the class that is suggested for it.",
        )
        do_button(
            "Exclude",
            act,
            (_mark, lab, data, names, "exclude", ""),
            key=f"{key}-exclude",
            disabled=not names,
            icon=":material/block:",
            help="A run on mended labels leaves excluded images out.",
        )
        do_button(
            "Send to review",
            act,
            (_mark, lab, data, names, "tag", REVIEW),
            key=f"{key}-review",
            disabled=not names,
            icon=":material/rate_review:",
            help="Those with a given label that nobody has decided about come first in the review of Label noise,"
            " one by one, once the labels are diagnosed.",
        )
        with st.popover("Tag", icon=":material/sell:"):
            tag = st.text_input("Tag", key=f"{key}-tag", max_chars=60)
            do_button(
                f"Tag {count} {many}",
                act,
                (_mark, lab, data, names, "tag", tag),
                key=f"{key}-add-tag",
                disabled=not tag or not names,
            )
        st.button(
            "Undo",
            key=f"{key}-undo",
            icon=":material/undo:",
            help="Take back your latest decision about this data set, whole.",
            disabled=lab.labels.decisions(data).latest(person()) is None,
            on_click=act,
            args=(_undo, lab, data),
        )
        with st.popover("Your name", icon=":material/person:"):
            pick_person()


def _relabel(lab: Lab, data: str, names: list[str], to: str | list[str], own: bool) -> None:
    lab.labels.relabel(data, names, to, who=person(), why=WHY, own=own, new_class=own)


def _mark(lab: Lab, data: str, names: list[str], action: str, tag: str) -> None:
    lab.labels.mark(data, action, names, who=person(), why=WHY, tag=tag)


def _undo(lab: Lab, data: str) -> None:
    lab.labels.undo(data, who=person(), why=WHY, of=person())
