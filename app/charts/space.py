"""An embedding in figures: who is near whom, how well classes hold together, what a selection is
made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from app.charts.base import BAD, COLOURS, GOOD, QUIET, figure, plain
from app.palette import SHAPES, Marks, class_marks, marks_apart

# Dark to light, readable on white and on near-black alike (after viridis), for values on a map.
RAMP = ("#5b2a86", "#4a4fa3", "#337fb0", "#2aa198", "#5dbb63", "#b5cc3a", "#f2d21f")
UNNAMED = "#9aa3ad"
GREY = ("no label", "no cluster")  # the last names of a layer that are drawn so
NOTHING = (
    "not looked at",
    "nobody",
    "labelled by nobody",
    "no tag",
)  # and the first of what people did


def layer_marks(kind: str, names: Sequence[str], middles: Sequence[Sequence[float]] = ()) -> Marks:
    """How the codes of a layer are drawn: kind is its `palette`, middles its `middles` (see
    engine.services.layer.Layer); 256 colours for a ramp, else a mark for each name.
    """
    if kind == "ramp":
        return Marks([_between(RAMP, step / 255) for step in range(256)], [])
    if kind == "verdict":
        colours, shapes = [GOOD, BAD, QUIET], ["circle", "cross", "ring"]
    elif kind == "change":
        colours = [GOOD, BAD, COLOURS[4], COLOURS[0], UNNAMED]
        shapes = ["circle", "cross", "diamond", "square", "circle"]
    elif kind == "rivals":
        colours = [UNNAMED, COLOURS[0], COLOURS[1], BAD, QUIET]
        shapes = ["circle", "square", "triangle", "cross", "ring"]
    elif kind == "few" and names and names[0] in NOTHING:
        rest = layer_marks(kind, names[1:])
        return Marks([UNNAMED, *rest.colours], [0, *rest.shapes])
    else:
        named = sum(name not in GREY for name in names)
        plain = marks_apart(middles) if len(middles) == named else class_marks(named)
        grey = len(names) - len(plain.colours)
        return Marks([*plain.colours, *[UNNAMED] * grey], [*plain.shapes, *[0] * grey])
    places = [list(SHAPES).index(shape) for shape in shapes]
    return Marks(colours[: len(names)], places[: len(names)])


def accuracy_curve(rows: Sequence[dict[str, Any]]) -> go.Figure:
    """kNN accuracy in percent against the number of neighbours, a line a row ({'name', 'knn':
    [{'k', 'accuracy'}]}).
    """
    chart = figure("kNN accuracy", "Number of neighbours k", "Accuracy (%)")
    for number, row in enumerate(rows):
        chart.add_scatter(
            x=[point["k"] for point in row["knn"]],
            y=[100 * point["accuracy"] for point in row["knn"]],
            name=plain(row["name"]),
            mode="lines+markers",
            line=_line(number),
            hovertemplate="k = %{x}: %{y:.2f}%",
        )
    chart.update_xaxes(type="log", tickvals=[1, 3, 5, 9, 13, 25, 51, 101])
    return chart


def roc(rows: Sequence[dict[str, Any]]) -> go.Figure:
    """Same class or not? The share of same pairs accepted against the share of different pairs let
    in, a line a row ('verification').
    """
    chart = figure(
        "Verification", "False accept rate (share of different pairs)", "Same pairs accepted (%)"
    )
    for number, row in enumerate(rows):
        points = [point for point in row["verification"]["roc"] if point[0] > 0]
        chart.add_scatter(
            x=[point[0] for point in points],
            y=[100 * point[1] for point in points],
            name=plain(row["name"]),
            mode="lines",
            line=_line(number),
            hovertemplate="FAR %{x:.1e}: %{y:.2f}%",
        )
    chart.update_xaxes(type="log", dtick=1, exponentformat="power")
    chart.add_vline(x=1e-3, line={"color": QUIET, "dash": "dot"})
    chart.add_annotation(
        x=-3,  # on a logarithmic axis Plotly places words, unlike lines, by the exponent
        y=0,
        yref="y domain",
        text="FAR 10⁻³",
        font={"size": 11},
        xanchor="left",
        yanchor="bottom",
        showarrow=False,
    )
    return chart


def distances(row: dict[str, Any]) -> go.Figure:
    """Histograms of Euclidean distances between images of the same class and of different classes,
    each as percent of its pairs.
    """
    found = row["verification"]
    chart = figure(
        "Distances within and between classes",
        "Euclidean distance of the embeddings (0 to 2)",
        "Pairs (%)",
    )
    middles = [
        (left + right) / 2
        for left, right in zip(found["edges"][:-1], found["edges"][1:], strict=True)
    ]
    for name, key, colour in (
        ("Same class", "same", GOOD),
        ("Different classes", "different", BAD),
    ):
        chart.add_bar(
            x=middles,
            y=[100 * share for share in found[key]],
            name=name,
            marker={"color": colour},
            opacity=0.65,
            hovertemplate="%{x:.2f}: %{y:.2f}%",
        )
    at = max(0.0, 2 - 2 * found["threshold"]) ** 0.5
    chart.add_vline(
        x=at,
        line={"color": QUIET, "dash": "dot"},
        annotation={"text": "threshold at FAR 10⁻³", "font": {"size": 11}},
    )
    chart.update_layout(barmode="overlay", bargap=0)
    return chart


def _line(number: int) -> dict[str, Any]:
    return {
        "color": COLOURS[number % len(COLOURS)],
        "width": 2,
        "dash": "solid" if number < len(COLOURS) else "dash",
    }


def _between(stops: Sequence[str], share: float) -> str:
    place = share * (len(stops) - 1)
    low = min(int(place), len(stops) - 2)
    mixed = (
        round(
            int(stops[low][i : i + 2], 16)
            + (place - low) * (int(stops[low + 1][i : i + 2], 16) - int(stops[low][i : i + 2], 16))
        )
        for i in (1, 3, 5)
    )
    return "#" + "".join(f"{value:02x}" for value in mixed)
