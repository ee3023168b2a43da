"""What can be done next with a data set: train on it, or give it labels first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.widgets.common import note
from app.widgets.links import link
from engine.recipes.fields import DataSpec

if TYPE_CHECKING:
    from engine.lab import Lab


def next_step(lab: Lab, name: str) -> None:
    """A link to the next page; where nothing can be trained, one to give labels, or why."""
    why = lab.data.why_not_trained(DataSpec.named(name))
    if not why:
        link("train", "Train on this", data=name)
        return
    found = lab.data.contents(name)
    mended = not lab.data.why_not_trained(DataSpec.named(name, labels="mended"))
    if mended:
        link("train", "Train on the labels given here", data=name, labels="mended")
    if found.report.unlabelled:
        link("label", "Label", data=name)
    elif found.images and not mended:
        note("All images are of one class, and a model needs two: add images of another class.")
