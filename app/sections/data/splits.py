"""The splits of a data set on a page: how many images each has, and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from app.charts.data import SPLIT_NAMES
from app.widgets import note, number, percent

if TYPE_CHECKING:
    from engine.services.datasets import Contents


def show_splits(found: Contents) -> None:
    """A row a split."""
    if not found.splits:
        note("No image has a label yet: splits are made of those that have one.")
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
    note(
        "The default split. In a recipe, `data.validation` and `data.test` set the shares and"
        " `data.seed` the random draw. Splits are stratified: each class gives the same share, to"
        " within one image."
    )


def _origin(split: str, official: dict[str, Any], found: Contents) -> str:
    if split == "train":
        return "the remaining training images"
    if official[split]:
        return found.notes.get(split, "the data set's own")
    return "held out of the training images, stratified"
