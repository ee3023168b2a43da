"""The import report on a page: what became of a data set's files, and what is doubtful about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from app.charts.data import SPLIT_NAMES
from app.charts.words import number
from app.widgets.common import note

if TYPE_CHECKING:
    from engine.data.listing import Finding
    from engine.data.report import ImportReport
    from engine.services.contents import Contents

MOST_SKIPPED = 1000
MOST_WARNINGS = 8
CHOSEN, BELOW = "as chosen in the import settings", "as chosen below"


def warn(findings: Sequence[Finding], preview: bool = False) -> None:
    """What should be known before anything is trained, in one box; nothing where all is well. preview:
    nothing is imported yet.
    """
    if not findings:
        return
    shown = [f"- {_said(one.text, preview)}" for one in findings[:MOST_WARNINGS]]
    more = len(findings) - len(shown)
    shown += [f"- and {more} more, in the report"] if more else []
    st.warning("\n".join(["Check before training:", "", *shown]), icon=":material/warning:")


def _said(text: str, preview: bool) -> str:
    """The text to be drawn; in a preview, where the choice is still to be made, it says so."""
    return plain(text.replace(CHOSEN, BELOW) if preview else text)


def show_report(found: Contents, preview: bool = False) -> None:
    """Files, layout, names and pixels, then every file that was left out, with the reason. preview:
    nothing is imported yet.
    """
    report = found.report
    notes = [one for one in report.findings if one.level == "note"]
    if report.form:
        rows = [
            ("Stored as", report.form),
            ("Files and rows seen", number(report.seen)),
            ("Images", number(report.images)),
            ("Files left out", number(len(report.skipped))),
            ("Hidden files", number(len(report.hidden))),
            *([("Tables that name images", number(len(report.read)))] if report.read else []),
            *([("Without a label", number(report.unlabelled))] if report.unlabelled else []),
            ("Layout", f"{report.layout}: {report.why}"),
            *([("Columns", _columns(report))] if report.columns else []),
            ("Splits", _splits(found)),
            ("Range of pixels", report.levels),
            ("Polarity", report.polarity),
            ("Encoding of names", f"{report.encoding}{', guessed' if report.guessed else ''}"),
        ]
        texts = {what: [_said(found, preview)] for what, found in rows}
        # A table whose long lines are broken, on a phone too.
        st.table(pd.DataFrame.from_dict(texts, "index", columns=["Found"]), border="horizontal")
    for one in notes:
        note(_said(one.text, preview))
    if report.skipped:
        st.dataframe(skipped_table(report.skipped), hide_index=True)
        if len(report.skipped) > MOST_SKIPPED:
            note(f"The first {number(MOST_SKIPPED)} of {number(len(report.skipped))} files.")
    elif report.checked and not report.absent:
        st.success("Every image can be read.", icon=":material/check_circle:")
    if report.absent:
        table = skipped_table(report.absent).rename(columns={"Left out": "Named, but missing"})
        st.dataframe(table, hide_index=True)


def _columns(report: ImportReport) -> str:
    """Which columns were taken for what, and which for nothing."""
    taken = [f"{role} is '{column}'" for role, column in report.roles]
    used = {column for _, column in report.roles}
    others = [column for column in report.columns if column not in used]
    shown = f"{', '.join(others[:10])}{' …' if len(others) > 10 else ''}"
    return "; ".join([*taken, *([f"not used: {shown}"] if others else [])])


def _splits(found: Contents) -> str:
    """The images of each split as the tab *Splits* counts them, and where those held out come from."""
    official = dict(zip(SPLIT_NAMES, found.counts.sum(1), strict=True))
    shown: list[str] = []
    for split, size in found.splits.items():
        drawn = "" if split == "train" or official[split] else "held out of the training images"
        why = found.notes.get(split, "") if split == "test" and official[split] else drawn
        shown.append(f"{SPLIT_NAMES[split]} {number(size)}{f' ({why})' if why else ''}")
    return ", ".join(shown)


def skipped_table(skipped: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """The files that were left out, with the reason."""
    return pd.DataFrame(skipped[:MOST_SKIPPED], columns=["Left out", "Why"])


def plain(text: str) -> str:
    """A sentence as it is: names of files are no Markdown."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>#$~|" else sign for sign in text)
