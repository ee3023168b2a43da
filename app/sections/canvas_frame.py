"""The canvas within a page of the dashboard, and what stands there until it has come."""

from __future__ import annotations

import streamlit as st

from app.widgets.address import canvas_address

HEIGHT = 1240  # pixels, until the canvas has set what it needs
# The canvas marks its frame when it is there (assets/canvas/pad.js), and the words go; the second ones come
# by the style sheet, after as many seconds as it says: both need nothing of a server that is busy.
WAITING = (
    '<div class="gl-frame-waits" role="status"><p>The canvas is loading…</p>'
    '<p class="gl-frame-late">This takes long. The computer may be busy, for one with a run in training: then'
    " the canvas comes by itself, later. If it has not come within a minute, reload this page, or open the"
    " canvas full size by the link below.</p></div>"
)


def canvas_frame(model: str | None) -> None:
    """The canvas, with `model` chosen if there is one."""
    with st.container(key="canvas"):
        st.html(WAITING)
        st.iframe(canvas_address(model), height=HEIGHT, alt="The drawing canvas")
