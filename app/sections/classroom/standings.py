"""The leaderboard of a class, and the same as a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app.charts.report import as_csv
from app.charts.words import percent

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.services.lessons import Standing

CLOSE = ", within the margin of error"
COUNTS = (
    "What counts: runs begun after the assignment was given, on its data and splits, from no model that may"
    " have seen the test images."
)


def leaderboard(lab: Lab) -> None:
    """Each student's best run on the assignment, with the interval that decides places; for whoever
    leads also as a file.
    """
    rows = lab.lessons.leaderboard()
    if not rows:
        st.caption(f"No run that counts has finished with a model yet. {COUNTS}")
        return
    st.dataframe(
        [
            {
                "place": row.place,
                "name": row.student.name + (" (gone)" if row.name_is_anothers else ""),
                "test accuracy": percent(row.accuracy),
                "95% interval": f"{percent(row.low)} to {percent(row.high)}",
                "target": target_words(row),
            }
            for row in rows
        ],
        hide_index=True,
        key="leaderboard",
    )
    st.caption(
        f"Of {rows[0].n} test images. A place is lost only to those whose interval lies wholly above:"
        " smaller differences may be chance. The interval is Wilson's, as on"
        " Compare."
    )
    st.caption(COUNTS)
    st.caption(
        "The target is *reached* or not by the test accuracy alone. *Within the margin of error* says that"
        " the target lies in the 95% interval: on other test images of the kind it may come out otherwise."
    )
    if lab.may("lead"):
        st.download_button(
            "Download (CSV)",
            as_file(rows),
            "leaderboard.csv",
            "text/csv",
            key="csv-leaderboard",
            icon=":material/download:",
            on_click="ignore",
        )


def target_words(row: Standing) -> str:
    """Whether the target is reached, and that it is a close thing where it is."""
    return f"{'reached' if row.reached else 'not reached'}{'' if row.sure else CLOSE}"


def as_file(rows: Sequence[Standing]) -> str:
    """The leaderboard as CSV; accuracy and the ends of its interval 0..1."""
    return as_csv(
        [
            {
                "place": row.place,
                "name": row.student.name,
                "run": row.run,
                "test_accuracy": row.accuracy,
                "interval_low": row.low,
                "interval_high": row.high,
                "target": target_words(row),
                "test_images": row.n,
            }
            for row in rows
        ]
    )
