"""Which data sets hold images without a label, and how to come by one, where none does; and what there
is for those who may not label.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import literal
from app.widgets import link
from engine.errors import DataError

if TYPE_CHECKING:
    from engine.lab import Lab

HOW_TO_GET_SOME = (
    "None of the data sets that were looked at has an image without one. To have some, add a folder, a zip"
    " or a table of images on *Data*, and tick *Treat all images as unlabelled* in the preview."
    " If some images are labelled already, put those into a folder for each class and the others into a folder"
    " `unlabelled` beside them; in a table, leave their label empty."
)
MOST_LOOKED_AT = 5  # data sets that are asked whether an image of theirs has no label


def first_without_labels(lab: Lab) -> str | None:
    """The data set that is offered before one is chosen: the newest of a person's own with images
    that have no label, if there is one.
    """
    if "data" in st.session_state or "data" in st.query_params:
        return None
    return next(_without_labels(lab), None)


def all_labelled(lab: Lab, data: str) -> None:
    """That nothing is to be labelled here, and where something is or how it comes to be."""
    others = list(_without_labels(lab))
    with st.container(border=True):
        st.markdown(f"Every image of `{data}` has a label.")
        if others:
            st.markdown("These came with images without one:")
            for name in others:
                link("label", literal(name), data=name)
        else:
            st.markdown(HOW_TO_GET_SOME)
            link("data", "Add a data set", add="yes")


def not_labelling(lab: Lab) -> None:
    """Whose the labels of this lab are, and what somebody can do who may not change them."""
    of_class = lab.settings.mode == "class"
    who = "your teacher" if of_class else "the owner of this lab"
    others = "the whole class" if of_class else "everybody"
    with st.container(border=True, key="not-labelling"):
        st.markdown(
            f":material/lock: On this page {who} gives labels to images that have none. A label counts for"
            f" {others}, so nobody else changes one: not here, nor on *Sample* and *Label noise*."
        )
        st.markdown(
            "**What you can do instead:** draw characters and save each under its right label (*Draw*, tab"
            " *Collect*): labelled images of your own. Or look at the images that there are and at what a"
            " model makes of them; where you find a wrong label, tell"
            f" {who} the name of the image, which stands on its page *Sample*."
        )
        link("draw", "Draw and label characters of your own")
        link("embeddings", "Look at images on a map")


def _without_labels(lab: Lab) -> Iterator[str]:
    """The newest of a person's own data sets that hold images without a label. Those that come with
    the lab hold none.
    """
    own = [data.name for data in lab.datasets() if data.uploaded]
    for name in own[:MOST_LOOKED_AT]:
        with suppress(DataError):
            if lab.data.contents(name).report.unlabelled:
                yield name
