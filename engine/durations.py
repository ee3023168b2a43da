"""Durations as people read them: one way for pages, sentences and the terminal."""

from __future__ import annotations

import math

LEAST = 0.05  # seconds; what is shorter would read as none at all


def duration(seconds: float | None) -> str:
    """A duration in the two units that matter; a dash where there is none. Nothing takes 0 seconds.

    >>> [duration(s) for s in (0.02, 0.4, 12, 125, 7260, 200000)]
    ['under 0.1 s', '0.4 s', '12 s', '2 min 05 s', '2 h 01 min', '2 d 7 h']
    """
    if seconds is None or math.isnan(seconds):
        return "–"
    if 0 < seconds < LEAST:
        return "under 0.1 s"
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"
