"""The import report on a page: what became of a data set's files, and what is doubtful about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from app.charts.words import number
from app.widgets.common import note

if TYPE_CHECKING:
    from engine.data.listing import Finding
    from engine.data.report import ImportReport

MOST_SKIPPED = 1000
MOST_WARNINGS = 8


def warn(findings: Sequence[Finding]) -> None:
    """What should be known before anything is trained, in one box; nothing where all is well."""
    if not findings:
        return
    shown = [f"- {_plain(one.text)}" for one in findings[:MOST_WARNINGS]]
    more = len(findings) - len(shown)
    shown += [f"- and {more} more, in the report"] if more else []
    st.warning("\n".join(["Check before training:", "", *shown]), icon=":material/warning:")


def show_report(report: ImportReport) -> None:
    """Files, layout, names and pixels, then every file that was left out, with the reason."""
    notes = [one for one in report.findings if one.level == "note"]
    if report.form:
        rows = [
            ("Stored as", report.form),
            ("Files and rows seen", number(report.seen)),
            ("Images", number(report.images)),
            ("Files left out", number(len(report.skipped))),
            ("Hidden files", number(len(report.hidden))),
            *([("Without a label", number(report.unlabelled))] if report.unlabelled else []),
            ("Layout", f"{report.layout}: {report.why}"),
            ("Names", f"{report.encoding}{', guessed' if report.guessed else ''}"),
        ]
        st.dataframe(pd.DataFrame(rows, columns=["Property", "Value"]), hide_index=True)
    for one in notes:
        note(_plain(one.text))
    if report.skipped:
        st.dataframe(skipped_table(report.skipped), hide_index=True)
        if len(report.skipped) > MOST_SKIPPED:
            note(f"The first {number(MOST_SKIPPED)} of {number(len(report.skipped))} files.")
    elif report.checked and not report.absent:
        st.success("Every image can be read.", icon=":material/check_circle:")
    if report.absent:
        table = skipped_table(report.absent).rename(columns={"Left out": "Named, but missing"})
        st.dataframe(table, hide_index=True)


def skipped_table(skipped: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """The files that were left out, with the reason."""
    return pd.DataFrame(skipped[:MOST_SKIPPED], columns=["Left out", "Why"])


def _plain(text: str) -> str:
    """A sentence as it is: names of files are no Markdown."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>#$~|" else sign for sign in text)
