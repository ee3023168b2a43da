"""Runs side by side: convergence, scores with intervals, per-class differences, confusion,
calibration, and one page of all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

import plotly.graph_objects as go

from app.charts.base import COLOURS, GOOD, column, figure, message, plain

Row = dict[str, Any]


class Axis(NamedTuple):
    """One horizontal axis of a convergence plot: the row's key, and what the axis says."""

    key: str
    title: str


class Measure(NamedTuple):
    """One figure of an epoch row: its key, its title with unit, and the factor to that unit."""

    key: str
    title: str
    factor: float


AXES: dict[str, Axis] = {
    "epochs": Axis("epoch", "Epoch"),
    "images": Axis("images_seen", "Training images seen"),
    "seconds": Axis("seconds", "Training time (seconds)"),
}
MEASURES: dict[str, Measure] = {
    "held-out accuracy": Measure("held_accuracy", "Held-out accuracy (%)", 100),
    "training accuracy": Measure("train_accuracy", "Training accuracy (%)", 100),
    "held-out loss": Measure("held_loss", "Held-out loss (nats)", 1),
    "training loss": Measure("train_loss", "Training loss, as each run defines it", 1),
    "kNN accuracy": Measure("knn_accuracy", "kNN accuracy (%)", 100),
}


class Line(NamedTuple):
    """What one colour of a convergence plot shows: a run's epoch rows, or several seeds' of one
    recipe.
    """

    label: str
    runs: Sequence[Sequence[Row]]
    colour: str


def convergence(lines: Sequence[Line], measure: str, axis: str, height: int = 420) -> go.Figure:
    """A `measure` of MEASURES by an axis of AXES: a line a run; several seeds of a recipe as their
    mean with a band from least to most.
    """
    what, by = MEASURES[measure], AXES[axis]
    title = f"{measure[:1].upper()}{measure[1:]} by {axis}"
    if not any(
        row.get(what.key) is not None for line in lines for rows in line.runs for row in rows
    ):
        return message(title, f"None of these runs recorded its {measure}.", height=height)
    chart = figure(title, by.title, what.title, height=height)
    digits = ".2f" if what.factor == 100 else ".4f"
    for line in lines:
        curves = [
            [
                (row[by.key], row[what.key] * what.factor)
                for row in rows
                if row.get(what.key) is not None
            ]
            for rows in line.runs
        ]
        curves = [curve for curve in curves if curve]
        if not curves:
            continue
        if len(curves) == 1:
            points = curves[0]
        else:  # epochs pair up; their images and seconds are averaged, so that a mean curve has a place on every axis
            length = min(map(len, curves))
            points = [
                (fmean(c[i][0] for c in curves), fmean(c[i][1] for c in curves))
                for i in range(length)
            ]
            low, high = (
                [edge(c[i][1] for c in curves) for i in range(length)] for edge in (min, max)
            )
            x = [point[0] for point in points]
            chart.add_scatter(
                x=column(x + x[::-1]),
                y=column(high + low[::-1]),
                mode="lines",
                fill="toself",
                fillcolor=_faint(line.colour),
                line={"width": 0},
                hoverinfo="skip",
                showlegend=False,
                legendgroup=line.label,
                name=plain(line.label),
            )
        chart.add_scatter(
            x=column([point[0] for point in points]),
            y=column([point[1] for point in points]),
            name=plain(line.label),
            legendgroup=line.label,
            mode="lines+markers",
            line={"color": line.colour, "width": 2},
            marker={"size": 6 if len(points) <= 40 else 3},
            hovertemplate=f"%{{x:,.4~g}}: %{{y:{digits}}}<extra>{plain(line.label)}</extra>",
        )
    chart.update_layout(showlegend=True)  # also of the only run that has recorded it
    if axis == "epochs":
        longest = max(len(rows) for line in lines for rows in line.runs)
        chart.update_xaxes(tickformat="d", dtick=1 if longest <= 12 else None)
    return chart


class Score(NamedTuple):
    """One row of the plot of scores, all in percent: the seeds' scores, and the interval of the
    (mean) score if it is known.
    """

    label: str
    scores: Sequence[float]
    low: float | None
    high: float | None
    colour: str
    note: str = ""


