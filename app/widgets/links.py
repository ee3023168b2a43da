"""The dashboard's pages, and links between them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import streamlit as st
from streamlit.errors import StreamlitPageNotFoundError

FOLDER = Path(__file__).parent.parent.parent / "pages"


class PageLine(NamedTuple):
    """One page: the section of the navigation it stands in, its title, its Material icon, what the page
    is for.
    """

    section: str
    title: str
    icon: str
    about: str

    @property
    def symbol(self) -> str:
        return f":material/{self.icon}:"


PAGES: dict[str, PageLine] = {
    "home": PageLine("", "Home", "home", "what there is, what is running, where to start"),
    "classroom": PageLine(
        "", "Classroom", "groups", "a class: what is assigned, who stands where, what is yours"
    ),
    "train": PageLine(
        "Training", "Train", "model_training", "start a training run and watch it learn"
    ),
    "runs": PageLine(
        "Training", "Runs", "table_rows", "all runs: find, compare, tag, note and delete them"
    ),
    "compare": PageLine(
        "Training", "Compare", "compare_arrows", "put runs side by side and test their differences"
    ),
    "study": PageLine(
        "Training", "Study", "menu_book", "experiments of five studies, their figures beside ours"
    ),
    "sweeps": PageLine("Training", "Sweeps", "tune", "search for better settings"),
    "embeddings": PageLine(
        "Explore", "Embeddings", "scatter_plot", "walk through a model's embedding space"
    ),
    "sample": PageLine(
        "Explore",
        "Sample",
        "image_search",
        "one image: its label and history, predictions, neighbours, copies",
    ),
    "label": PageLine(
        "Explore", "Label", "new_label", "label images that have none, with a model that learns"
    ),
    "noise": PageLine(
        "Explore", "Label noise", "troubleshoot", "find wrong labels and train through them"
    ),
    "draw": PageLine("Explore", "Draw", "draw", "draw a character and see it recognised"),
    "data": PageLine(
        "Library", "Data", "dataset", "data sets: classes, samples, augmentation, uploads"
    ),
    "models": PageLine("Library", "Models", "neurology", "saved models: cards and downloads"),
    "glossary": PageLine(
        "Library", "Glossary", "dictionary", "what the figures mean, what is good, where to read on"
    ),
}


def pages_in(mode: str) -> dict[str, PageLine]:
    """The pages of a lab in this mode (GLYPHLAB_MODE)."""
    return {name: line for name, line in PAGES.items() if name != "classroom" or mode == "class"}


def page_file(name: str) -> Path:
    """The absolute path of a page's script, which `st.Page` and `st.page_link` both go by."""
    return FOLDER / f"{name}.py"


def link(
    name: str,
    label: str | None = None,
    *,
    icon: str | None = None,
    help: str | None = None,
    **query: str,
) -> None:
    """Draw a link to the page `name` of PAGES, with `query` in its address: `link("train", "Watch
    it", run=run_id)`.
    """
    line = PAGES[name]
    try:
        st.page_link(
            page_file(name),
            label=label or line.title,
            icon=icon or line.symbol,
            help=help,
            query_params=query or None,
        )
    except (
        StreamlitPageNotFoundError
    ):  # the page runs outside the dashboard's navigation, as in its own test
        address = "" if name == "home" else name
        st.markdown(f"[{label or line.title}](/{address}{'?' + urlencode(query) if query else ''})")
