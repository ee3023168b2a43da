"""How documents look in a terminal: columns, percentages, times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.errors import readable

# Which images an accuracy is of, and the metric that counts them.
KINDS = {"test_accuracy": ("test", "test_n"), "val_accuracy": ("validation", "val_n")}


def table(rows: Sequence[Sequence[Any]], head: Sequence[str] = ()) -> str:
    """Rows in columns, left-aligned; numbers right-aligned. `head` names the columns."""
    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        return ""
    widths = [
        max(len(row[column]) for row in [*cells, *([list(head)] if head else [])])
        for column in range(len(cells[0]))
    ]
    right = [
        all(isinstance(row[column], int | float) or row[column] is None for row in rows)
        for column in range(len(cells[0]))
    ]

    def line(row: Sequence[str]) -> str:
        return "  ".join(
            text.rjust(width) if last else text.ljust(width)
            for text, width, last in zip(row, widths, right, strict=True)
        ).rstrip()

    return "\n".join(
        [*([line([name.upper() for name in head])] if head else []), *(line(row) for row in cells)]
    )


def percent(share: float | None, digits: int = 2) -> str:
    return "–" if share is None else f"{100 * share:.{digits}f}%"


def points(share: float | None) -> str:
    """A difference of two shares in percentage points."""
    return "–" if share is None else f"{100 * share:.2f} points"


def on_images(metrics: Mapping[str, Any], key: str) -> str:
    """An accuracy of KINDS with its images and, of test images, its interval: '99.44% of 355 test
    images, 95% interval 97.97% to 99.85%'.
    """
    kind, number = KINDS[key]  # the key of how many images
    share, n = metrics[key], metrics.get(number)
    if not n:
        return percent(share)
    from engine.metrics import wilson_interval

    low, high = wilson_interval(round(share * n), n)
    words = f"{percent(share)} of {counted(n, f'{kind} image')}"
    return f"{words}, 95% interval {percent(low)} to {percent(high)}" if kind == "test" else words


def counted(count: int, what: str) -> str:
    """A count with its noun: '1 image', '1,200 images', '2 entries'."""
    plural = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return f"{count:,} {what if count == 1 else plural}"


def megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e6 else f"{size_bytes / 1e3:.0f} kB"


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return readable(" ".join(str(value).split("\n")))
