"""Which layer colours a map, from the page, and the words under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from app.charts.space import layer_marks
from app.palette import Marks
from app.scatter.component import Mended, Words
from app.widgets.pickers import pick_one

if TYPE_CHECKING:
    from engine.embedding.space import Space
    from engine.lab import Lab
    from engine.services.layer import Layer
    from engine.services.selections import Now


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
        layer_marks(layer.palette, layer.names, layer.middles),
        f"space/layer/{space.key}/{name}?{short_digest(layer.codes)}",
    )


def words_of(lab: Lab, space: Space) -> Words:
    """What the tip says of a space's images, whose labels are those of now."""
    from engine.services.selections import as_now

    return Words(
        space.classes,
        space.model_classes,
        ("Given label", "Label now", "Predicted class", "Confidence"),
        mended_words(as_now(space, lab.labels.current(space.data))),
    )


def mended_words(now: Now) -> Mended:
    """'labelled 7, was 1' of each image whose label is not the given one, 'excluded, was 1'."""
    at = np.flatnonzero(now.changed | now.excluded)
    pairs = np.stack([np.where(now.excluded, -2, now.labels)[at], now.given[at]], axis=1)
    kinds, codes = np.unique(pairs, axis=0, return_inverse=True)
    words = []
    for label, given in kinds.tolist():
        said = "excluded" if label == -2 else f"labelled {now.classes[label]}"
        was = f"was {now.classes[given]}" if given >= 0 else "had no label"
        words.append((f"{said}, {was}", None if label < 0 else now.classes[label]))
    return Mended(at.tolist(), codes.ravel().tolist(), words)
