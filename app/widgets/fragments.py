"""Parts of a page that are drawn again without the rest of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import streamlit as st

P = ParamSpec("P")
R = TypeVar("R")


def fragment(draw: Callable[P, R], run_every: float | None = None) -> Callable[P, R]:
    """`draw` as a fragment of the page, in a container of its own, drawn again by what is done in it
    and every `run_every` seconds.

    Alone in a container because of what Streamlit 1.67 does on a busy machine: when a fragment is
    drawn again before the page has left the server, the fragment's elements are taken out of what
    waits, and what follows them on the page is sent first. Where both lie in one container, the
    browser has no place for it: "Bad message format", seen in a class of five.
    """
    drawn = st.fragment(draw, run_every=run_every)

    @wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        with st.container():
            return drawn(*args, **kwargs)

    return inside
