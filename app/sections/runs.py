"""All runs as a table: filters, and what is done with those that are chosen: compare, tag, note, delete."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.charts.words import literal, moment, number
from app.widgets import WIDE_TABLE, allowed, empty, link, note, told
from app.widgets.busy import quick_takes
from app.widgets.doing import do_button
from app.widgets.fragments import fragment
from app.widgets.runs import once_deleted
from app.widgets.trash import trash_box
from engine.errors import GlyphlabError
from engine.runs.notes import LONGEST_NOTE, LONGEST_TAG, Note

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.runs.run_info import RunInfo

POLL_SECONDS = 5
MOST_COMPARED = 30  # runs; Compare reads the curves of each
HEIGHT = 460  # pixels
CHANGED = "runs-changed"
SELDOM = ("Tags", "Note", "Labels", "By", "Sweep")  # columns that are shown where one has a value
FILTERS = {"state": "State", "tag": "Tag", "data": "Data", "model": "Network"}  # key → its label


def runs(lab: Lab) -> None:
    """The page."""
    busy = any(run.alive for run in lab.runs())
    fragment(_table, run_every=POLL_SECONDS if busy else None)(lab, busy)
    if lab.may("restore"):
        trash_box(lab)


def _table(lab: Lab, was_busy: bool) -> None:
    found, notes = lab.runs(), lab.notes.all()
    if st.session_state.pop(CHANGED, False) or any(run.alive for run in found) != was_busy:
        st.rerun()  # the whole page: for the trash below, and for the other pace
    if not found:
        empty(f"No run yet. {quick_takes(lab)}", "train", "Open the recipe quick", recipe="quick")
        return
    shown = _filtered(found, notes)
    if not shown:
        empty("No run matches. Remove a filter.")
        return
    note(WIDE_TABLE)
    chosen = _choose(shown, notes)
    total = number(len(found))
    total = f"{number(len(shown))} of {total}" if len(shown) < len(found) else total
    if chosen:
        _deeds(lab, chosen, notes)
    else:
        runs = "run" if total == "1" else "runs"
        deeds = "compare, tag, note or delete" if lab.may("note a run") else "compare or delete"
        note(f"{total} {runs}. Tick some to {deeds} them.")


def _filtered(found: Sequence[RunInfo], notes: dict[str, Note]) -> list[RunInfo]:
    """The runs that the filters leave. Each filter offers what there is."""
    tags = {tag for run in found for tag in notes.get(run.id, Note()).tags}
    there = {
        "state": {run.outcome for run in found},
        "tag": tags,
        "data": {run.data for run in found},
        "model": {run.model for run in found},
    }
    left, *others = st.columns([3, 2, 2, 2, 2], vertical_alignment="bottom")
    with left:
        words = st.text_input(
            "Find", key="find", placeholder="Name, note, id …", bind="query-params"
        )
    wanted: dict[str, set[str]] = {}
    for (key, label), place in zip(FILTERS.items(), others, strict=True):
        with place:
            options = sorted(filter(None, there[key]))
            # Not disabled where there is none: a disabled label is too pale to be read.
            wanted[key] = set(
                st.multiselect(
                    label, options, key=f"only-{key}", placeholder="All" if options else "None yet"
                )
            )
    return [run for run in found if _fits(run, notes.get(run.id, Note()), words or "", wanted)]


def _fits(run: RunInfo, noted: Note, words: str, wanted: dict[str, set[str]]) -> bool:
    has = {"state": {run.outcome}, "tag": {*noted.tags}, "data": {run.data}, "model": {run.model}}
    if any(some and not some & has[key] for key, some in wanted.items()):
        return False
    own = (run.name, run.id, run.recipe, run.data, run.model, run.by, noted.note, *noted.tags)
    text = "\n".join(own).casefold()
    return all(word in text for word in words.casefold().split())


def _choose(shown: Sequence[RunInfo], notes: dict[str, Note]) -> list[RunInfo]:
    """Draw the table; the runs that are ticked in it."""
    event = st.dataframe(
        table_of(shown, notes),
        hide_index=True,
        height=min(HEIGHT, 38 + 35 * len(shown)),
        key=table_key(run.id for run in shown),
        on_select="rerun",
        selection_mode="multi-row",
        placeholder="–",
        column_config=_columns(),
    )
    return [shown[row] for row in event.selection.rows if row < len(shown)]


def table_key(ids: Iterable[str]) -> str:
    """The table's key: another one for other rows, as a tick is the number of a row."""
    return f"runs-{hashlib.blake2b(''.join(ids).encode(), digest_size=5).hexdigest()}"


