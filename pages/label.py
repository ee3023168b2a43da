"""Label: images without a label, ten at a time, by keyboard, with a model that learns as you go."""

from app.sections.label import label
from app.widgets import page

with page(
    "Label",
    "Give labels to images that have none: the lab proposes the next ones and learns as you go.",
) as lab:
    label(lab)
