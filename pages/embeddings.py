"""The embedding explorer: a map of a data set through a model, two of them, a run that learns, and
the figures.
"""

from __future__ import annotations

from app.sections.embeddings import figures, learning, map, pair
from app.sections.embeddings.choose import pick_segment
from app.widgets import damaged_box, page

VIEWS = {
    "map": ("Map", map),
    "pair": ("Two spaces", pair),
    "learning": ("Watch it learn", learning),
    "figures": ("Figures", figures),
}

with page(
    "Embeddings",
    "Explore a model's embedding: images that the model finds similar lie close together.",
) as lab:
    VIEWS[
        pick_segment(
            "View", {name: title for name, (title, _) in VIEWS.items()}, "view", show_label=False
        )
    ][1].draw(lab)
    damaged_box(lab.spaces.damaged(), lab.spaces.delete if lab.may("tidy") else None)
