"""How a data set that was given to the lab is read: columns, polarity and a test split of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import streamlit as st

from app.widgets.common import note
from engine.data.choices import AS_FOUND, Choices
from engine.errors import GlyphlabError

if TYPE_CHECKING:
    from engine.lab import Lab

PAPERS: dict[str, Literal["light", "dark"] | None] = {
    "As the pictures tell": None,
    "Dark ink on light paper": "light",
    "Light ink on dark paper": "dark",
}
COLUMNS = {
    "label": ("Label column", "its name, or its number from 1 where the table has no header"),
    "split": ("Split column", "train, val or test of each image"),
    "path": ("Path column", "where the picture lies, in a table of pictures"),
    "annotator": ("Annotator column", "who gave the label: the majority counts"),
}
SHARE = 15  # percent, offered as the test split


def choices_form(key: str, choices: Choices) -> Choices:
    """Draw the fields and return what they hold. An empty column is found by name and content."""
    columns: dict[str, str] = {}
    for (field, (label, help)), place in zip(COLUMNS.items(), st.columns(4), strict=True):
        with place:
            text = st.text_input(
                label,
                getattr(choices, field),
                key=f"{key}-{field}",
                help=help,
                placeholder="found by itself",
                max_chars=200,
            )
            columns[field] = (text or "").strip()
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        papers = list(PAPERS.values())
        paper = st.selectbox(
            "Polarity", list(PAPERS), papers.index(choices.paper), key=f"{key}-paper"
        )
    with right:
        test = st.number_input(
            "Test split (% of each class)",
            0,
            50,
            round(100 * choices.test),
            key=f"{key}-test",
            help=(
                f"Held out once for everybody, stratified, where the data set has none of its own;"
                f" one that has keeps it. {SHARE} is usual, 0 holds nothing out."
            ),
        )
    unlabelled = st.checkbox(
        "The images have no labels yet",
        choices.unlabelled,
        key=f"{key}-unlabelled",
        help="They are given on the page Label, which proposes the next ones and learns as you go.",
    )
    held = 0 if unlabelled else test / 100
    return Choices(**columns, paper=PAPERS[paper], test=held, unlabelled=unlabelled)


def reading(lab: Lab, name: str) -> None:
    """Draw how the data set `name` is read, to be changed, if it was given to the lab."""
    choices = lab.data.imports.choices(name)
    if choices is None:
        return
    with st.expander("How it is read", icon=":material/tune:", expanded=choices != AS_FOUND):
        key = f"read-{name}"
        wanted = choices_form(key, choices)
        if wanted == choices:
            note("Layout, samples and what is doubtful are shown below, as it is read now.")
            return
        if st.button("Read it so", key=f"{key}-apply", type="primary", icon=":material/check:"):
            try:
                lab.data.imports.change(name, wanted)
            except GlyphlabError as error:
                st.error(str(error), icon=":material/error:")
                return
            st.rerun()
