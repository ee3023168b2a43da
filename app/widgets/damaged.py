"""What can't be read, on the page where it would be: each with the reason and what to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from engine.errors import GlyphlabError
from engine.files.checked import Damaged


def damaged_box(entries: Sequence[Damaged], delete: Callable[[str], None] | None = None) -> None:
    """Name the entries; nothing is drawn where there are none. `delete(name)` forgets one of them,
    where that is what to do.
    """
    if not entries:
        return
    kind = entries[0].kind
    label = f"1 {kind} is damaged" if len(entries) == 1 else f"{len(entries)} are damaged"
    with st.expander(label, icon=":material/error:", key=f"damaged-{kind}"):
        for entry in entries:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.text(f"{entry.kind} {entry.name}: {entry.why}")
                if delete is not None:
                    key = f"delete-damaged-{entry.kind}-{entry.name}"
                    st.button("Delete", key=key, on_click=_delete, args=(delete, entry.name))
        if error := st.session_state.pop("damaged-not-deleted", None):
            st.error(error, icon=":material/error:")


def _delete(delete: Callable[[str], None], name: str) -> None:
    try:
        delete(name)
    except GlyphlabError as error:
        st.session_state["damaged-not-deleted"] = str(error)
