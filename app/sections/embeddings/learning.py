"""Watch it learn: one run's embedding of the same images at its epochs, on the same axes, with a
slider.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import streamlit as st

from app.charts.space import layer_marks
from app.scatter.component import scatter
from app.sections.embeddings.choose import at_work
from app.widgets import allowed, empty, note, number, pick_run
from app.widgets.fragments import fragment

if TYPE_CHECKING:
    from engine.embedding.kept import Learning
    from engine.lab import Lab


def draw(lab: Lab) -> None:
    """The view."""
    from engine.embedding.projection import Options

    run = pick_run(lab, "run")
    if run is None:
        return
    if len(lab.spaces.epochs(run)) < 2:
        empty(
            "This run has not kept two epochs of its embedding yet. Runs keep them as they train.",
            "train",
            "Train a model",
        )
        return
    options = Options()
    found = lab.spaces.learning(run, options, compute=False)
    if found is not None:
        _watch(lab, found)
    elif not at_work(lab, "unfold", {"run": run, **asdict(options)}, "learning"):
        with st.container(border=True):
            st.markdown(
                f"{number(len(lab.spaces.epochs(run)))} epochs of this run were kept. Laying them"
                " out takes up to a minute, once."
            )
            if allowed(lab, "compute") and st.button(
                "Make the maps",
                type="primary",
                icon=":material/animation:",
                key="learning-start",
            ):
                lab.start_task("unfold", run=run, **asdict(options))
                st.rerun()


@fragment
def _watch(lab: Lab, found: Learning) -> None:
    from engine.services.layer import named

    images, _ = lab.spaces.run_images(found.run)
    layer = named("Given label", found.labels, images.classes)
    scatter(
        key="learning-scatter",
        id=f"learning/{found.run}/{len(found.epochs)}",
        count=len(found.labels),
        dims=found.coordinates.shape[2],
        image=f"space/run/{found.run}",
        layer=layer,
        marks=layer_marks(layer.palette, layer.names),
        pixelated=images.style != "photo",
        frames={
            "titles": [f"Epoch {epoch}" for epoch in found.epochs],
            "coordinates": found.coordinates,
        },
        height=600,
        on_pick=lambda picked: None,
    )
    note(
        f"The same {number(len(found.labels))} held-out images at every epoch kept; epoch 0 is the"
        " untrained network. The last epoch is laid out first and the others begin from the one"
        " after it, turned to fit: what moves is the embedding, not the map."
    )
