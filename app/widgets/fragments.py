"""Parts of a page that are drawn again without the rest of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import streamlit as st

from app.doors.open_pages import pages_open
from engine.errors import OutsideError

REDRAWS = 8  # a second that are aimed at, of all open pages together: each takes about 20 ms of the processor
P = ParamSpec("P")
R = TypeVar("R")


def fragment(draw: Callable[P, R], run_every: float | None = None) -> Callable[P, R]:
    """`draw` as a fragment of the page, in a container of its own, drawn again by what is done in it
    and every `run_every` seconds, less often where many pages are open.

    Alone in a container because of what Streamlit 1.67 does on a busy machine: when a fragment is
    drawn again before the page has left the server, the fragment's elements are taken out of what
    waits, and what follows them on the page is sent first. Where both lie in one container, the
    browser has no place for it: "Bad message format", seen in a class of five.
    """

    @wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        with st.container():
            pace = None if run_every is None else paced(run_every)
            return st.fragment(_while_inside(draw), run_every=pace)(*args, **kwargs)

    return inside


def _while_inside(draw: Callable[P, R]) -> Callable[P, R]:
    """`draw`, or the whole page for somebody who is no longer in the class, which says so."""

    @wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return draw(*args, **kwargs)
        except OutsideError:
            st.rerun()

    return inside


def paced(seconds: float) -> float:
    """Seconds between two redraws of a page that asks for one every `seconds`, by how many are open as
    it is drawn. Of many, each has a pace of its own: opened together, they are not to be drawn again
    together.

    A page keeps its pace until it is drawn anew: to change it from within would take a rerun of the
    whole page, which closes its dialogs, among them the code that a class is joining by.
    """
    shared = pages_open() / REDRAWS
    return seconds if shared <= seconds else max(seconds, shared * random.uniform(0.8, 1.2))
