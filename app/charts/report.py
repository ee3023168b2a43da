"""A comparison as one file that needs no lab to be read: sentences, tables and live plots in HTML;
tables as CSV.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from engine.files.sheets import table_text

_STYLE = """body {font: 15px/1.5 Inter, -apple-system, 'Segoe UI', Roboto, Arial, sans-serif; color: #1f2733;
max-width: 1100px; margin: 2rem auto; padding: 0 1rem}
table {border-collapse: collapse; font-size: 13px; display: block; overflow-x: auto}
th, td {border-bottom: 1px solid #dde2e9; padding: 4px 10px; text-align: left; white-space: nowrap}
h1 {font-size: 1.6rem} h2 {font-size: 1.2rem; margin-top: 2rem}"""


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV, with a column for every key that any row has; empty where a row lacks it."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    return table_text(columns, ([row.get(key) for key in columns] for row in rows))


def as_html(
    title: str,
    sentences: Sequence[str],
    tables: Mapping[str, Sequence[Mapping[str, Any]]],
    figures: Sequence[go.Figure],
) -> str:
    """One page of HTML with everything in it; plotly itself is written into it once, so it opens
    without a network.
    """
    head = (
        "<!doctype html><html lang='en'><meta"
        f" charset='utf-8'><title>{escape(title)}</title><style>{_STYLE}</style>"
    )
    parts = [head, f"<h1>{escape(title)}</h1>"]
    parts += [f"<p>{_bold(sentence)}</p>" for sentence in sentences]
    for name, rows in tables.items():
        parts.append(f"<h2>{escape(name)}</h2>{_table(rows)}")
    for number, chart in enumerate(figures):
        parts.append(
            chart.to_html(full_html=False, include_plotlyjs=number == 0, default_width="100%")
        )
    return "\n".join([*parts, "</html>"])


def _bold(text: str) -> str:
    return re.sub(r"\*(.+?)\*", r"<i>\1</i>", re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escape(text)))


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    head = "".join(f"<th>{escape(column.replace('_', ' '))}</th>" for column in columns)
    body = "".join(
        "<tr>"
        + "".join(f"<td>{escape(_cell(row.get(column)))}</td>" for column in columns)
        + "</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
