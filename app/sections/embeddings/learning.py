"""Watch it learn: one run's embedding of the same images at its epochs, on the same axes, with a
slider.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import streamlit as st

from app.charts.space import layer_marks
from app.scatter.component import scatter
from app.sections.embeddings.choose import at_work
from app.widgets import allowed, empty, note, number, pick_run
from app.widgets.fragments import fragment
from engine.errors import DataError, sentence

if TYPE_CHECKING:
    from engine.embedding.kept import Learning
    from engine.lab import Lab

FOLLOWED = "learning-model"  # the model of the other views, when this one was drawn last


def draw(lab: Lab) -> None:
    """The view."""
    from engine.embedding.projection import Options

    _follow_model(lab)
    run = pick_run(lab, "run")
    if run is None:
        return
    if len(lab.spaces.epochs(run)) < 2:
        if lab.run(run).alive:
            empty(
                "This run has not kept two epochs of its embedding yet: they are kept as it trains."
            )
        else:
            empty(
                "This run has kept fewer than two epochs of its embedding. Choose another one, or train"
                " a model for longer.",
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
                f"{_kept(lab.spaces.epochs(run))}. Laying them out takes up to a minute, once."
            )
            if allowed(lab, "compute") and st.button(
                "Make the maps",
                type="primary",
                icon=":material/animation:",
                key="learning-start",
            ):
                lab.start_task("unfold", run=run, **asdict(options))
                st.rerun()


def _follow_model(lab: Lab) -> None:
    """Watch the run whose model was chosen in another view, until another run is chosen here."""
    model, before = st.query_params.get("model"), st.session_state.get(FOLLOWED)
    st.session_state[FOLLOWED] = model
    is_new = "run" not in st.query_params or (before is not None and model != before)
    if is_new and model in {run.id for run in lab.runs()}:
        st.query_params["run"] = model


def _kept(epochs: Sequence[int]) -> str:
    """How many embeddings a run has kept; epoch 0 is before its training."""
    trained = sum(epoch > 0 for epoch in epochs)
    words = f"The embeddings of {number(trained)} epoch{'s' * (trained > 1)} of this run were kept"
    return f"{words}, and that of the network before it" if 0 in epochs else words


@fragment
def _watch(lab: Lab, found: Learning) -> None:
    from engine.services.layer import named

    try:
        images, _ = lab.spaces.run_images(found.run)
        classes, image, smooth = images.classes, f"space/run/{found.run}", images.style == "photo"
    except DataError as error:
        classes, image, smooth = tuple(lab.model_meta(found.run)["classes"]), "", False
        note(f"{sentence(error)}: its images are not shown.")
    mended = lab.run(found.run).recipe().data.labels == "mended"
    title = "Label in this run's training" if mended else "Given label"
    layer = named(title, found.labels, classes)
    scatter(
        key="learning-scatter",
        id=f"learning/{found.run}/{len(found.epochs)}",
        count=len(found.labels),
        dims=found.coordinates.shape[2],
        image=image,
        layer=layer,
        marks=layer_marks(layer.palette, layer.names),
        pixelated=not smooth,
        frames={
            "titles": [f"Epoch {epoch}" for epoch in found.epochs],
            "coordinates": found.coordinates,
        },
        height=600,
        on_pick=lambda picked: None,
    )
    note(
        f"The same {number(len(found.labels))} images, held out where the run has validation images, at every epoch"
        " kept; epoch 0 is the network before this training. The last epoch is laid out"
        " first and the others begin from the one after it, turned to fit: what moves is the embedding, not the map."
    )
