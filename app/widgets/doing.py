"""Buttons that do something with what the fields beside them hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx


def do_button(
    label: str, deed: Callable[..., None], arguments: tuple[Any, ...], **options: Any
) -> None:
    """A button that does `deed(*arguments)` and has the page, or the fragment it stands in, drawn anew.

    Not by `on_click`: Streamlit calls that with the arguments of the last drawing, so that whoever
    types into a field and presses the button at once gets what stood in the field before. Here the
    arguments are those of this drawing, for which every field has its newest value.

    options: of `st.button`.
    """
    if st.button(label, **options) and not options.get("disabled"):
        deed(*arguments)
        context = get_script_run_ctx()
        part = context is not None and bool(context.fragment_ids_this_run)
        st.rerun(scope="fragment" if part else "app")
