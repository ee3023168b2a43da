"""Which layer colours a map, from the page, and the words under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.charts.space import layer_palette
from app.scatter.component import Words

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.layers import Layer
    from engine.space import Space


def pick_layer(lab: Lab, space: Space, key: str = "colour") -> tuple[Layer, list[str]]:
    """The layer chosen on the page and the colours of its codes."""
    from engine.layers import layers

    there = layers(lab, space)
    name = st.selectbox("Colour by", list(there), format_func=lambda name: there[name].title, key=key, bind="query-params")
    layer = there[name]
    return layer, layer_palette(layer.palette, layer.names)


def words_of(space: Space) -> Words:
    return Words(space.classes, space.model_classes, ("Given label", "Predicted class", "Confidence"))
