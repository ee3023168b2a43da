"""The answers to pictures from files, as HTML: what one character is, and what a line of writing is."""

from __future__ import annotations

import html
from typing import Any

from engine.errors import GlyphlabError, sentence
from engine.recognition.confusables import likely

NO_LINE = '<p class="gl-quiet">What was read appears here.</p>'
NO_PICTURE = '<p class="gl-quiet">Choose a picture, and what it is read as appears here.</p>'


def unread(error: GlyphlabError) -> str:
    """What stands in the place of the last answer when a picture can't be read."""
    return f'<div class="gl-said"><p class="gl-text" role="alert">{html.escape(sentence(error))}</p></div>'


def answer_of(said: dict[str, Any]) -> str:
    """What is said about a picture of one character (`app.canvas_tabs.said`), like beside the pad."""
    words = f'<p class="gl-text">{html.escape(said["headline"])}</p>'
    if said["note"]:
        words += f'<p class="gl-quiet">{html.escape(said["note"])}</p>'
    if not said["rows"]:
        return f'<div aria-live="polite">{words}</div>'
    seen = (
        f'<figure><img class="gl-ink" src="{said["seen"]}" alt="The image that the model sees">'
        "<figcaption>what the model sees</figcaption></figure>"
    )
    rows = "".join(_bar(row, said["kind"] == "unlike") for row in said["rows"])
    return (
        f'<div aria-live="polite"><div class="gl-said">{seen}<div>{words}</div></div>'
        f'<ol class="gl-shares">{rows}</ol>{_left_out(said)}</div>'
    )


def _bar(row: dict[str, Any], doubted: bool) -> str:
    """A group of look-alikes. doubted: what is drawn is like none of the classes, and then a share of
    them is no probability of being right.
    """
    names = " ".join(html.escape(one["label"]) for one in row["members"])
    share = "" if doubted else html.escape(row.get("text") or likely(row["share"]))
    return (
        f'<li><b>{names}</b><span class="gl-share"><i style="width:{100 * row["share"]:.1f}%"></i></span>'
        f"<span>{share}</span></li>"
    )


def _left_out(said: dict[str, Any]) -> str:
    shown, of = len(said["rows"]), said["of"]
    if shown >= of:
        return ""
    words = f"The {shown} most likely of {of}; characters that look alike are counted as one."
    return f'<p class="gl-quiet">{words}</p>'


def line_table(read: dict[str, Any]) -> str:
    """The text of a line and its characters, each with its probability and what else it may be."""
    if not read["characters"]:
        return '<p class="gl-quiet">Nothing is written there.</p>'
    cells = "".join(_cell(one) for one in read["characters"])
    return (
        f'<p class="gl-text">{html.escape(read["text"]).replace(chr(10), "<br>")}</p><div'
        f' class="gl-line">{cells}</div>'
    )


def _cell(one: dict[str, Any]) -> str:
    others = f" · {' '.join(one['alternatives'])}" if one["alternatives"] else ""
    return (
        f'<figure{" class=gl-gap" if one["after_space"] else ""}><img class="gl-ink"'
        f' src="{one["image"]}" alt="">'
        f"<b>{html.escape(one['label'])}</b><figcaption>{likely(one['confidence'])}{html.escape(others)}</figcaption></figure>"
    )
