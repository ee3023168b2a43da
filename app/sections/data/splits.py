"""The splits of a data set on a page: how many images each has, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from app.charts.data import SPLIT_NAMES
from app.sections.data.report import CHOSEN
from app.widgets import note, number, percent

if TYPE_CHECKING:
    from engine.services.datasets import Contents

SHARES = {"val": "validation", "test": "test"}  # of which split a field of a recipe's data is
CHOSEN_TEST = (
    "The share of the test split is set in the data set's import settings: in a recipe none can be set"
    " for it."
)

STRATIFIED = (
    "What is held out here is stratified: each class gives the same share, to within one image."
)


def show_splits(found: Contents) -> None:
    """A row a split."""
    if not found.splits:
        note("No image came with a label, and these splits are of given labels.")
        return
    total = int(found.counts.sum())
    official = dict(zip(SPLIT_NAMES, found.counts.sum(1), strict=True))
    rows = [
        {
            "Split": SPLIT_NAMES[split],
            "Images": number(count),
            "Share": percent(count / total),
            "Where it comes from": _origin(split, official, found),
        }
        for split, count in found.splits.items()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    drawn = any(not official[split] for split in found.splits)
    even = STRATIFIED if drawn or CHOSEN in found.notes.get("test", "") else ""
    note(f"The default split. {_shares(official, found.notes)} {even}".rstrip())


def _shares(official: Mapping[str, Any], notes: Mapping[str, str]) -> str:
    """What of the split a recipe may set: shares are drawn only of what the data set lacks, and of a
    test split that the import settings hold out none.
    """
    if official["test"] and CHOSEN in notes.get("test", ""):
        given = CHOSEN_TEST
    else:
        given = _given([SPLIT_NAMES[split].lower() for split in SHARES if official[split]])
    drawn = [f"`data.{field}`" for split, field in SHARES.items() if not official[split]]
    several = "s" if len(drawn) > 1 else ""
    words = (
        f"In a recipe, {' and '.join(drawn)} set{'' if several else 's'} the share{several} and"
        " `data.seed` the random draw."
        if drawn
        else ""
    )
    return f"{words} {given}".strip()


def _given(own: Sequence[str]) -> str:
    if not own:
        return ""
    if len(own) > 1:
        return (
            f"The {' and '.join(own)} splits come with the data set: no share can be set for them."
        )
    return f"The {own[0]} split comes with the data set: no share can be set for it."


def _origin(split: str, official: dict[str, Any], found: Contents) -> str:
    if split == "train" and found.splits["train"] == official["train"]:
        return "the training images"
    if split == "train":
        return "the remaining training images"
    if official[split]:
        return found.notes.get(split, "the data set's own")
    return "held out of the training images, stratified"
