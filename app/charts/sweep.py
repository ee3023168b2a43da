"""How a sweep searches: history, importances, and each trial's curve.

A trial is anything with `number`, `state`, `value` (None before its first epoch), `history` (a
value an epoch) and `values` (key.path → value), as engine.sweep gives it. Accuracies come as
fractions and are drawn in percent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import plotly.graph_objects as go

from app.charts.base import BAD, COLOURS, GOOD, LINE, QUIET, column, columns, figure, message

INTERACTIONS = "interactions"  # of several settings, in the glossary's words
LEAST_SHOWN = 0.005  # chosen: half of the percent to which shares are rounded


class Trial(Protocol):
    @property
    def number(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def value(self) -> float | None: ...
    @property
    def history(self) -> tuple[float, ...]: ...
    @property
    def values(self) -> Mapping[str, Any]: ...


MARKED = 600  # points of all learning curves together that are marked one by one

STATES: dict[str, tuple[str, str]] = {  # state → colour and marker
    "finished": (LINE, "circle"),
    "running": (COLOURS[1], "circle-open"),
    "waiting": (QUIET, "circle-open"),
    "pruned": (QUIET, "x"),
    "failed": (BAD, "x-thin"),
}


def history(trials: Sequence[Trial], metric: str, direction: str, height: int = 360) -> go.Figure:
    """Every trial's value in the order of the trials, and the best so far as a line."""
    shown = [trial for trial in trials if trial.value is not None]
    if not shown:
        return message(
            "Value of each trial", "The first value appears after the first epoch.", height=height
        )
    chart = figure("Value of each trial", "Trial", axis_title(metric), height=height)
    factor, form = scale(metric)
    for state, (colour, symbol) in STATES.items():
        own = [trial for trial in shown if trial.state == state]
        if own:
            chart.add_scatter(
                x=[trial.number for trial in own],
                y=[(trial.value or 0.0) * factor for trial in own],
                name=state,
                mode="markers",
                marker={
                    "color": colour,
                    "symbol": symbol,
                    "size": 9,
                    "line": {"width": 2, "color": colour},
                },
                customdata=[describe(trial.values) for trial in own],
                hovertemplate=(
                    f"trial %{{x}}: %{{y:{form}}}<br>%{{customdata}}<extra>{state}</extra>"
                ),
            )
    best: float | None = None
    line: list[tuple[int, float]] = []
    better = max if direction == "maximize" else min
    for trial in (trial for trial in shown if trial.state == "finished"):
        value = trial.value or 0.0
        best = value if best is None else better(best, value)
        line.append((trial.number, best * factor))
    if line:
        last = max(trial.number for trial in shown)
        line += [(last, line[-1][1])] if last > line[-1][0] else []  # it holds to the last trial
        chart.add_scatter(
            x=[x for x, _ in line],
            y=[y for _, y in line],
            name="best so far",
            mode="lines",
            line={"color": GOOD, "width": 2, "shape": "hv"},
            hovertemplate=f"best so far: %{{y:{form}}}<extra></extra>",
        )
    _whole(chart, max(trial.number for trial in shown))
    return chart


def importance(
    shares: Mapping[str, float], metric: str, trials: int = 0, height: int = 360
) -> go.Figure:
    """How much of the value's variation each field explains alone, most important first, and what only
    several of them do, in whole percents that sum to 100; `trials`: from how many finished ones it is
    estimated.
    """
    if not shares:
        return message(
            "Importance", "Needs three finished trials of different values.", height=height
        )
    rows = sorted(((short(path), share) for path, share in shares.items()), key=lambda row: row[1])
    rest = 1 - sum(shares.values())
    together = [(INTERACTIONS, rest)] if rest >= LEAST_SHOWN else []
    rows, own = [*together, *rows], len(rows)
    chart = figure(
        "Importance",
        "Variation explained (%)",  # an axis' title is not wrapped on a narrow screen
        "",
        subtitle=_estimated(metric, trials),
        height=height,
    )
    chart.add_bar(
        x=[share * 100 for _, share in rows],
        y=[name for name, _ in rows],
        orientation="h",
        marker={"color": [QUIET] * len(together) + [COLOURS[0]] * own},
        text=[f"{share}%" for share in _whole_percents([share for _, share in rows])],
        textposition="outside",
        cliponaxis=False,
        customdata=["interactions of several settings"] * len(together)
        + [name for name, _ in rows[-own:]],
        hovertemplate="%{customdata}: %{x:.1f}%<extra></extra>",
    )
    chart.update_yaxes(
        title={"text": "Field of the recipe"},
        ticks="outside",
        ticklen=8,  # unseen: room between a name and its bar
        tickcolor="rgba(0,0,0,0)",
    )
    chart.update_xaxes(range=[0, 110])
    return chart


