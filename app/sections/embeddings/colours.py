"""Which layer colours a map, from the page, and the words under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from app.charts.space import layer_marks
from app.palette import Marks
from app.scatter.component import Words
from app.widgets.pickers import pick_one

if TYPE_CHECKING:
    from engine.embedding.space import Space
    from engine.lab import Lab
    from engine.services.layer import Layer


class Colours(NamedTuple):
    """A layer, how its codes are drawn, and the address where the scatter fetches the codes."""

    layer: Layer
    marks: Marks
    address: str


def pick_layer(lab: Lab, space: Space, key: str = "colour", map_name: str = "") -> Colours:
    """The layer chosen on the page. map_name: of the map, whose clusters are a layer, too."""
    from engine.embedding.space import short_digest
    from engine.services.point_layers import layers

    there = {
        name: layer
        for name, layer in layers(lab.spaces, lab.noise, space).items()
        if layer.title != "Cluster" or name == f"clusters-{map_name}"
    }
    name = pick_one(
        "Colour by", {name: layer.title for name, layer in there.items()}, key, "colour"
    )
    layer = there[name]
    return Colours(
        layer,
        layer_marks(layer.palette, layer.names),
        f"space/layer/{space.key}/{name}?{short_digest(layer.codes)}",
    )


def words_of(space: Space) -> Words:
    return Words(
        space.classes, space.model_classes, ("Given label", "Predicted class", "Confidence")
    )
