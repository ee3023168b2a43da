"""Which layer colours a map, from the page, and the words under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.charts.space import layer_palette
from app.scatter.component import Words
from app.widgets.pickers import pick_one

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.layers import Layer
    from engine.space import Space


def pick_layer(lab: Lab, space: Space, key: str = "colour") -> tuple[Layer, list[str]]:
    """The layer chosen on the page and the colours of its codes."""
    from engine.layers import layers

    there = layers(lab, space)
    name = pick_one("Colour by", {name: layer.title for name, layer in there.items()}, key, "colour")
    layer = there[name]
    return layer, layer_palette(layer.palette, layer.names)


def words_of(space: Space) -> Words:
    return Words(space.classes, space.model_classes, ("Given label", "Predicted class", "Confidence"))
