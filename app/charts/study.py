"""The studies' figures beside ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from app.charts.base import COLOURS, GOOD, QUIET, figure, message

LEAST_SPAN = 4  # points across the plot, or a difference of a tenth would look large


class Figures(NamedTuple):
    """One experiment's figures in percent; None where there is none. low, high: the 95% interval of
    ours.
    """

    label: str
    published: float | None
    ours: float | None
    low: float | None
    high: float | None
    best: float | None


def beside(rows: Sequence[Figures], title: str) -> go.Figure:
    """For each experiment the published figure, ours with its interval, and the best of this lab on
    the same task, on one axis.
    """
    if not any(value is not None for row in rows for value in (row.published, row.ours, row.best)):
        return message(
            title, "The study gave words, not figures, and nothing has been run at full size yet."
        )
    chart = figure(title, "Accuracy (%)", "", height=150 + 46 * len(rows))
    for row in rows:
        there = [value for value in (row.published, row.ours, row.best) if value is not None]
        if len(there) > 1:
            thin = {"color": QUIET, "width": 1}
            chart.add_scatter(
                x=[min(there), max(there)],
                y=[row.label] * 2,
                mode="lines",
                line=thin,
                hoverinfo="skip",
                showlegend=False,
            )
    kinds = (
        (
            "Reported",
            "published",
            {"symbol": "diamond-open", "size": 12, "color": COLOURS[1], "line": {"width": 2.5}},
        ),
        ("Best of this lab, same task", "best", {"symbol": "star", "size": 13, "color": GOOD}),
        ("Ours, same recipe", "ours", {"symbol": "circle", "size": 11, "color": COLOURS[0]}),
    )
    for name, key, marker in kinds:
        points = [row for row in rows if getattr(row, key) is not None]
        if not points:
            continue
        bars = None
        if key == "ours" and any(row.low is not None for row in points):
            bars = {
                "type": "data",
                "thickness": 1.5,
                "width": 6,
                "array": [
                    0 if row.high is None else row.high - (row.ours or 0.0) for row in points
                ],
                "arrayminus": [
                    0 if row.low is None else (row.ours or 0.0) - row.low for row in points
                ],
            }
        chart.add_scatter(
            x=[getattr(row, key) for row in points],
            y=[row.label for row in points],
            name=name,
            mode="markers",
            marker=marker,
            error_x=bars,
            hovertemplate=f"%{{x:.2f}}%<extra>{name}</extra>",
        )
    values = [
        value
        for row in rows
        for value in (row.published, row.ours, row.best, row.low, row.high)
        if value is not None
    ]
    middle, half = (
        (min(values) + max(values)) / 2,
        max(LEAST_SPAN, 1.15 * (max(values) - min(values))) / 2,
    )
    # Nothing is above 100%: beyond it there is room for half a mark.
    chart.update_xaxes(range=[max(middle - half, -1), min(middle + half, 100 + 0.06 * half)])
    chart.update_layout(showlegend=True)
    chart.update_yaxes(
        autorange="reversed",
        title=None,
        type="category",
        categoryorder="array",
        categoryarray=[row.label for row in rows],
    )
    return chart
