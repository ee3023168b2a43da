"""Thumbnails of a data set's images, each of which opens the image's own page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import streamlit as st
from streamlit.components.v2 import component

from app.scripts import joined
from app.widgets.links import page_file
from app.widgets.pictures import data_uri

FOLDER = Path(__file__).parent
WALK, CAME_FROM = "walk", "came-from"  # in the session: names to step through, and the page before


def thumbs(
    data: str,
    names: Sequence[str],
    images: np.ndarray | Sequence[str],
    captions: Sequence[str] | None = None,
    *,
    columns: int = 10,
    key: str,
    least: int | None = None,
    pixelated: bool | None = None,
    walk: Sequence[str] | None = None,
) -> None:
    """Draw images of the data set `data`, in at most `columns` columns, fewer on a narrow screen.

    names     of the images in the data set
    images    (n, C, H, W) uint8, or n addresses
    captions  plain text below them
    least     pixels, the least width of a thumbnail
    walk      the names to step through from the page of one; by default those that are shown
    """
    if isinstance(images, np.ndarray):
        pixelated = not len(images) or images.shape[-1] <= 96 if pixelated is None else pixelated
        sources: Sequence[str] = [data_uri(image) for image in images]
    else:
        sources = images
    items = [
        {
            "src": source,
            "name": name,
            "alt": captions[number] if captions is not None and captions[number] else name,
            "caption": captions[number] if captions is not None else "",
            "href": f"sample?{urlencode({'data': data, 'sample': name})}",
        }
        for number, (name, source) in enumerate(zip(names, sources, strict=True))
    ]
    shown = {
        "items": items,
        "columns": columns,
        "least": least or (44 if captions is None else 64),
        "pixelated": bool(pixelated),
    }
    result = _component()(key=key, data=shown, on_picked_change=_heard)
    if result.picked in names:
        open_sample(data, result.picked, list(walk or names))


def open_sample(data: str, name: str, walk: Sequence[str] = ()) -> None:
    """Leave for the page of an image, from which one can come back to this one."""
    st.session_state[WALK] = (data, list(walk))
    page = st.session_state.get("page")
    if page != "sample":  # from one image to the next, the way back stays
        st.session_state[CAME_FROM] = (page, dict(st.query_params))
    st.switch_page(page_file("sample"), query_params={"data": data, "sample": name})


def _heard() -> None:
    """A component tells of a click only if somebody listens; `thumbs` reads it in its turn."""


@cache
def _component() -> Callable[..., Any]:
    return component(
        "glyphlab_thumbs",
        html='<div class="glyphs"></div>',
        css=(FOLDER / "thumbs.css").read_text(encoding="utf-8"),
        js=joined(FOLDER / "thumbs.js"),
    )
