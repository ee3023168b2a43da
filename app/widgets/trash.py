"""What was deleted in the last week, with a button that puts it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import ago, literal, number
from app.widgets.common import told
from engine.files.trash import NAME

if TYPE_CHECKING:
    from engine.files.trash import Deleted
    from engine.lab import Lab

SHOWN = 20


def trash_box(lab: Lab) -> None:
    """The trash, closed; nothing is drawn where it is empty."""
    batches: dict[str, list[Deleted]] = {}
    for entry in lab.trash.entries():
        batches.setdefault(entry.batch, []).append(entry)
    if not batches:
        return
    count = sum(map(_things, batches.values()))
    label = f"Trash: {number(count)} deleted in the last week"
    with st.expander(label, icon=":material/delete:", key="trash"):
        for batch, entries in list(batches.items())[:SHOWN]:
            first = _first(entries)
            more = f" and {_things(entries) - 1} more" if _things(entries) > 1 else ""
            with st.container(horizontal=True, vertical_alignment="center"):
                st.button(
                    "Restore",
                    key=f"restore-{batch}",
                    icon=":material/undo:",
                    on_click=told(_restore),
                    args=(lab, batch),
                )
                st.markdown(f"{first.kind} **{literal(first.name)}**{more} · {ago(first.at)}")
        if len(batches) > SHOWN:
            st.caption(
                f"And {len(batches) - SHOWN} earlier: `trash` on the command line lists all."
            )


def _first(entries: list[Deleted]) -> Deleted:
    """What a batch is called by: what was deleted first; a student's name only goes with their work."""
    return next((one for one in reversed(entries) if one.kind != NAME), entries[-1])


def _things(entries: list[Deleted]) -> int:
    """How many things were deleted together: runs may share a name, but what a data set left behind
    (files, description, label journal) is one.
    """
    runs = sum(entry.kind == "run" for entry in entries)
    return runs + len({entry.name for entry in entries if entry.kind not in ("run", NAME)})


def _restore(lab: Lab, batch: str) -> None:
    found = _first(lab.trash.restore(batch))
    st.toast(f"{found.kind} {literal(found.name)} is restored.", icon=":material/undo:")
