"""Pictures of which nobody has said yet what they are: they are labelled in the lab."""

from __future__ import annotations

from collections.abc import Sequence

from engine.data.layout import Layout
from engine.data.listing import TRAIN, Finding

TEXT = "all images are read without a label, as chosen in the import settings: give them labels on the page Label."


def without_labels(names: Sequence[str]) -> Layout:
    """All pictures, each without a label, whatever folders they lie in."""
    count = len(names)
    return Layout(
        list(range(count)),
        list(names),
        [None] * count,
        [TRAIN] * count,
        [],
        "*",
        "they have no labels, as chosen in the import settings",
        (Finding("note", "classes", TEXT),),
    )
