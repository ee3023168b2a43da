"""Where the lab is, as the visitor's browser sees it: behind a proxy or inside a Space that is not
where the server listens.
"""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

import streamlit as st

from app.widgets.links import PAGES


def base_address() -> str:
    """The lab's address without a slash at its end, e.g. 'http://127.0.0.1:7860' or
    'https://somebody-glyphlab.hf.space'.
    """
    parts = urlsplit(st.context.url or "")
    if not parts.netloc:
        return ""
    path = parts.path.rstrip("/")
    head, _, last = path.rpartition("/")
    return f"{parts.scheme}://{parts.netloc}{head if last in PAGES else path}"


def canvas_address(model: str | None = None) -> str:
    """The canvas in the page's own light or dark, with `model` chosen if there is one."""
    query = {"model": model, "__theme": st.context.theme.type}
    return f"{base_address()}/canvas/?{urlencode({name: value for name, value in query.items() if value})}"
