"""How to cite the lab and its models, ready to be copied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import interval, of_images, percent
from engine.errors import GlyphlabError
from engine.models.card import measured_split
from engine.models.citation import of_model, software
from engine.models.metadata import sets_tested_on

if TYPE_CHECKING:
    from engine.files.documents import CheckpointMeta
    from engine.lab import Lab


def cite_button(meta: CheckpointMeta, name: str) -> None:
    """A button that opens the BibTeX of a model and of the lab."""
    box = st.popover("Cite", icon=":material/format_quote:", key=f"cite-{name}", on_change="rerun")
    if box.open:  # a closed one is not filled
        with box:
            figure = _figure(meta)
            st.caption(
                f"This model, with its {'accuracy, ' * bool(figure)}recipe, seed, data and versions:"
            )
            st.code(of_model(meta, name, figure), language="bibtex", wrap_lines=True)
            st.caption("The lab:")
            st.code(software(), language="bibtex", wrap_lines=True)


def citations(lab: Lab, runs: list[str]) -> str:
    """BibTeX of the lab and of the runs that kept a model."""
    found = [software()]
    for run in runs:
        try:
            meta = lab.model_meta(run)
        except GlyphlabError:
            continue
        found.append(of_model(meta, run, _figure(meta)))
    return "\n\n".join(found)


def _figure(meta: CheckpointMeta) -> str:
    """A model's accuracy with its images and interval, or that of others in its place where it learned from
    every image; '' where none was measured.
    """
    metrics = meta["metrics"]
    if held := meta.get("held_out"):
        return (
            f"Learned from every image: {held['models']} other models of its recipe, each with another"
            f" {held['n']:,} images held out, read {percent(held['accuracy'])} of those right (standard deviation"
            f" {percent(held['spread'])})"
        )
    split = measured_split(metrics)
    key = {"test": "test", "validation": "val"}.get(split)
    share, n = metrics.get(f"{key}_accuracy"), metrics.get(f"{key}_n")
    if share is None or not n:
        return ""
    of = sets_tested_on(metrics) if split == "test" else ""
    which = f" of {of}" if of else ""
    return f"{of_images(share, n, split)}{which}, 95% interval {interval(share, n)}"
