"""A sweep's trials as parallel coordinates: an axis a field, a line a trial.

Drawn as plain lines. Plotly's own parallel coordinates need WebGL, which a browser without a
graphics card takes seconds for (7 to 9 s for this page beside 2.5, on two busy cores) and some
do not have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go
from plotly.colors import find_intermediate_color, hex_to_rgb, label_rgb

from app.charts.base import GOOD, QUIET, column, figure, message
from app.charts.sweep import Trial, axis_title, describe, scale, short, text_of

FAINT = "#87909e"  # a poor trial's line, over 3:1 to the light and to the dark ground
TITLE = "Parallel coordinates: a line is a trial, from its values to what it reached"
SHADES = 8  # colours between poor and good; each is one trace
TICKS = 5  # about so many on an axis of numbers
MOST_TICKED = 6  # values of their own that an axis of numbers names instead of round ones
LEAST_APART = 0.05  # of an axis' length between two ticks: a line of their text
WIDE = (
    20  # last over first of numbers that are drawn by their logarithm, where nothing else is known
)


def parallel(
    trials: Sequence[Trial],
    metric: str,
    direction: str,
    height: int = 420,
    log: Mapping[str, bool] | None = None,
) -> go.Figure:
    """A line a trial through its values, coloured by what it reached, the best ones on top. log:
    whether a field was drawn evenly by order of magnitude, of those drawn from a range.
    """
    shown = [
        trial
        for trial in trials
        if trial.value is not None and trial.state in ("finished", "pruned")
    ]
    if not shown:
        return message(TITLE, "Needs a trial that has ended.", height=height)
    factor, form = scale(metric)
    values = [(trial.value or 0.0) * factor for trial in shown]
    paths = [path for path in shown[0].values if all(path in trial.values for trial in shown)]
    known = log or {}
    axes = [
        dimension(path, [trial.values[path] for trial in shown], known.get(path)) for path in paths
    ]
    axes.append(
        {"label": axis_title(metric), "values": values, **_round_ticks(min(values), max(values))}
    )
    places = [_places(axis, axis["values"]) for axis in axes]
    chart = figure(TITLE, "", "", height=height)
    ends = [FAINT, GOOD] if direction == "maximize" else [GOOD, FAINT]
    shades = [_between(ends[0], ends[1], shade / (SHADES - 1)) for shade in range(SHADES)]
    span = max(values) - min(values)
    groups: list[list[int]] = [[] for _ in shades]
    for number, value in enumerate(values):
        share = (value - min(values)) / span if span else 1.0
        groups[min(int(share * SHADES), SHADES - 1)].append(number)
    order = range(SHADES) if direction == "maximize" else reversed(range(SHADES))
    for shade in order:
        x: list[int | None] = []
        y: list[float | None] = []
        points: list[str | None] = []
        for number in groups[shade]:  # a gap ends each line
            trial = shown[number]
            text = f"trial {trial.number}: {values[number]:{form}}<br>{describe(trial.values)}"
            x += [*range(len(axes)), None]
            y += [*(place[number] for place in places), None]
            points += [text] * len(axes) + [None]
        chart.add_scatter(
            x=column(x),
            y=column(y),
            mode="lines",
            line={"color": shades[shade], "width": 1.6},
            customdata=column(points),
            hovertemplate="%{customdata}<extra></extra>",
            showlegend=False,
        )
    _draw_axes(chart, axes)
    chart.add_scatter(  # nothing but the colour bar
        x=[None],
        y=[None],
        mode="markers",
        marker={
            "color": [values[0]],
            "cmin": min(values),
            "cmax": max(values),
            "colorscale": [[0, ends[0]], [1, ends[1]]],
            "showscale": bool(span),  # of one value a scale has only digits
            "colorbar": {"title": {"text": axis_title(metric), "side": "right"}, "thickness": 12},
        },
        hoverinfo="skip",
        showlegend=False,
    )
    chart.update_xaxes(visible=False, range=[-0.35, len(axes) - 0.8], fixedrange=True)
    chart.update_yaxes(visible=False, range=[-0.06, 1.06], fixedrange=True)
    chart.update_layout(margin={"t": 84, "l": 30, "r": 40, "b": 16})
    return chart


def dimension(path: str, values: Sequence[Any], log: bool | None = None) -> dict[str, Any]:
    """One axis: its `label`, the trials' `values` along it, and its ticks (`tickvals`, `ticktext`).
    Numbers stand where they are, by their logarithm if `log` (None: if they span a factor above
    WIDE); everything else at equal distances.
    """
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        distinct = sorted({str(value) for value in values})
        places = [distinct.index(str(value)) for value in values]
        ticks = {"tickvals": list(range(len(distinct))), "ticktext": distinct}
        return {"label": short(path), "values": places, **ticks}
    low, high = min(values), max(values)
    by_log = low > 0 and high > low and (high / low > WIDE if log is None else log)
    places = [math.log10(value) for value in values] if by_log else list(values)
    label = f"{short(path)} (log)" if by_log else short(path)
    ticks = _own_ticks(values, places)
    if not ticks:
        ticks = _powers(low, high) if by_log else _round_ticks(low, high)
    return {"label": label, "values": places, **ticks}


def _own_ticks(values: Sequence[float], places: Sequence[float]) -> dict[str, Any]:
    """A tick at each value, where they are few and far enough apart for their texts; else {}."""
    named = dict(sorted(zip(places, values, strict=True)))
    at = list(named)
    near = any(b - a < LEAST_APART * (at[-1] - at[0]) for a, b in pairwise(at))
    if near or len(at) > MOST_TICKED:
        return {}
    return {"tickvals": at, "ticktext": [text_of(value) for value in named.values()]}


def _powers(low: float, high: float) -> dict[str, Any]:
    """Ticks of an axis of logarithms: its ends, and the powers of ten that are not near them. A tick
    beyond the ends would draw the axis beyond the plot.
    """
    first, last = math.log10(low), math.log10(high)
    room = LEAST_APART * (last - first)
    inside = range(math.ceil(first + room), math.floor(last - room) + 1)
    ticks = {
        first: text_of(low),
        **{float(power): f"{10.0**power:g}" for power in inside},
        last: text_of(high),
    }
    return {"tickvals": list(ticks), "ticktext": list(ticks.values())}


def _round_ticks(low: float, high: float) -> dict[str, Any]:
    """Ticks at round numbers within low..high, about TICKS of them; at `low` if that is all."""
    if high <= low:
        return {"tickvals": [low], "ticktext": [text_of(low)]}
    rough = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= rough * 0.999)
    found = [step * n for n in range(math.ceil(low / step), math.floor(high / step + 1e-9) + 1)]
    return {"tickvals": found, "ticktext": [f"{tick:.6g}" for tick in found]}


def _places(axis: dict[str, Any], values: Sequence[float]) -> list[float]:
    """Where values lie on an axis, 0 at its foot to 1 at its top; in the middle of one that has a
    single value.
    """
    low, high = min(axis["values"]), max(axis["values"])
    return [(value - low) / (high - low) if high > low else 0.5 for value in values]


def _draw_axes(chart: go.Figure, axes: Sequence[dict[str, Any]]) -> None:
    shapes, texts = [], []
    for x, axis in enumerate(axes):
        line = {"x0": x, "x1": x, "y0": 0, "y1": 1, "line": {"color": QUIET, "width": 1}}
        shapes.append({"type": "line", **line, "layer": "above"})
        title = {"x": x, "y": 1, "yshift": 20, "text": axis["label"], "font": {"size": 13}}
        texts.append({**title, "showarrow": False})
        places = _places(axis, axis["tickvals"])
        for y, text in zip(places, axis["ticktext"], strict=True):
            tick = {"x": x, "y": y, "xshift": -5, "xanchor": "right", "text": text}
            # The page gives words of this name its ground: lines of trials pass below them.
            on_lines = {"name": "on lines", "bgcolor": "white", "borderpad": 1}
            texts.append({**tick, **on_lines, "showarrow": False, "font": {"size": 12}})
    # One update for all: each costs plotly another look at all that are there.
    chart.update_layout(shapes=shapes, annotations=texts)


def _between(first: str, last: str, share: float) -> str:
    """The colour at `share` (0..1) of the way from one colour to another."""
    found = find_intermediate_color(hex_to_rgb(first), hex_to_rgb(last), share)
    return str(label_rgb(found))
