"""Numbers as people read them: one way each, used by every chart, table and page."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from engine.durations import duration
from engine.markdown import literal as literal
from engine.metrics import wilson_interval
from engine.recognition.confusables import likely


def percent(share: float | None, digits: int = 2) -> str:
    """A fraction 0..1 as '99.20%'; a dash where there is none.

    >>> percent(0.992), percent(None)
    ('99.20%', '–')
    """
    return "–" if share is None or math.isnan(share) else f"{share * 100:.{digits}f}%"


def probability(value: float) -> str:
    """A probability 0..1 as the pad writes it: none is certain, and none impossible.

    >>> probability(0.99995), probability(0.42), probability(0.00001)
    ('>99%', '42%', '<0.1%')
    """
    return likely(value)


def similar(value: float) -> str:
    """A cosine similarity to two places: 1.00 is of embeddings that are the same, as no others are.

    >>> similar(0.9987), similar(1.0)
    ('0.99', '1.00')
    """
    return f"{math.floor(100 * value + 1e-4) / 100:.2f}"


def of_images(share: float | None, n: float | None, kind: str) -> str:
    """An accuracy with the number of images that it is of; without, where that is not known.

    >>> of_images(0.99437, 355, "test"), of_images(0.9, None, "test")
    ('99.44% of 355 test images', '90.00% of the test images')
    """
    if share is None:
        return percent(share)
    return f"{percent(share)} of {number(n) if n else 'the'} {kind} image{'' if n == 1 else 's'}"


def interval(share: float, n: float) -> str:
    """The 95% Wilson interval of an accuracy measured on n images.

    >>> interval(353 / 355, 355)
    '97.97% to 99.85%'
    """
    low, high = wilson_interval(round(share * n), int(n))
    return f"{percent(low)} to {percent(high)}"


def number(value: float | None, digits: int = 0) -> str:
    """A count or measure with thousands separated: '60,000'; a dash where there is none."""
    return "–" if value is None or math.isnan(value) else f"{value:,.{digits}f}"


def images_of(count: int) -> str:
    """How many images: '1 image', '60,000 images'."""
    return f"{count:,} image{'' if count == 1 else 's'}"


def page_of(pages: int) -> str:
    """The label of a field that takes the number of a page.

    >>> page_of(1200)
    'Page (of 1,200)'
    """
    return f"Page (of {pages:,})"


def seconds(value: float | None) -> str:
    """A duration in the two units that matter.

    >>> [seconds(v) for v in (0.4, 12, 125, 7260, 200000)]
    ['0.4 s', '12 s', '2 min 05 s', '2 h 01 min', '2 d 7 h']
    """
    return duration(value)


def size(bytes_: float | None) -> str:
    """A file's size in decimal units: '412 B', '31.9 kB', '4.2 MB'."""
    if bytes_ is None:
        return "–"
    for unit in ("B", "kB", "MB"):
        if bytes_ < 1000:
            return f"{bytes_:.0f} B" if unit == "B" else f"{bytes_:.1f} {unit}"
        bytes_ /= 1000
    return f"{bytes_:.1f} GB"


def parameters(count: int | None) -> str:
    """How many weights: '7,842', '103 k', '55.09 M'."""
    if count is None:
        return "–"
    if count < 10_000:
        return f"{count:,}"
    return f"{count / 1000:.0f} k" if count < 999_500 else f"{count / 1e6:.2f} M"


def moment(stamp: float | str | datetime | None) -> datetime | None:
    """A time stamp in any form that files hold (seconds since 1970, ISO text) as an aware datetime."""
    if stamp is None or isinstance(stamp, datetime):
        return stamp
    if isinstance(stamp, str):
        try:
            parsed = datetime.fromisoformat(stamp)
        except ValueError:
            return None
        return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return datetime.fromtimestamp(stamp, UTC)


def ago(stamp: float | str | datetime | None, now: datetime | None = None) -> str:
    """How long ago: 'just now', '5 min ago', 'yesterday', '12 days ago'."""
    then = moment(stamp)
    if then is None:
        return "–"
    passed = ((now or datetime.now(UTC)) - then).total_seconds()
    if passed < 45:
        return "just now"
    if passed < 3600:
        return f"{max(1, round(passed / 60))} min ago"
    if passed < 86_400:
        return f"{round(passed / 3600)} h ago"
    days = int(passed // 86_400)
    return "yesterday" if days == 1 else f"{days} days ago"
