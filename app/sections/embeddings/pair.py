"""Two spaces side by side: the same images through two models; what is picked in one lights up in
the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from app.scatter.component import scatter
from app.sections.embeddings.choose import faithful_words, pick_options, pick_space, the_map
from app.sections.embeddings.colours import pick_layer, words_of
from app.sections.embeddings.point import card
from app.sections.embeddings.selection import gallery, listener, lit, selected
from app.widgets import note
from app.widgets.fragments import fragment
from engine.services.samples import NEIGHBOURS

if TYPE_CHECKING:
    from engine.embedding.projection import Projection
    from engine.embedding.space import Space
    from engine.lab import Lab

OF_MODEL = ("Predicted class", "Error", "Confidence", "Run against run")  # layers of one model


def draw(lab: Lab) -> None:
    """The view."""
    chosen = pick_space(lab, second=True)
    if chosen is None:
        return
    model, data, part, other = chosen
    if other is None or model == other:
        note("Choose two different models, such as one that was pretrained and one that was not.")
        return
    options = pick_options()
    first = the_map(lab, model, data, part, options, "first")
    second = the_map(lab, other, data, part, options, "second")
    if first is None or second is None:
        return
    if not np.array_equal(first[0].index, second[0].index):
        # The same data set can be split in two ways, if both models were trained on it.
        note(
            "These images are split in two ways for the two models: choose all images to compare them."
        )
        return
    _explore(lab, first, second)


@fragment
def _explore(lab: Lab, first: tuple[Space, Projection], second: tuple[Space, Projection]) -> None:
    from engine.embedding.axes import rotation

    places = selected(first[0])
    turn = rotation(second[1].coordinates, first[1].coordinates)
    colours = pick_layer(lab, first[0])
    sides = ((first, "left", None), (second, "right", turn))
    columns = st.columns(2)
    for column, ((space, found), side, turned) in zip(columns, sides, strict=True):
        near = space.near(int(places[0]), NEIGHBOURS) if len(places) == 1 else None
        with column:
            st.markdown(f"**{space.model}**")
            scatter(
                key=f"pair-{side}",
                id=f"{space.key}/{space.map_name(found.options)}/{side}",
                count=len(space),
                dims=found.options.dims,
                points=f"space/points/{space.key}/{space.map_name(found.options)}",
                image=f"space/image/{space.key}",
                layer=colours.layer,
                marks=colours.marks,
                codes=colours.address,
                words=words_of(lab, space),
                selection=lit(space, places, near),
                pixelated=space.images.style != "photo",
                height=500,
                group="pair",
                turn=turned,
                on_pick=listener(first[0]),
            )
            note(faithful_words(found))
            if near is not None:
                card(space, int(places[0]), near, f"neighbours-{side}")
    if colours.layer.title.startswith(OF_MODEL):
        note(f"Both maps are coloured by what the first model, {first[0].model}, predicts.")
    if len(places) > 1:
        gallery(first[0], places, "gallery")
