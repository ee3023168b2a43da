"""Shares in words: apart from the rest, so that a page can use it without loading torch."""

from __future__ import annotations


def share(value: float) -> str:
    """A share 0..1 in percent, with as many digits as it takes to tell it from 0 and from 100%."""
    percent = 100 * value
    if percent in (0, 100):
        return f"{percent:.0f}%"
    edge = min(percent, 100 - percent)
    digits = 0 if edge >= 10 else 1 if edge >= 1 else 2 if edge >= 0.01 else 3
    return f"{percent:.{digits}f}%"
