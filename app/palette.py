"""The colours of series and classes, on pages and on the canvas alike."""

from __future__ import annotations

# Ordered so that neighbours differ in hue and lightness for colour-blind readers too (after Okabe
# and Ito, 2008).
COLOURS: tuple[str, ...] = (
    "#3b7dd8",
    "#e0792b",
    "#2a9d8f",
    "#c2458f",
    "#8a63d2",
    "#c99a1d",
    "#4aa8d8",
    "#a65a3a",
    "#6a994e",
    "#7c8795",
)
