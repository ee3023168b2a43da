"""Images that a page shows to be decided about, while other people or windows may decide about them too.

Of two presses for one image on one page the second is a mistake: the person has not seen what the first
did. A decision that somebody else made meanwhile is none: both are kept, and the page says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import literal
from app.widgets.person import person

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.labels.replay import Event

DECIDE = ("relabel", "exclude", "include")


def open_for(key: str, names: Iterable[str]) -> None:
    """Each of these images is shown on the page `key`, and is open to one decision there."""
    _open(key).update(names)


def taken(key: str, name: str) -> bool:
    """Whether a decision about the image counts. Only the first does, until the image is shown again."""
    if name not in _open(key):
        return False
    _open(key).discard(name)
    return True


def decided_meanwhile(lab: Lab, data: str, name: str) -> Event | None:
    """The decision that holds about an image which the page showed as one that nobody had decided about."""
    events = [
        event
        for event in lab.labels.history(data, name)
        if event.undone_by is None and event.entry.action in DECIDE
    ]
    return events[-1] if events and events[-1].entry.action != "include" else None


def tell_both(name: str, other: Event) -> None:
    """Say that a decision was written beside the `other` one."""
    entry = other.entry
    what = f"labelled {literal(other.to)}" if other.to else "left out"
    same = entry.who == person()
    st.toast(
        f"{literal(name)} was {what}"
        + (" under your name" if same else f" by {literal(entry.who or 'somebody')}")
        + f" meanwhile. Yours {'replaces it' if same else 'is recorded as well'}.",
        icon=":material/group:",
    )


def _open(key: str) -> set[str]:
    return st.session_state.setdefault(f"open-{key}", set())