def table_of(shown: Iterable[RunInfo], notes: dict[str, Note]) -> dict[str, list[Any]]:
    """The columns of the table, a value for each run."""
    rows = [
        {
            "Name": run.name,
            "State": run.outcome,
            "By": run.by,
            "Validation": run.val_accuracy,
            "Test": None if run.sweep else run.accuracy,
            "Test images": None if run.sweep else run.test_n,
            "Tags": list(notes.get(run.id, Note()).tags),
            "Note": notes.get(run.id, Note()).note,
            "Data": run.data,
            "Network": run.model,
            "Created": moment(run.created),
            "Seconds in all": None if run.seconds is None else round(run.seconds),
            "Epochs": run.epoch,
            "Recipe": run.recipe,
            "Labels": "" if run.labels == "given" else run.labels,
            "Sweep": run.sweep or "",
            "Id": run.id,
        }
        for run in shown
    ]
    out = {name: [row[name] for row in rows] for name in rows[0]}
    return {name: values for name, values in out.items() if name not in SELDOM or any(values)}


def _columns() -> dict[str, Any]:
    column = st.column_config
    return {
        "Name": column.TextColumn(width="medium", pinned=True),
        "Test": column.NumberColumn(
            format="percent",
            width=85,
            help="accuracy of the test split; of a sweep's trials it is left out of this list, as choosing by it"
            " would spoil it",
        ),
        "Test images": column.NumberColumn(format="localized"),
        "Validation": column.NumberColumn(
            format="percent",
            help="accuracy of the validation split, of the epoch whose weights are kept",
        ),
        "Tags": column.ListColumn(),
        "Note": column.TextColumn(width="medium"),
        "Seconds in all": column.NumberColumn(format="localized"),
        "Created": column.DatetimeColumn(format="D MMM YYYY, HH:mm", timezone=st.context.timezone),
    }


def _deeds(lab: Lab, chosen: Sequence[RunInfo], notes: dict[str, Note]) -> None:
    ids = [run.id for run in chosen]
    with st.container(horizontal=True, vertical_alignment="center"):
        many = f"{number(len(ids))} chosen"
        st.markdown(f"**{literal(chosen[0].name) if len(ids) == 1 else many}**", width="content")
        if len(ids) == 1:
            link("train", "Open", icon=":material/show_chart:", run=ids[0])
            if chosen[0].saved:
                link("models", "Its model", model=ids[0])
        elif len(ids) <= MOST_COMPARED:
            link("compare", f"Compare {number(len(ids))}", runs=",".join(ids))
        else:
            st.caption(f"At most {MOST_COMPARED} are compared.", width="content")
        if lab.may("note a run"):
            _tag(lab, ids, notes)
            _note(lab, ids, notes)
        if own := [run for run in chosen if not lab.why_not("delete a run", run.owner)]:
            _delete(lab, own)
        else:
            allowed(lab, "delete a run", chosen[0].owner)


def _tag(lab: Lab, ids: Sequence[str], notes: dict[str, Note]) -> None:
    with st.popover("Tags", icon=":material/sell:"):
        there = sorted({tag for run in ids for tag in notes.get(run, Note()).tags})
        for tag in there:
            st.button(
                f"Remove {literal(tag)}",
                key=f"untag-{tag}",
                icon=":material/close:",
                on_click=told(lab.notes.untag),
                args=(ids, tag),
            )
        known = sorted({tag for one in notes.values() for tag in one.tags} - {*there})
        tag = st.selectbox(
            "Tag",
            known,
            index=None,
            key="new-tag",
            accept_new_options=True,
            placeholder=f"Choose, or type up to {LONGEST_TAG} letters",
        )
        do_button("Add", told(lab.notes.tag), (ids, tag), key="add-tag", disabled=not tag)


def _note(lab: Lab, ids: Sequence[str], notes: dict[str, Note]) -> None:
    with st.popover("Note", icon=":material/edit_note:"):
        there = {notes.get(run, Note()).note for run in ids}
        key = f"note-{'-'.join(ids)[:200]}"
        text = st.text_area(
            "Note" if len(ids) == 1 else f"Note of all {number(len(ids))}",
            there.pop() if len(there) == 1 else "",
            key=key,
            max_chars=LONGEST_NOTE,
        )
        do_button("Save", told(lab.notes.write), (ids, text), key="keep-note")


def _delete(lab: Lab, chosen: Sequence[RunInfo]) -> None:
    ended = [run for run in chosen if not run.alive]
    alive = len(chosen) - len(ended)
    with st.popover("Delete", icon=":material/delete:", disabled=not ended):
        which = (
            f"run **{literal(ended[0].name)}**" if len(ended) == 1 else f"{number(len(ended))} runs"
        )
        stay = f" {number(alive)} that have not ended stay." if alive else ""
        st.markdown(
            f"Delete {which} with models, curves and logs? {once_deleted(lab, ended)}{stay}"
        )
        st.button("Delete", key="delete-runs", type="primary", on_click=_gone, args=(lab, ended))


def _gone(lab: Lab, ended: Sequence[RunInfo]) -> None:
    batch, gone, refused = "", 0, ""
    for run in ended:
        try:
            entry = lab.store.delete_run(run.id, batch)
            batch, gone = batch or (entry.batch if entry else ""), gone + 1
        except GlyphlabError as error:
            refused = str(error)
    if refused:
        st.toast(refused, icon=":material/error:")
    if gone:
        st.toast(f"{number(gone)} deleted.", icon=":material/delete:")
    st.session_state[CHANGED] = True
