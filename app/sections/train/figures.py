"""A run's figures on the Train page: while it trains, and at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.charts.learning import best_epoch, epochs_of
from app.charts.words import interval, literal, number, of_images, parameters, percent, seconds
from app.widgets.explain import explain, full, meaning

if TYPE_CHECKING:
    from engine.runs.run_info import RunInfo


def figures(
    info: RunInfo, rows: Sequence[Mapping[str, Any]], final: Mapping[str, Any] | None
) -> None:
    """The figures of a run: those at its end, or how far it has come."""
    with st.container(horizontal=True, gap="small"):
        for label, value, help in _at_the_end(rows, final) if final else _so_far(info, rows):
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
    explain("accuracy", "top-3", "validation", "test", "loss", "overfitting")


def _at_the_end(
    rows: Sequence[Mapping[str, Any]], final: Mapping[str, Any]
) -> list[tuple[str, str, str | None]]:
    best = best_epoch(rows)
    return [
        (
            "Test accuracy",
            percent(final.get("test_accuracy")),
            f"{number(final['test_n'])} images of {final.get('test_data', 'the test split')}"
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
            _of_validation(final, best),
        ),
        *(
            [("Calibration error", percent(final.get("test_ece")), meaning("calibration"))]
            if full()
            else []
        ),
        ("Parameters", parameters(final.get("parameters")), None),
        (
            "Training time",
            seconds(final.get("seconds")),
            f"without loading and measuring; {number(final.get('images_per_second'))} images per second",
        ),
    ]


def _of_validation(final: Mapping[str, Any], best: Mapping[str, Any] | None) -> str | None:
    if not best:
        return None
    of = f" of {number(final['val_n'])} images" if final.get("val_n") else ""
    return f"accuracy{of} at epoch {best['epoch']}, whose weights are kept"


def _so_far(info: RunInfo, rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str | None]]:
    epochs, best = epochs_of(rows), best_epoch(rows)
    last = next((row for row in reversed(rows) if row.get("images_per_second") is not None), {})
    loss = last.get("loss", last.get("train_loss"))
    return [
        (
            "Best so far",
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
        ("Images seen", number(last.get("images_seen")), None),
        ("Time", seconds(info.seconds), "since the run began, loading included"),
    ]
