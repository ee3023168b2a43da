"""Two runs class by class: differences, confusion matrices, calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from app.charts.base import (
    DIVERGING,
    QUIET,
    SEQUENTIAL,
    class_labels,
    figure,
    named_cells,
    plain,
    whole,
)
from app.charts.words import percent

CELL = "true {row}, predicted {column}"


def class_differences(
    rows: Sequence[dict[str, Any]], first: str, second: str, colours: tuple[str, str]
) -> go.Figure:
    """Recall of `second` minus that of `first` by class, in points, in the colour of the better one;
    full where the difference is significant (p < 0.05), else faint.
    """
    chart = figure(
        "Difference by class",
        "Class",
        "Difference in recall (points)",
        height=360,
        subtitle=f"upwards: {plain(second)} is better",
    )
    ordered = sorted(rows, key=lambda row: row["difference"]) if len(rows) > 20 else list(rows)
    labels = class_labels([row["class"] for row in ordered])
    real = [row["p"] < 0.05 for row in ordered]
    filled = [colours[row["difference"] > 0] for row in ordered]
    chart.add_bar(
        x=labels,
        y=[100 * row["difference"] for row in ordered],
        showlegend=False,
        marker={"color": filled, "opacity": [1.0 if sure else 0.45 for sure in real]},
        customdata=[
            [
                percent(row["first"]),
                percent(row["second"]),
                row["only_first"],
                row["only_second"],
                row["n"],
                row["p"],
                whole(row["class"]),
            ]
            for row in ordered
        ],
        hovertemplate=(
            f"class %{{customdata[6]}}, %{{customdata[4]}} images<br>{plain(first)}: %{{customdata[0]}}, alone"
            f" right on %{{customdata[2]}}<br>{plain(second)}: %{{customdata[1]}}, alone right on"
            " %{customdata[3]}<br>p = %{customdata[5]:.3f}<extra></extra>"
        ),
    )
    chart.update_xaxes(type="category", tickmode="array", tickvals=labels)
    chart.update_yaxes(zeroline=True, zerolinecolor=QUIET)
    return chart


def confusion(matrix: Sequence[Sequence[int]], classes: Sequence[str], title: str) -> go.Figure:
    """Counts (K, K), rows true: colour is the share of the true class, so that rare classes show;
    the diagonal's strength is the recall.
    """
    shares = [[value / max(sum(row), 1) for value in row] for row in matrix]
    chart = figure(plain(title), "Predicted class", "True class", height=_side(len(classes)))
    chart.add_heatmap(
        z=shares,
        x=class_labels(classes),
        y=class_labels(classes),
        colorscale=[list(stop) for stop in SEQUENTIAL],
        zmin=0,
        zmax=1,
        customdata=[list(row) for row in matrix],
        xgap=1,
        ygap=1,
        colorbar={
            "title": {"text": "Share of<br>true class"},
            "tickformat": ".0%",
            "thickness": 12,
        },
        **named_cells(CELL, ": %{customdata} images (%{z:.1%})", classes),
        **_numbers(matrix, ",d"),
    )
    return _as_matrix(chart, classes)


def confusion_difference(
    first: Sequence[Sequence[int]],
    second: Sequence[Sequence[int]],
    classes: Sequence[str],
    names: tuple[str, str],
) -> go.Figure:
    """Counts of the second model minus the first's, (K, K): off the diagonal blue is a confusion
    that the second makes more often.
    """
    gaps = [
        [b - a for a, b in zip(one, two, strict=True)]
        for one, two in zip(first, second, strict=True)
    ]
    most = max((abs(value) for row in gaps for value in row), default=1) or 1
    chart = figure(
        plain(f"{names[1]} minus {names[0]}"),
        "Predicted class",
        "True class",
        height=_side(len(classes)),
    )
    chart.add_heatmap(
        z=gaps,
        x=class_labels(classes),
        y=class_labels(classes),
        colorscale=[list(stop) for stop in DIVERGING],
        zmin=-most,
        zmax=most,
        xgap=1,
        ygap=1,
        colorbar={
            "title": {"text": "Images"},
            "thickness": 12,
            "tickformat": "d",
            **({"dtick": 1} if most <= 6 else {}),
        },
        **named_cells(CELL, ": %{z:+d} images", classes),
        **_numbers(gaps, "+,d"),
    )
    return _as_matrix(chart, classes)


def with_cells(chart: go.Figure) -> go.Figure:
    """A confusion matrix whose cells can be clicked: plotly selects points, but no part of a heatmap, so
    over each cell lies a point that is not seen.
    """
    heat: Any = chart.data[0]
    classes, form = list(heat.x), heat.hovertemplate
    side = min(30, max(4, 360 // max(len(classes), 1)))
    chart.add_scatter(
        x=[read for _ in classes for read in classes],
        y=[true for true in classes for _ in classes],
        mode="markers",
        marker={"symbol": "square", "size": side, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        customdata=[value for row in (heat.customdata or heat.z) for value in row],
        text=[f"{value:.1%}" for row in heat.z for value in row],
        hovertext=None
        if heat.hovertext is None
        else [name for row in heat.hovertext for name in row],
        hovertemplate=form.replace("%{z:+d}", "%{customdata:+d}").replace("%{z:.1%}", "%{text}"),
        hoverlabel={"bgcolor": "#2b3440", "font": {"color": "#ffffff"}},
        showlegend=False,
    )
    return chart


def reliability(
    curves: Mapping[str, Sequence[dict[str, Any]]], colours: Mapping[str, str]
) -> go.Figure:
    """Reliability diagram: accuracy by confidence, areas by number of images; below the dashed line
    a model is overconfident. Both mappings are by the runs' labels.
    """
    chart = figure(
        "Calibration",
        "Confidence (%)",
        "Accuracy (%)",
        height=420,
        subtitle="below the dashed line: overconfident",
    )
    dashed = {"dash": "dash", "color": QUIET, "width": 1}
    chart.add_scatter(
        x=[0, 100], y=[0, 100], mode="lines", line=dashed, hoverinfo="skip", showlegend=False
    )
    for label, rows in curves.items():
        most = max((row["n"] for row in rows), default=1)
        chart.add_scatter(
            x=[100 * row["confidence"] for row in rows],
            y=[100 * row["accuracy"] for row in rows],
            name=plain(label),
            mode="lines+markers",
            line={"color": colours[label], "width": 1.5},
            marker={"size": [5 + 17 * (row["n"] / most) ** 0.5 for row in rows], "opacity": 0.8},
            customdata=[row["n"] for row in rows],
            hovertemplate=(
                "confidence %{x:.1f}%, right %{y:.1f}%: %{customdata:,}"
                f" images<extra>{plain(label)}</extra>"
            ),
        )
    chart.update_xaxes(range=[-2, 103])
    chart.update_yaxes(range=[-4, 104])
    return chart


def _side(classes: int) -> int:
    return 460 if classes <= 20 else min(900, 200 + 12 * classes)


def _numbers(matrix: Sequence[Sequence[int]], form: str) -> dict[str, Any]:
    """Counts written into the cells, zeros left out; nothing where cells are too small for it."""
    if len(matrix) > 12:
        return {}
    text = [[format(value, form) if value else "" for value in row] for row in matrix]
    return {"text": text, "texttemplate": "%{text}", "textfont": {"size": 11}}


def _as_matrix(chart: go.Figure, classes: Sequence[str]) -> go.Figure:
    size = 12 if len(classes) <= 20 else 8
    chart.update_xaxes(
        type="category",
        tickmode="array",
        tickvals=class_labels(classes),
        tickfont={"size": size},
        showgrid=False,
        tickangle=0,
    )
    chart.update_yaxes(
        type="category",
        tickmode="array",
        tickvals=class_labels(classes),
        tickfont={"size": size},
        showgrid=False,
        autorange="reversed",
    )
    return chart
