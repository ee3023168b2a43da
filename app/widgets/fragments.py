"""Parts of a page that are drawn again without the rest of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import streamlit as st

from app.doors.open_pages import pages_open

REDRAWS = 8  # a second, of all open pages together: each takes about 20 ms of the processor
OTHER_PACE = 1.5  # times slower or faster, from which on a page changes to the new one
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
        pace = None if run_every is None else paced(run_every)
        # Pages that were opened together are not to be drawn again together.
        spread = random.uniform(0.8, 1.2) if pace != run_every else 1

        @wraps(draw)
        def at_its_pace(*args: P.args, **kwargs: P.kwargs) -> R:
            if run_every is not None and pace is not None:
                change = paced(run_every) / pace
                if not 1 / OTHER_PACE < change < OTHER_PACE:
                    st.rerun()  # the whole page: a fragment keeps the pace that it was begun with
            return draw(*args, **kwargs)

        with st.container():
            return st.fragment(at_its_pace, run_every=pace and spread * pace)(*args, **kwargs)

    return inside


def paced(seconds: float, pages: int | None = None) -> float:
    """Seconds between two redraws of a page that asks for one every `seconds`, beside `pages` open
    ones (None: as many as there are).
    """
    return max(seconds, (pages_open() if pages is None else pages) / REDRAWS)
