"""A run's figures on the Train page: while it trains, and at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.charts.learning import best_epoch, epochs_of
from app.charts.words import interval, literal, number, of_images, parameters, percent, seconds
from app.widgets.explain import explain, full, meaning
from engine.metrics import images_per_second
from engine.models.metadata import reads, sets_tested_on

if TYPE_CHECKING:
    from engine.runs.run_info import RunInfo


def figures(
    info: RunInfo, rows: Sequence[Mapping[str, Any]], final: Mapping[str, Any] | None
) -> None:
    """The figures of a run: those at its end, or how far it has come."""
    with st.container(horizontal=True, gap="small"):
        for label, value, help in at_the_end(info, rows, final) if final else _so_far(info, rows):
            st.metric(label, value, help=help, width=135)
    with st.container():  # one element, whatever is in it
        if final and final.get("test_accuracy") is not None and final.get("test_n"):
            share, n = final["test_accuracy"], final["test_n"]
            st.caption(f"{of_images(share, n, 'test')}, 95% interval {interval(share, n)}.")
        if info.sweep:
            st.caption(
                f"A trial of the sweep {literal(info.sweep)}: choose among its trials by validation"
                " accuracy. If one were chosen by test accuracy, the test images would no longer tell"
                " how it does on new ones."
            )
    # always, or the charts below would be others when the run ends
    explain(
        "accuracy",
        "top-3",
        "validation",
        "test",
        "loss",
        "overfitting",
        "epoch",
        "given-labels",
        "parameters",
    )


def at_the_end(
    info: RunInfo, rows: Sequence[Mapping[str, Any]], final: Mapping[str, Any]
) -> list[tuple[str, str, str | None]]:
    """Label, value and tooltip of each figure of a run that has ended."""
    best, speed = best_epoch(rows), images_per_second(epochs_of(rows))
    return [
        (
            "Test accuracy",
            percent(final.get("test_accuracy")),
            f"{number(final['test_n'])} images of {sets_tested_on(final) or 'the test split'}"
            f"{_read_again(final)}"
            if final.get("test_n")
            else "not measured: this data set was split without test images",
        ),
        *(
            [("Test top 3", percent(final.get("test_top3")), meaning("top-3"))]
            if len(final.get("confusion") or ()) not in (1, 2, 3)  # of three, all are in the top 3
            else []
        ),
        (
            "Validation",
            percent(final.get("val_accuracy")),
            _of_validation(final, best, info.method),
        ),
        *(
            [("Calibration error", percent(final.get("test_ece")), meaning("calibration"))]
            if full()
            else []
        ),
        ("Parameters", parameters(final.get("parameters")), meaning("parameters")),
        (
            "Training time",
            seconds(final.get("seconds")),
            f"with validation, without loading and the test; {number(speed)} training images per second"
            f", {_an_epoch(epochs_of(rows)) or 'no epoch has ended'}",
        ),
    ]


def _read_again(final: Mapping[str, Any]) -> str:
    count = final.get("test_reads") or 1
    return f", {reads(count)}" if count > 1 else ""


def _an_epoch(epochs: Sequence[Mapping[str, Any]]) -> str | None:
    """How many training images the last epoch has seen; None before the first has ended."""
    seen = [row.get("images_seen") or 0 for row in epochs[-2:]]
    return f"{number(seen[-1] - (seen[0] if seen[1:] else 0))} an epoch" if seen else None


def _of_validation(
    final: Mapping[str, Any], best: Mapping[str, Any] | None, method: str
) -> str | None:
    """Of which images and weights the figure is, and why the curve's may be another."""
    if not best:
        return None
    of = f" of {number(final['val_n'])} images" if final.get("val_n") else ""
    if final.get("val_accuracy") is None and best.get("val_accuracy") is None:
        return "not measured: this data set was split without validation images"
    words = f"accuracy{of} at epoch {best['epoch']}, whose weights are kept"
    drawn, measured = best.get("val_accuracy"), final.get("val_accuracy")
    if drawn is None or measured is None or percent(drawn) == percent(measured):
        likely = method == "recovered" and best.get("stage", 1) > 1
        return f"{words}, by the classes that the stage before found likely" if likely else words
    if best.get("train_accuracy") is None and best.get("knn_accuracy") is not None:
        return f"{words}, by the classifier's outputs; the curve's {percent(drawn)} are by kNN"
    if method == "recovered":
        why = "estimates the accuracy by correct labels"
        return f"{words}, by the given labels; the curve's {percent(drawn)} {why}"
    return f"{words}; the curve's {percent(drawn)} are of another image size or precision"


def _so_far(info: RunInfo, rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str | None]]:
    epochs, best = epochs_of(rows), best_epoch(rows)
    last = next((row for row in reversed(rows) if row.get("images_per_second") is not None), {})
    loss = last.get("loss", last.get("train_loss"))
    return [
        (
            "Kept so far",
            percent(best.get("val_accuracy") if best else None),
            f"validation accuracy at epoch {best['epoch']}, whose weights are kept"
            if best
            else None,
        ),
        (
            "Validation, latest",
            percent(epochs[-1].get("val_accuracy") if epochs else None),
            "accuracy after the last finished epoch",
        ),
        ("Training loss", "–" if loss is None else f"{loss:.4f}", None),
        ("Speed", f"{number(last.get('images_per_second'))} /s", "training images per second"),
        ("Images seen", number(last.get("images_seen")), _an_epoch(epochs)),
        (
            "Time",
            seconds(info.seconds),
            "so far, all attempts together: loading counts, waiting in the queue does not",
        ),
    ]
