"""How a run learns: curves of loss, accuracy, learning rate and speed from the rows of its
metrics.jsonl.

Rows are dicts with `kind` 'step' (a live point within an epoch) or 'epoch'. The horizontal axis is
the epoch, counted on through all stages; a step lies within its epoch. `epochs`: how many are
planned, where the rows don't say so yet; the axis reaches there from the start. over: whether the
run has ended, so that no more rows come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go

from app.charts.base import COLOURS, GOOD, LINE, QUIET, column, figure, message
from app.charts.words import percent

Row = Mapping[str, Any]
TRAIN, VALIDATION = COLOURS[1], LINE
MOST_CHECKED = 40  # live points; of more, one is taken of several epochs, or training is very fast
MOST_POINTS = 1500  # of live points in one curve; more would only cost the browser time


def steps_of(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.get("kind") == "step"]


def epochs_of(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.get("kind") == "epoch"]


def position(row: Row) -> float:
    """Where a row stands on the axis of epochs: 2.5 is the middle of the third."""
    return (
        float(row["epoch"])
        if row.get("kind") == "epoch"
        else row["epoch"] - 1 + row["step"] / max(row["steps"], 1)
    )


def best_epoch(rows: Sequence[Row]) -> Row | None:
    """The epoch whose weights are kept: the last one marked best."""
    return next((row for row in reversed(epochs_of(rows)) if row.get("best")), None)


def loss_curves(
    rows: Sequence[Row],
    epochs: int = 0,
    height: int = 340,
    over: bool = False,
    nats: bool = True,
) -> go.Figure:
    """Training loss (live points and epoch means) and validation loss by epoch. nats: whether the
    losses of all stages are in nats.
    """
    ended, steps = epochs_of(rows), _thinned(steps_of(rows))
    if not ended and not steps:
        return _empty("Loss", "when the first steps of training are done", height, over)
    chart = figure("Loss", "Epoch", "Loss (nats)" if nats else "Loss", height=height)
    if steps:
        x, y, gaps = _joined(steps)
        # Of a short run half a second's worth of steps is an epoch or more: no two are joined.
        apart = gaps == len(steps) - 1
        chart.add_scatter(
            x=column(x),
            y=column(y),
            name=_of_steps(steps),
            mode="markers" if apart else "lines+markers" if gaps or len(steps) < 40 else "lines",
            line={"color": TRAIN, "width": 1.5},
            marker={"size": 8 if apart else 4, "color": TRAIN},
            opacity=0.8 if apart else 0.5,
            hovertemplate="epoch %{x:.2f}: %{y:.4f}<extra>live</extra>",
        )
    _curve(chart, ended, "train_loss", "Training, epoch mean", TRAIN, 1, "%{y:.4f}")
    _curve(chart, ended, "val_loss", "Validation", VALIDATION, 1, "%{y:.4f}")
    chart.update_yaxes(rangemode="tozero")
    return _marked(chart, rows, epochs)


def _of_steps(steps: Sequence[Row]) -> str:
    """What live points are called. They come every half second, so most steps have none."""
    if len(steps) > 1:
        return "Training, single steps"
    step = steps[0]
    return f"Training, step {step['step']} of epoch {step['epoch']}"


def accuracy_curves(
    rows: Sequence[Row], epochs: int = 0, height: int = 340, over: bool = False
) -> go.Figure:
    """Training and validation accuracy in percent by epoch, kNN accuracy where the run judges its
    embedding, and the epoch whose weights are kept.
    """
    ended = epochs_of(rows)
    if not ended:
        return _empty("Accuracy", "after the first epoch", height, over)
    chart = figure("Accuracy", "Epoch", "Accuracy (%)", height=height)
    _curve(chart, ended, "train_accuracy", "Training", TRAIN, 100, "%{y:.2f}%")
    _curve(chart, ended, "val_accuracy", "Validation", VALIDATION, 100, "%{y:.2f}%")
    _curve(chart, ended, "knn_accuracy", "kNN in the embedding", COLOURS[2], 100, "%{y:.2f}%")
    best = best_epoch(rows)
    if best and best.get("val_accuracy") is not None:
        chart.add_scatter(
            x=[best["epoch"]],
            y=[best["val_accuracy"] * 100],
            name=f"{_kept(best, ended)}: {percent(best['val_accuracy'])}",
            mode="markers",
            marker={"symbol": "circle-open", "size": 13, "color": GOOD, "line": {"width": 2.5}},
            cliponaxis=False,
            hovertemplate="epoch %{x}, whose weights are kept: %{y:.2f}%<extra></extra>",
        )
    return _marked(chart, rows, epochs)


def _kept(epoch: Row, ended: Sequence[Row]) -> str:
    """What the epoch whose weights are kept is called: the best, if no other is more accurate; where
    earlier ones are as accurate, the last of them. Recipes may choose by the loss, or keep the last.
    """
    shares = [row["val_accuracy"] for row in ended if row.get("val_accuracy") is not None]
    if epoch["val_accuracy"] < max(shares):
        return "Kept, the last epoch" if epoch["epoch"] == ended[-1]["epoch"] else "Kept"
    equal = shares.count(epoch["val_accuracy"])
    return "Best" if equal == 1 else f"Best, the last of {equal} equal epochs"


def rate_curve(
    rows: Sequence[Row], epochs: int = 0, height: int = 260, over: bool = False
) -> go.Figure:
    """Learning rate by epoch."""
    points = _thinned(
        [row for row in rows if row.get("lr") is not None and row.get("kind") in ("step", "epoch")]
    )
    if not points:
        return _empty("Learning rate", "when the first steps of training are done", height, over)
    chart = figure("Learning rate", "Epoch", "Learning rate", height=height)
    chart.add_scatter(
        x=column([position(row) for row in points]),
        y=column([row["lr"] for row in points]),
        mode="lines",
        line={"color": COLOURS[4], "width": 2},
        name="Learning rate",
        showlegend=False,
        hovertemplate="epoch %{x:.2f}: %{y:.3g}<extra></extra>",
    )
    chart.update_yaxes(rangemode="tozero", exponentformat="power")
    return _marked(chart, rows, epochs)


def speed_curve(
    rows: Sequence[Row], epochs: int = 0, height: int = 260, over: bool = False
) -> go.Figure:
    """Training speed in images per second by epoch."""
    points = _thinned(
        [
            row
            for row in rows
            if row.get("images_per_second") is not None and row.get("kind") in ("step", "epoch")
        ]
    )
    if not points:
        return _empty("Speed", "when the first steps of training are done", height, over)
    chart = figure("Speed", "Epoch", "Images per second", height=height)
    chart.add_scatter(
        x=column([position(row) for row in points]),
        y=column([row["images_per_second"] for row in points]),
        mode="lines",
        line={"color": COLOURS[2], "width": 2},
        name="Speed",
        showlegend=False,
        hovertemplate="epoch %{x:.2f}: %{y:,.0f} images/s<extra></extra>",
    )
    chart.update_yaxes(rangemode="tozero")
    return _marked(chart, rows, epochs)


def _empty(title: str, when: str, height: int, over: bool) -> go.Figure:
    words = f"The run ended before its first point, which is drawn {when}."
    return message(title, words if over else f"The first point is drawn {when}.", height=height)


def _curve(
    chart: go.Figure,
    epochs: Sequence[Row],
    key: str,
    name: str,
    colour: str,
    factor: float,
    form: str,
) -> None:
    points = [
        (row["epoch"], value * factor) for row in epochs if (value := row.get(key)) is not None
    ]
    if points:
        chart.add_scatter(
            x=column([point[0] for point in points]),
            y=column([point[1] for point in points]),
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"size": 6 if len(points) <= 40 else 3},
            hovertemplate=f"epoch %{{x}}: {form}<extra>{name}</extra>",
        )


def _marked(chart: go.Figure, rows: Sequence[Row], planned: int) -> go.Figure:
    """Whole epochs on the axis from the start to the planned end, and a line where a new stage
    begins.
    """
    epochs = epochs_of(rows)
    seen = max((position(row) for row in rows if row.get("kind") in ("step", "epoch")), default=1)
    planned = max((row.get("epochs") or 0 for row in epochs), default=planned)
    chart.update_xaxes(
        range=[0, max(planned, seen, 1) * 1.02],
        tickformat="d",
        dtick=1 if max(planned, seen) <= 12 else None,
    )
    for before, after in pairwise(epochs):
        if after.get("stage", 1) != before.get("stage", 1):
            chart.add_vline(
                x=before["epoch"],
                line={"color": QUIET, "dash": "dot", "width": 1},
                annotation={
                    "text": f"stage {after['stage']}",
                    "font": {"color": QUIET, "size": 11},
                },
                annotation_position="top right",
            )
    return chart


def _joined(steps: Sequence[Row]) -> tuple[list[float | None], list[Any], int]:
    """x and y of live points with a gap between two that are further apart than an epoch (and than
    three times what is usual): a line there would claim steps that nobody wrote down. Also how many
    gaps there are.
    """
    places = [position(row) for row in steps]
    apart = [after - before for before, after in pairwise(places)]
    widest = max(1.0, 3 * sorted(apart)[len(apart) // 2] if len(apart) > MOST_CHECKED else 1.0)
    x: list[float | None] = []
    y: list[Any] = []
    for row, place, far in zip(steps, places, [0.0, *apart], strict=True):
        if far > widest + 1e-6:
            x.append(None)
            y.append(None)
        x.append(place)
        y.append(row.get("loss"))
    return x, y, len(x) - len(places)


def _thinned(rows: list[Row]) -> list[Row]:
    """At most MOST_POINTS rows, evenly chosen, the last one always among them."""
    if len(rows) <= MOST_POINTS:
        return rows
    stride = -(-len(rows) // MOST_POINTS)
    return rows[::stride] + ([rows[-1]] if (len(rows) - 1) % stride else [])
