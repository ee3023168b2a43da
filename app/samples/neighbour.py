"""An image that was chosen beside a drawing on the canvas: whether it is still the one of this name."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from engine.errors import CheckpointError

if TYPE_CHECKING:
    from engine.lab import Lab


def check_neighbour(lab: Lab, data: str, name: str, model: str | None) -> None:
    """Raise DataError if the gallery of `model` holds another image of this name: the data set was
    changed since, or another one has its name now. model: None where one came from elsewhere.
    """
    if not model:
        return
    with suppress(CheckpointError):  # the model was deleted: there is nothing left to compare with
        gallery = lab.galleries.get(model)
        image = gallery.image_of(data, name) if gallery is not None else None
        if image is not None:
            lab.samples.check_same(data, name, image, lab.model_meta(model)["style"])
