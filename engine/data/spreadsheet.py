"""Names of classes that a spreadsheet has made dates of: 1/2 became 01. Feb, 3-4 became 3-Apr."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.data.listing import Finding

MOST_SHOWN = 5
# As the spreadsheets of English, German, French, Spanish, Italian and Portuguese write them.
_MONTHS = (
    "jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec|january|february|march|april|june|july"
    "|august|september|october|november|december|mrz|mär|märz|mai|juni|juli|okt|dez|januar|februar"
    "|oktober|dezember|janv|févr|mars|avr|juin|juil|août|déc|ene|abr|ago|dic|gen|mag|giu|lug|set"
    "|ott|fev|out"
)
_DATE = re.compile(
    rf"\d{{1,2}}[.\-/ ] ?({_MONTHS})\.?([.\-/ ]\d{{2,4}})?"
    rf"|({_MONTHS})\.?[.\-/ ]\d{{1,4}}"
    r"|\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2})?)?"
    r"|\d{1,2}(?P<sign>[./])\d{1,2}(?P=sign)\d{4}",
    re.IGNORECASE,
)


def doubt_dates(classes: Sequence[str]) -> list[Finding]:
    """Say so where some classes look like dates, and others do not."""
    dates = [name for name in classes if _DATE.fullmatch(name.strip())]
    if not dates or len(dates) == len(classes):
        return []
    shown = ", ".join(f"'{name}'" for name in dates[:MOST_SHOWN])
    more = " …" if len(dates) > MOST_SHOWN else ""
    text = (
        f"{shown}{more} look{'s' if len(dates) == 1 else ''} like dates, which spreadsheets make of texts"
        " such as 1/2 or 3-4. What was there before can't be known: enter these labels again, in"
        " cells that are formatted as text."
    )
    return [Finding("warning", "classes", text)]