def _estimated(metric: str, trials: int) -> str:
    text = f"share of the variation of {words(metric)}"
    if not trials:
        return text
    return f"{text}, estimated from {trials} finished trials: the fewer, the rougher"


def _whole_percents(shares: Sequence[float]) -> list[int]:
    """Shares in whole percents that sum to what their sum rounds to: those with the largest
    remainders are rounded up.
    """
    floors = [math.floor(100 * share) for share in shares]
    missing = round(100 * sum(shares)) - sum(floors)
    by_rest = sorted(range(len(shares)), key=lambda n: floors[n] - 100 * shares[n])
    up = {*by_rest[:missing]}
    return [floor + (number in up) for number, floor in enumerate(floors)]


def curves(trials: Sequence[Trial], metric: str, best: int | None, height: int = 360) -> go.Figure:
    """The metric by epoch, a line a trial; the best one stands out, pruned ones end early.

    Trials of one state are one trace with gaps: a browser takes seconds for a hundred traces.
    """
    shown = [trial for trial in trials if trial.history]
    if not shown:
        return message("Learning curves", "The curves appear after the first epoch.", height=height)
    chart = figure("Learning curves", "Epoch", axis_title(metric), height=height)
    factor, form = scale(metric)
    many = sum(len(trial.history) for trial in shown) > MARKED
    groups = [
        (state, [t for t in shown if t.state == state and t.number != best]) for state in STATES
    ]
    groups.append(("best", [trial for trial in shown if trial.number == best]))
    for name, own in groups:
        if not own:
            continue
        x: list[int | None] = []
        y: list[float | None] = []
        points: list[tuple[int, str] | None] = []
        for trial in own:
            # A gap ends each line. What the trial's values were is told at every point, or, where
            # that would be half a megabyte, at the last.
            hover = "<br>" + describe(trial.values)
            x += [*range(1, len(trial.history) + 1), None]
            y += [*(value * factor for value in trial.history), None]
            points += [(trial.number, "" if many else hover)] * (len(trial.history) - 1)
            points += [(trial.number, hover), None]
        first = name == "best"
        chart.add_scatter(
            x=column(x[:-1]),
            y=column(y[:-1]),
            name=f"best: trial {best}" if first else name,
            mode="lines+markers" if first or not many else "lines",
            line={
                "color": GOOD if first else STATES[name][0],
                "width": 3 if first else 1.5,
                "dash": "dot" if name == "pruned" else "solid",
            },
            marker={"size": 6 if first else 3},
            customdata=columns(points[:-1], 2),
            hovertemplate=(
                f"trial %{{customdata[0]}}, epoch %{{x}}: %{{y:{form}}}%{{customdata[1]}}"
                "<extra></extra>"
            ),
        )
    _whole(chart, max(len(trial.history) for trial in shown))
    return chart


def describe(values: Mapping[str, Any]) -> str:
    """A trial's values in a line each, for a hover box."""
    return "<br>".join(f"{short(path)}: {text_of(value)}" for path, value in values.items())


def text_of(value: Any) -> str:
    """A value of the search space as people read it: a drawn number with four digits, anything else
    as it is.
    """
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def short(path: str) -> str:
    """The last part of a key.path: 'model.options.dropout' → 'dropout'."""
    return path.rpartition(".")[2]


def words(metric: str) -> str:
    return {
        "val_accuracy": "validation accuracy",
        "val_loss": "validation loss",
        "knn_accuracy": "kNN accuracy",
    }.get(metric, metric)


def _whole(chart: go.Figure, last: int) -> None:
    """Whole numbers on the horizontal axis, each once."""
    chart.update_xaxes(tickformat="d", dtick=1 if last <= 12 else None)


def axis_title(metric: str) -> str:
    text = words(metric)
    return f"{text[0].upper()}{text[1:]} ({'%' if metric.endswith('accuracy') else 'nats'})"


def scale(metric: str) -> tuple[float, str]:
    """What a value is multiplied by to be drawn, and its format in a hover box."""
    return (100.0, ".2f") if metric.endswith("accuracy") else (1.0, ".4f")
