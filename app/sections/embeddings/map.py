"""The map of one space: colours, a card for a click, a gallery for a lasso, and a place for any
picture.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.scatter.component import scatter
from app.sections.embeddings.choose import faithful_words, pick_options, pick_space, the_map
from app.sections.embeddings.clusters import clusters
from app.sections.embeddings.colours import pick_layer, words_of
from app.sections.embeddings.mend import mend
from app.sections.embeddings.point import card, neighbours, vote_words
from app.sections.embeddings.selection import gallery, listener, lit, selected
from app.widgets import data_uri, note
from app.widgets.explain import explain
from app.widgets.fragments import fragment
from engine.services.samples import NEIGHBOURS
from engine.services.selections import as_now

if TYPE_CHECKING:
    from engine.embedding.projection import Projection
    from engine.embedding.space import Space
    from engine.lab import Lab


def draw(lab: Lab) -> None:
    """The view."""
    chosen = pick_space(lab)
    if chosen is None:
        return
    model, data, part, _ = chosen
    options = pick_options()
    found = the_map(lab, model, data, part, options, "map")
    if found is not None:
        _explore(lab, *found)
        clusters(lab, *found)
        _locate(lab, *found)


@fragment
def _explore(lab: Lab, space: Space, found: Projection) -> None:
    places = selected(space)
    near = space.near(int(places[0]), NEIGHBOURS) if len(places) == 1 else None
    left, right = st.columns([7, 4])
    with left:
        colours = pick_layer(lab, space, map_name=space.map_name(found.options))
        scatter(
            key="map-scatter",
            id=f"{space.key}/{space.map_name(found.options)}",
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
            height=620,
            extra=_located(space, found),
            on_pick=listener(space),
        )
        note(faithful_words(found))
        explain("embedding", "umap", "trustworthiness")
    with right, st.container(key="selection-panel"):
        if near is not None:
            card(space, int(places[0]), near, "neighbours")
        elif len(places):
            gallery(space, places, "gallery", partial(mend, lab))
        else:
            st.markdown(
                "**Explore the map**\n\n- Point at a dot to see its image\n- Click it for"
                " the image, large, and its nearest neighbours\n- Hold Shift and drag round dots, or use the"
                " lasso, to select many\n- Scroll to zoom, drag to move; close up, the dots become"
                " images\n- Click a name in the legend to hide or show it\n- By keyboard: arrows"
                " move the map, + and − zoom, Enter selects the image at the cross"
            )


def _locate(lab: Lab, space: Space, found: Projection) -> None:
    if not lab.may("change data"):  # only who may upload has somewhere to send a file to
        return
    with st.expander(
        "Place an image of your own on the map", icon=":material/add_photo_alternate:"
    ):
        upload = st.file_uploader(
            "An image file", type=["png", "jpg", "jpeg", "bmp", "gif", "webp"], key="picture"
        )
        if upload is None:
            if st.session_state.pop("located", None):
                st.rerun()
            return
        key = (upload.file_id, space.key, space.map_name(found.options))
        if st.session_state.get("located", {}).get("key") != key:
            embedding = lab.spaces.embedding_of(space, upload.getvalue())
            at = lab.spaces.locate(space, found, embedding)
            square = lab.predictor(space.model.removeprefix("untrained:")).prepare(
                upload.getvalue()
            )
            held = {
                "key": key,
                "at": at.tolist(),
                "image": data_uri(square),
                "near": space.near_to(embedding),
            }
            st.session_state["located"] = held
            st.rerun()
        near = st.session_state["located"]["near"]
        now = as_now(space, lab.labels.current(space.data))
        st.markdown(f"{vote_words(now, near)}:")
        neighbours(space, now, near, "located-neighbours")


def _located(space: Space, found: Projection) -> dict[str, Any] | None:
    held = st.session_state.get("located")
    if not held or held["key"][1:] != (space.key, space.map_name(found.options)):
        return None
    return {"at": held["at"], "image": held["image"], "text": "your image"}