def scores(rows: Sequence[Score], what: str) -> go.Figure:
    """Final accuracy of each run or recipe: a point a seed, and the 95% interval of the score or of
    the mean over seeds, as the row gives it.
    """
    chart = figure(
        f"Accuracy on {what}",
        "Accuracy (%)",
        "",
        subtitle="bars: 95% interval",
        height=max(190, 110 + 44 * len(rows)),
    )
    for row in rows:
        mean = fmean(row.scores)
        bar = None
        if row.low is not None and row.high is not None:
            bar = {
                "type": "data",
                "array": [row.high - mean],
                "arrayminus": [mean - row.low],
                "thickness": 2,
                "width": 7,
            }
        if len(row.scores) > 1:
            chart.add_scatter(
                x=list(row.scores),
                y=[row.label] * len(row.scores),
                mode="markers",
                showlegend=False,
                opacity=0.55,
                name=plain(row.label),
                marker={
                    "color": row.colour,
                    "size": 8,
                    "symbol": "line-ns-open",
                    "line": {"width": 2},
                },
                hovertemplate="%{x:.2f}%<extra>one seed</extra>",
            )
        chart.add_scatter(
            x=[mean],
            y=[row.label],
            error_x=bar,
            mode="markers",
            marker={"color": row.colour, "size": 11},
            showlegend=False,
            name=plain(row.label),
            hovertemplate=f"%{{x:.2f}}%<extra>{plain(row.note or row.label)}</extra>",
        )
    chart.update_yaxes(autorange="reversed", title=None)
    return chart


def thresholds(rows: Sequence[Row], unit: str, colours: Mapping[str, str]) -> go.Figure:
    """How long each run took to each accuracy: `unit` 'epochs' or 'seconds'; rows as Compare.table
    gives them; the colours by the runs' ids.
    """
    steps = [
        key.rpartition("_")[2] for key in (rows[0] if rows else {}) if key.startswith(f"{unit}_to_")
    ]
    title = f"{unit.capitalize()} to each held-out accuracy"
    if not any(row.get(f"{unit}_to_{step}") is not None for row in rows for step in steps):
        return message(title, "None of these runs has reached a threshold.")
    chart = figure(
        title,
        "Held-out accuracy",
        "Epochs" if unit == "epochs" else "Training time (seconds)",
        height=320,
    )
    names = [f"{100 * float(step):g}%" for step in steps]
    for row in rows:
        values = [row.get(f"{unit}_to_{step}") for step in steps]
        chart.add_bar(
            x=names,
            y=values,
            name=row["name"],
            marker={"color": colours[row["run"]]},
            text=["" if value is None else f"{value:,.3g}" for value in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate=f"%{{x}} after %{{y:,.4~g}} {unit}<extra>{plain(row['name'])}</extra>",
        )
    chart.update_layout(barmode="group", bargap=0.3)
    chart.update_xaxes(type="category")
    return chart


def rate_search(found: Row) -> go.Figure:
    """The learning-rate finder's losses by rate, with its two suggestions."""
    if len(found["rates"]) < 2:
        return message("Learning-rate finder", "The loss was not a number from the first step on.")
    chart = figure("Learning-rate finder", "Learning rate", "Loss", height=340)
    for key, name, line, opacity in (
        ("losses", "Each batch", (COLOURS[1], 1), 0.45),
        ("smoothed", "Smoothed", (COLOURS[0], 2.5), 1),
    ):
        shape = {"color": line[0], "width": line[1]}
        chart.add_scatter(
            x=found["rates"], y=found[key], mode="lines", name=name, line=shape, opacity=opacity
        )
    for key, name, colour in (
        ("steepest", "Steepest fall", GOOD),
        ("lowest", "A tenth of the lowest", COLOURS[4]),
    ):
        if found.get(key):
            near = min(
                range(len(found["rates"])), key=lambda i: abs(found["rates"][i] - found[key])
            )
            chart.add_scatter(
                x=[found[key]],
                y=[found["smoothed"][near]],
                mode="markers",
                name=f"{name}: {found[key]:.2g}",
                marker={"size": 13, "color": colour, "symbol": "circle-open", "line": {"width": 3}},
            )
    top = max(found["smoothed"][: max(2, len(found["smoothed"]) // 2)]) * 1.4
    chart.update_yaxes(range=[0, top])
    chart.update_xaxes(type="log", exponentformat="power")
    return chart


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.16)"
