"""Charts of lines, points and bars: a Streamlit component of our own that hands each new figure to
the plot that is there already.

`st.plotly_chart` (Streamlit 1.67) makes the figure part of the element's identity, whatever its
key: every new point removes the plot and builds another, which flickers and forgets the zoom. Seen
in Chromium: a marked plot was gone after one tick, and its zoom with it. It also has the browser
read all of plotly.js (4.7 MB, maps of the earth included) before the first line is drawn; these
charts are drawn with its basic bundle (1.2 MB), of the version that plotly's Python package has.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import streamlit as st
from streamlit.components.v2 import component

from app.scripts import joined

if TYPE_CHECKING:
    import plotly.graph_objects as go

SCRIPT = Path(__file__).parent.parent.parent / "assets" / "live.js"
BUNDLE = Path(__file__).parent.parent.parent / "assets" / "vendor" / "plotly-basic.min.js"
LIBRARY = "plotly-basic.min.js"  # below the lab's address, where app.server serves BUNDLE
MOST_DRAWN = 64  # figures that are kept, of 100 kB or less
_drawn: OrderedDict[Hashable, Drawn] = OrderedDict()
_drawing = threading.Lock()
DRAWN = ("scatter", "bar")  # the kinds of traces of the basic bundle that the house uses


def can_draw(figure: go.Figure) -> bool:
    """Whether the basic bundle of plotly.js draws all of `figure`."""
    traces: Any = figure.data  # plotly's own types take it for a name
    return all(trace.type in DRAWN for trace in traces)


class Drawn(NamedTuple):
    """A figure as browsers get it: JSON, and its height in pixels."""

    figure: str
    height: int


def drawn(figure: go.Figure) -> Drawn:
    return Drawn(figure.to_json() or "", int(figure.layout.height or 360))


def drawn_once(of: Hashable, make: Callable[[], go.Figure]) -> Drawn:
    """What `make` makes of the data that `of` names, made once for everybody: a class that watches one
    run asks for the same curves again and again, and the two of 150 epochs take plotly 32 ms, more than
    all the rest of the page.
    """
    with _drawing:
        if of not in _drawn:
            _drawn[of] = drawn(make())
        _drawn.move_to_end(of)
        while len(_drawn) > MOST_DRAWN:
            _drawn.popitem(last=False)
        return _drawn[of]


def live_chart(figure: Drawn, key: str, config: Mapping[str, Any], least_width: int = 0) -> None:
    """Draw `figure` in the page's theme. `config`: plotly.js options.

    Where there is less room than `least_width` pixels, it is scrolled sideways within its place.
    """
    import plotly

    _component()(
        key=key,
        data={
            "figure": figure.figure,
            "config": {**config, "responsive": False},
            "height": figure.height,
            "width": least_width,
            "source": f"{LIBRARY}?v={plotly.__version__}",
        },
    )


def fetch_library() -> None:
    """Let the browser get ready to draw live charts, so that a run's first point need not wait for
    that. Shows nothing.
    """
    import plotly

    with st.container(key="live-library", height=1, border=False):
        _component()(key="live-library-fetch", data={"source": f"{LIBRARY}?v={plotly.__version__}"})


@cache
def _component() -> Callable[..., Any]:
    # Not in a shadow root: plotly.js puts the style of its buttons and layers into the document's
    # head.
    return component(
        "glyphlab_live_chart",
        html='<div style="overflow-x: auto"><div class="live-chart"></div></div>',
        js=joined(SCRIPT),
        isolate_styles=False,
    )
