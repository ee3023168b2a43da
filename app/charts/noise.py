"""Charts of label noise: T, published and recovered results, hypotheses, suspicion, and trials
with injected noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from app.charts.base import (
    BAD,
    COLOURS,
    GOOD,
    QUIET,
    SEQUENTIAL,
    class_labels,
    figure,
    message,
    named_cells,
)

Row = Mapping[str, Any]
Matrix = Sequence[Sequence[float]]
NUMBERS_UP_TO = 12  # classes; beyond, cells are too small to write in


def transition(
    matrix: Matrix, classes: Sequence[str], title: str = "Transition matrix T"
) -> go.Figure:
    """T (K, K), shares 0..1: row the true class, column the given label."""
    values = [[100 * value for value in row] for row in matrix]
    chart = figure(
        title,
        "Given label",
        "True class",
        height=_side(len(classes)),
        subtitle="percent of a true class's images that carry a label",
    )
    cells = named_cells("true {row}, given {column}", ": %{z:.2f}%", classes)
    return _heat(chart, values, classes, "%", cells, 1)


def confusion(counts: Matrix, classes: Sequence[str]) -> go.Figure:
    """Images (K, K) by likely class (row) and given label (column), coloured by their share of the
    row.
    """
    shares = [[100 * value / max(sum(row), 1) for value in row] for row in counts]
    chart = figure(
        "Likely class against given label",
        "Given label",
        "Likely class",
        height=_side(len(classes)),
        subtitle="images; colour is the row's share",
    )
    return _heat(
        chart,
        shares,
        classes,
        "%",
        named_cells(
            "likely {row}, given {column}", ": %{customdata:,} images (%{z:.2f}%)", classes
        ),
        0,
        counts,
    )


def task3(published: Sequence[Row], here: Sequence[Row], recovered: Sequence[Row]) -> go.Figure:
    """Accuracy in percent on MNIST's test images, one axis: published results, runs of this lab,
    and models trained on complementary labels. Rows have a title and an accuracy (0..1). Each row's
    name stands above its mark: beside the axis it would leave a phone no room for the plot.
    """
    chart = figure(
        "Accuracy on MNIST's test images",
        "Accuracy (%)",
        "",
        height=190 + 44 * (len(published) + len(here) + len(recovered)),
    )
    groups = (
        (
            "Recovered: complementary labels",
            recovered,
            GOOD,
            "star",
        ),
        (
            "This lab: labels as names",
            here,
            COLOURS[1],
            "circle",
        ),
        ("Reported: labels as names", published, BAD, "diamond"),
    )
    named: list[str] = []
    for name, rows, colour, symbol in groups:
        if not rows:
            continue
        labels = _unique([f"{row['title']} · {100 * row['accuracy']:.2f}%" for row in rows])
        named += labels
        chart.add_scatter(
            x=[100 * row["accuracy"] for row in rows],
            y=labels,
            mode="markers",
            name=name,
            marker={"color": colour, "size": 12, "symbol": symbol},
            cliponaxis=False,
            hovertemplate=f"%{{x:.2f}}%<extra>{name}</extra>",
        )
    chart.add_vline(
        x=10,
        line={"dash": "dot", "color": QUIET, "width": 1.5},
        annotation={"text": "guessing", "font": {"color": QUIET}, "yanchor": "bottom"},
    )
    words = [
        {
            "text": label.rstrip("\u200b"), "x": 0, "xref": "paper", "xanchor": "left",
            "y": label, "yshift": 9, "yanchor": "bottom", "showarrow": False, "font": {"size": 12},
            "name": "on lines", "bgcolor": "white", "borderpad": 1,
        }
        for label in named
    ]  # fmt: skip
    # All at once: each one that is added has Plotly look at those before it again.
    chart.update_layout(annotations=[*chart.layout["annotations"], *words])
    chart.update_xaxes(range=[-8, 104])
    chart.update_yaxes(range=[len(named) - 0.5, -0.9], showticklabels=False, automargin=False)
    return chart


def hypotheses(rows: Sequence[Row], names: Mapping[str, str]) -> go.Figure:
    """Log-likelihood of held-out labels under each hypothesis above that of their frequencies: gain
    and gain_error in nats, by name.
    """
    chart = figure(
        "How well each hypothesis predicts held-out labels",
        "Log-likelihood above frequencies (nats an image)",
        "",
        height=140 + 40 * len(rows),
    )
    best = max(rows, key=lambda row: row["gain"], default=None)
    chart.add_bar(
        x=[row["gain"] for row in rows],
        y=[names.get(row["name"], row["name"]) for row in rows],
        orientation="h",
        marker={"color": [GOOD if row is best and row["significant"] else QUIET for row in rows]},
        error_x={
            "type": "data",
            "array": [1.96 * row["gain_error"] for row in rows],
            "thickness": 1.5,
            "width": 5,
        },
        hovertemplate="%{y}: %{x:+.4f} nats an image<extra></extra>",
        width=0.55,
        showlegend=False,
    )
    chart.update_yaxes(autorange="reversed")
    return chart


def scores(edges: Sequence[float], counts: Sequence[int]) -> go.Figure:
    """How many labels have which suspicion: counts (B,) of the probability of being correct between
    edges (B + 1,) in 0..1, on a logarithmic axis. Suspicion is 1 minus that.
    """
    if not sum(counts):
        return message("Suspicion", "No label has been scored.")
    chart = figure(
        "Suspicion",
        "Estimated probability that the label is wrong",
        "Images (log scale)",
        height=300,
    )
    middles = [1 - (a + b) / 2 for a, b in zip(edges[:-1], edges[1:], strict=True)]
    chart.add_bar(
        x=middles,
        y=[count or None for count in counts],
        width=[b - a for a, b in zip(edges[:-1], edges[1:], strict=True)],
        marker={"color": COLOURS[0], "line": {"width": 0}},
        hovertemplate="suspicion %{x:.2f}: %{y:,} images<extra></extra>",
        showlegend=False,
    )
    chart.update_yaxes(type="log", dtick=1)
    chart.update_xaxes(range=[0, 1])
    return chart


def methods(rows: Sequence[Row], classes: int) -> go.Figure:
    """Test accuracy (0..1) of each method of a trial; a method that gave up has none."""
    chart = figure(
        "Accuracy by method, and with true labels",
        "Accuracy on test images with true labels (%)",
        "",
        height=150 + 40 * len(rows),
    )
    colours = {"ours": GOOD, "truth": QUIET, "plain": COLOURS[1], "cleanlab": COLOURS[0]}
    chart.add_bar(
        x=[100 * row["accuracy"] if row["accuracy"] is not None else 0 for row in rows],
        y=[row["title"] for row in rows],
        orientation="h",
        marker={"color": [colours.get(row["name"], QUIET) for row in rows]},
        text=[
            f"{100 * row['accuracy']:.2f}%" if row["accuracy"] is not None else "no result"
            for row in rows
        ],
        textposition="auto",
        hovertemplate="%{y}: %{text}<extra></extra>",
        width=0.6,
        showlegend=False,
    )
    chart.add_vline(
        x=100 / classes,
        line={"dash": "dot", "color": QUIET, "width": 1.5},
        annotation={"text": "guessing", "font": {"color": QUIET}, "yanchor": "bottom"},
    )
    chart.update_xaxes(range=[0, 101])
    chart.update_yaxes(autorange="reversed")
    return chart


def _heat(
    chart: go.Figure,
    values: Matrix,
    classes: Sequence[str],
    unit: str,
    hover: dict[str, Any],
    digits: int,
    written: Matrix | None = None,
) -> go.Figure:
    names, cells = class_labels(classes), {}
    if len(names) <= NUMBERS_UP_TO:
        shown = values if written is None else written
        cells = {
            "text": [[f"{value:,.{digits}f}" for value in row] for row in shown],
            "texttemplate": "%{text}",
            "textfont": {"size": 11},
        }
    chart.add_heatmap(
        z=[list(row) for row in values],
        x=names,
        y=names,
        colorscale=[list(stop) for stop in SEQUENTIAL],
        zmin=0,
        zmax=max((value for row in values for value in row), default=1) or 1,
        xgap=1,
        ygap=1,
        customdata=[list(row) for row in (values if written is None else written)],
        colorbar={"ticksuffix": unit, "thickness": 12},
        **hover,
        **cells,
    )
    chart.update_xaxes(
        type="category", showgrid=False, tickmode="array", tickvals=names, constrain="domain"
    )
    chart.update_yaxes(
        type="category",
        showgrid=False,
        tickmode="array",
        tickvals=names,
        autorange="reversed",
        scaleanchor="x",
        constrain="domain",
    )
    return chart


def _unique(labels: Sequence[str]) -> list[str]:
    """Rows of one name keep rows of their own: the same text with invisible spaces behind it."""
    return [label + "\u200b" * list(labels[:at]).count(label) for at, label in enumerate(labels)]


def _side(classes: int) -> int:
    return 460 if classes <= NUMBERS_UP_TO else min(900, 240 + 11 * classes)
