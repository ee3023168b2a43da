"""What a data set holds: images of each class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.charts.base import COLOURS, class_labels, figure, whole

SPLIT_NAMES = {"train": "Training", "val": "Validation", "test": "Test"}
SPLIT_COLOURS = {"train": COLOURS[0], "val": COLOURS[2], "test": COLOURS[1]}


def class_counts(classes: Sequence[str], counts: np.ndarray, height: int = 320) -> go.Figure:
    """Images of each class, bars of the official splits stacked. counts (3, K): train, val, test."""
    total = int(np.sum(counts))
    drawn = np.any(counts[0]) and not np.any(counts[1])
    held = "; validation images will be drawn from the training images" if drawn else ""
    images = f"{total:,} image{'s' * (total != 1)}"
    kinds = f"{len(classes):,} class{'es' * (len(classes) != 1)}"
    chart = figure(
        "Images per class",
        "Class",
        "Images",
        subtitle=f"{images}, {kinds}{held}",
        height=height,
    )
    labels, names = class_labels(classes), [whole(name) for name in classes]
    for name, row in zip(SPLIT_NAMES, counts, strict=True):
        if np.any(row):
            chart.add_bar(
                x=labels,
                y=[int(count) for count in row],
                name=SPLIT_NAMES[name],
                marker={"color": SPLIT_COLOURS[name]},
                customdata=names,
                hovertemplate="class %{customdata}: %{y:,}<extra>" + SPLIT_NAMES[name] + "</extra>",
            )
    chart.update_layout(
        barmode="stack",
        bargap=0.15,
        showlegend=len(list(chart.data)) > 1,
        legend_traceorder="normal",
    )
    chart.update_xaxes(
        type="category"
    )  # as text: classes that are digits would otherwise be drawn on an axis of numbers
    if (
        len(classes) <= 62 and max(map(len, classes), default=0) < 3
    ):  # there is room to name every one
        chart.update_xaxes(dtick=1, tickangle=0, tickfont={"size": 11})
    chart.update_yaxes(rangemode="tozero", tickformat=",")
    return chart
