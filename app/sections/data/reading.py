"""How a data set that was given to the lab is read: columns, polarity and a test split of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import streamlit as st

from app.sections.data.report import plain
from app.widgets.common import note
from app.widgets.explain import meaning
from engine.data.choices import AS_FOUND, Choices
from engine.errors import GlyphlabError
from engine.services.contents import USUAL_SIZE

if TYPE_CHECKING:
    from engine.data.report import ImportReport
    from engine.lab import Lab

PAPERS: dict[str, Literal["light", "dark"] | None] = {
    "Detect from the images": None,
    "Dark ink on light paper": "light",
    "Light ink on dark paper": "dark",
}
COLUMNS = {
    "label": ("Label column", "the class: its name, or its number from 1 without a header"),
    "split": ("Split column", "train, val or test of each image"),
    "path": ("Path column", "the file of each image, in a table that names image files"),
    "annotator": ("Annotator column", "who gave each label; the label given most often is used"),
}
PARTS = {
    "Not in the file names": 0,
    "The first part": 1,
    "The second part": 2,
    "The third part": 3,
    "The fourth part": 4,
    "The last part": -1,
    "The last part but one": -2,
}
SHARE = 15  # percent, offered as the test split
CHECKED_AT_ONCE = 2_000  # images, all opened while the person waits; more when they ask, or later


def choices_form(key: str, choices: Choices, report: ImportReport | None) -> Choices:
    """Draw the fields and return what they hold. An empty column is found by name and content.

    report  on what is read, as far as it is known: it tells which columns there are
    """
    columns: dict[str, str] = {}
    has_table = report is None or report.columns or report.tables or choices.columns
    for field, place in zip(COLUMNS, st.columns(4) if has_table else (), strict=False):
        with place:
            columns[field] = _column(key, field, getattr(choices, field), report)
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    with left:
        papers = list(PAPERS.values())
        paper = st.selectbox(
            "Polarity",
            list(PAPERS),
            papers.index(choices.paper),
            key=f"{key}-paper",
            help=meaning("polarity"),
        )
    with middle:
        parts = (
            PARTS
            if choices.part in PARTS.values()
            else {**PARTS, f"Part {choices.part}": choices.part}
        )
        part = st.selectbox(
            "Class in the file names",
            list(parts),
            list(parts.values()).index(choices.part),
            key=f"{key}-part",
            help=(
                "For images whose class is part of the file's name, as 7 in 7_0001.png. Parts are runs"
                " of digits, and what stands between digits, spaces, dots, commas, brackets, - and _."
            ),
        )
    with right:
        test = st.number_input(
            "Test split (% of each class)",
            0,
            50,
            round(100 * choices.test),
            key=f"{key}-test",
            help=(
                f"Images held out for testing, stratified by class, the same for all runs. Ignored"
                f" where the data set has a test split of its own. {SHARE} is usual; 0 holds none"
                f" out."
            ),
        )
    unlabelled = st.checkbox(
        "Treat all images as unlabelled",
        choices.unlabelled,
        key=f"{key}-unlabelled",
        help=(
            "Labels that are there are left out. New ones are given on the page Label, which proposes"
            " the next ones and learns as you go."
        ),
    )
    held = 0 if unlabelled else test / 100
    return Choices(
        **columns, paper=PAPERS[paper], test=held, unlabelled=unlabelled, part=parts[part]
    )


def _column(key: str, field: str, chosen: str, report: ImportReport | None) -> str:
    """The field of one column; '' if it is to be found."""
    label, help = COLUMNS[field]
    names = list(
        dict.fromkeys([*(report.columns if report else ()), *([chosen] if chosen else [])])
    )
    found = dict(report.roles).get(field) if report else None
    text = st.selectbox(
        label,
        names,
        names.index(chosen) if chosen else None,
        key=f"{key}-{field}",
        help=help,
        placeholder=f"found: {found}" if found else "found by itself",
        accept_new_options=True,
    )
    return str(text or "").strip()[:200]


def reading(lab: Lab, name: str) -> None:
    """Draw how the data set `name` is read, to be changed, if it was given to the lab."""
    choices = lab.data.imports.choices(name)
    if choices is None or not lab.may("change data"):
        return
    with st.expander("Import settings", icon=":material/tune:", expanded=choices != AS_FOUND):
        key = f"read-{name}"
        wanted = choices_form(key, choices, _report(lab, name))
        if wanted == choices:
            note("The layout, samples and warnings below are those of the current settings.")
            return
        if st.button("Apply", key=f"{key}-apply", type="primary", icon=":material/check:"):
            try:
                _apply(lab, name, wanted)
            except GlyphlabError as error:
                st.error(plain(str(error)), icon=":material/error:")
                return
            st.rerun()


def _apply(lab: Lab, name: str, wanted: Choices) -> None:
    """Read the data set by other choices. If all of its images were opened before, they are opened again
    where they are read otherwise now: what can't be read is left out as before.
    """
    before = _report(lab, name)
    taken = lab.data.imports.change(name, wanted)
    after = _report(lab, name)
    if not (before and before.checked and after) or after.checked:
        return
    if after.images <= CHECKED_AT_ONCE:
        with st.spinner("Opening every image…"):
            lab.data.check(name)
    elif lab.may("prepare data"):
        size = USUAL_SIZE[taken.kind]
        task = lab.start_task("load", name=name, style="auto", size=size)
        st.session_state[f"task-{name}"] = task


def _report(lab: Lab, name: str) -> ImportReport | None:
    """None where it can't be read as it was chosen."""
    try:
        return lab.data.contents(name).report
    except GlyphlabError:
        return None
