"""The look of every chart: one template, one palette, one way to name axes.

Colours of text, grid and ground come from the page's theme when Streamlit shows the figure (it
overrides the template's layout), and from the template when a figure is saved as PNG or HTML.
Series colours are middle tones that hold their own on white and on near-black.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from textwrap import wrap
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.palette import COLOURS

GOOD, BAD, QUIET = "#2a9d8f", "#d1495b", "#7c8795"
# A line of this blue has 3:1 and more to the light and to the dark ground, also when it is thin.
LINE = "#4d8bd6"
LONGEST_LABEL, LINE_LETTERS = 24, 48  # letters of a class name on an axis, and of a line of it
FONT = "Inter, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
# Light to dark for counts and shares, and two-sided for differences; both readable on either
# ground.
SEQUENTIAL: tuple[tuple[float, str], ...] = (
    (0, "#f4f7fb"),
    (0.02, "#d6e4f5"),
    (0.2, "#9cc0ea"),
    (0.5, "#4d8bd6"),
    (0.8, "#2559a8"),
    (1, "#12356b"),
)
DIVERGING: tuple[tuple[float, str], ...] = (
    (0, "#a8323f"),
    (0.25, "#e0929a"),
    (0.5, "#f4f5f7"),
    (0.75, "#8fb4e2"),
    (1, "#2559a8"),
)

TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 13, "color": "#1f2733"},
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "colorway": list(COLOURS),
        "xaxis": {
            "gridcolor": "#e8ebf0",
            "zeroline": False,
            "linecolor": "#c9d0da",
            "automargin": True,
        },
        "yaxis": {
            "gridcolor": "#e8ebf0",
            "zeroline": False,
            "linecolor": "#c9d0da",
            "automargin": True,
        },
    }
)


def figure(
    title: str, x: str, y: str, *, subtitle: str | None = None, height: int = 360
) -> go.Figure:
    """An empty figure in the house look, `height` pixels high. `x` and `y` name the axes with their
    units, e.g. 'Accuracy (%)'.

    The legend lies below the plot, where it wraps on a narrow screen and never covers data; zoom
    and hidden series survive a redraw (`uirevision`).
    """
    # plotly asks whatever stands in sys.modules as pandas, even what another thread (the canvas's)
    # has half imported. This waits for it.
    import pandas  # noqa: F401

    # All at once: each update costs plotly another check of the whole template (30 ms for the four
    # that this took, instead of 5).
    return go.Figure(
        layout={
            "template": TEMPLATE,
            "height": height,
            "title": {
                "text": title,
                "font": {"size": 16},
                "x": 0,
                "xanchor": "left",
                "y": 1,
                "yanchor": "top",
                "yref": "container",
                "pad": {"t": 8, "l": 2},
                **({"subtitle": {"text": subtitle, "font": {"size": 12}}} if subtitle else {}),
            },
            "margin": {"t": 68 if subtitle else 46, "l": 8, "r": 12, "b": 8},
            "legend": {
                "orientation": "h",
                "yref": "container",
                "y": 0,
                "yanchor": "bottom",
                "x": 0,
                "xanchor": "left",
                "title": {"text": ""},
            },
            "hovermode": "closest",
            "uirevision": title,
            # Said here too, as Streamlit puts its own template in place of ours: without it a
            # title lies on long tick labels.
            "xaxis": {"title": {"text": x, "standoff": 14}, "automargin": True},
            "yaxis": {"title": {"text": y, "standoff": 14}, "automargin": True},
        }
    )


def plain(text: str) -> str:
    """A name that a person gave, as it stands: in a chart's texts Plotly takes <b> for bold. It knows
    no &quot;.
    """
    return escape(text, quote=False)


def whole(name: str) -> str:
    """A class name for hover texts: all of it, in lines, as it stands."""
    return "<br>".join(map(plain, wrap(name, LINE_LETTERS))) or plain(name)


def class_labels(classes: Sequence[str]) -> list[str]:
    """Class names for an axis, as they stand: of a long one, its two ends, so that it leaves the plot
    room. Each is another than the rest: two of one label would be one place on the axis.
    """
    out: dict[str, None] = {}
    for name in classes:
        label = plain(_shortened(name))
        while label in out:
            label += "\u200b"  # takes no room
        out[label] = None
    return list(out)


def named_cells(text: str, of: str, classes: Sequence[str]) -> dict[str, Any]:
    """What a matrix (K, K) of classes says of the cell under the pointer: `text`, in which {row} and
    {column} are the whole names of its classes, and what it shows `of` them, in Plotly's terms.
    """
    if all(len(name) <= LONGEST_LABEL for name in classes):  # as on the axes
        return {"hovertemplate": f"{text.format(row='%{y}', column='%{x}')}{of}<extra></extra>"}
    names = [whole(name) for name in classes]
    cells = [[text.format(row=row, column=column) for column in names] for row in names]
    return {"hovertext": cells, "hovertemplate": f"%{{hovertext}}{of}<extra></extra>"}


def _shortened(name: str) -> str:
    if len(name) <= LONGEST_LABEL:
        return name
    end = LONGEST_LABEL // 2
    return f"{name[: LONGEST_LABEL - end - 1]}…{name[-end:]}"


def column(values: Sequence[Any]) -> NDArray[np.object_]:
    """Values of a trace, with None for gaps, as plotly takes them at once: of a list it asks each
    value what it is (94 ms for 5,000 points with their hover texts, 7 so).
    """
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def columns(values: Sequence[Sequence[Any] | None], width: int) -> NDArray[np.object_]:
    """The same for `width` values a point, (points, width); None is a gap."""
    out = np.empty((len(values), width), dtype=object)
    for number, value in enumerate(values):
        if value is not None:
            out[number] = value
    return out


def message(title: str, text: str, *, height: int = 240) -> go.Figure:
    """A figure that says, in the place of a chart, why there is nothing to draw yet."""
    chart = figure(title, "", "", height=height)
    chart.add_annotation(
        text="<br>".join(wrap(text, 36)),  # a phone's width
        x=0.5,
        y=0.5,
        xref="paper",
        yref="paper",
        showarrow=False,
        font={"size": 14, "color": QUIET},
    )
    chart.update_xaxes(visible=False)
    chart.update_yaxes(visible=False)
    return chart
