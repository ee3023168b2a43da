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
    "Detect from the images": None,
    "Dark ink on light paper": "light",
    "Light ink on dark paper": "dark",
}
COLUMNS = {
    "label": (
        "Label column",
        "its name, or its number, counted from 1, where the table has no header",
    ),
    "split": ("Split column", "train, val or test of each image"),
    "path": ("Path column", "the file of each image, in a table that names image files"),
    "annotator": ("Annotator column", "who gave each label; the label given most often is used"),
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
                placeholder="detected",
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
                f"Images held out for testing, stratified by class, for all runs alike. Ignored"
                f" where the data set has a test split of its own. {SHARE} is usual; 0 holds none"
                f" out."
            ),
        )
    return Choices(**columns, paper=PAPERS[paper], test=test / 100)


def reading(lab: Lab, name: str) -> None:
    """Draw how the data set `name` is read, to be changed, if it was given to the lab."""
    choices = lab.data.imports.choices(name)
    if choices is None:
        return
    with st.expander("Import settings", icon=":material/tune:", expanded=choices != AS_FOUND):
        key = f"read-{name}"
        wanted = choices_form(key, choices)
        if wanted == choices:
            note("The layout, samples and warnings below are those of the current settings.")
            return
        if st.button("Apply", key=f"{key}-apply", type="primary", icon=":material/check:"):
            try:
                lab.data.imports.change(name, wanted)
            except GlyphlabError as error:
                st.error(str(error), icon=":material/error:")
                return
            st.rerun()
