"""The end of a data set that somebody gave to the lab."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import streamlit as st

from app.widgets.common import told
from engine.errors import DataError

if TYPE_CHECKING:
    from engine.data.info import DatasetInfo
    from engine.lab import Lab


def remove(lab: Lab, info: DatasetInfo) -> None:
    """A button that moves it to the trash, after asking."""
    name, uploads = info.name, lab.home / "uploads"
    outside = info.path is not None and info.path.parent != uploads  # read in place
    stays = "its files stay where they are; " if outside else ""
    with st.popover("Delete it", icon=":material/delete:"):
        st.markdown(f"`{name}` goes to the trash for a week; {stays}runs that used it stay.")
        st.button("Delete", f"delete-{name}", type="primary", on_click=_delete, args=(lab, name))


@told
def _delete(lab: Lab, name: str) -> None:
    with suppress(DataError):  # somebody else was quicker
        lab.data.remove_upload(name)
    st.query_params.pop("data", None)
