"""A data set to take away: as picture folders, Parquet or a table, made when it is asked for."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from app.widgets.common import note

if TYPE_CHECKING:
    from engine.lab import Lab


def take_away(lab: Lab, name: str) -> None:
    """A popover with the forms and a download button."""
    from engine.exports.forms import EXPORT_FORMS

    if not lab.may("take away"):
        return
    with st.popover("Export", icon=":material/download:"):
        form = st.radio(
            "Format",
            list(EXPORT_FORMS),
            format_func=lambda form: EXPORT_FORMS[form].about,
            key=f"take-away-{name}",
        )
        st.download_button(
            "Download a zip",
            lambda: _zipped(lab, name, form),
            f"{Path(name).stem}-{form}.zip",
            "application/zip",
            key=f"take-away-zip-{name}",
            icon=":material/folder_zip:",
            on_click="ignore",
        )
        note(
            "Contains the given labels, reviewed labels, the splits and Croissant metadata; where the labels were"
            " diagnosed, also what is suggested and how suspect each label is."
        )


def _zipped(lab: Lab, name: str, form: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return lab.exports.dataset(name, form, Path(folder) / "data.zip").read_bytes()
