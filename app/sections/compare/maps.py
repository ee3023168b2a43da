"""Before and after on the map: the same images on the maps of two models, which lie on shared axes, and
points that travel from one to the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from app.charts.space import layer_marks
from app.charts.words import number
from app.samples.thumbs import thumbs
from app.scatter.component import Selection, scatter
from app.widgets.allowed import allowed
from app.widgets.common import note
from app.widgets.doing import do_button
from app.widgets.fragments import fragment
from app.widgets.tasks import task_box
from engine.errors import GlyphlabError

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.services.aligned_maps import AlignedMaps

KIND = "align-maps"
PICKED = "travel-picked"
SHOWN = 60  # images
PARTS = {"test": "Test images", "train": "Training and validation images", "all": "All images"}


def maps(
    lab: Lab, models: tuple[str, str], data: str, split: str, names: Mapping[str, str]
) -> None:
    """The maps of the first and the last model, or the way to them. Not to be drawn in a fragment."""
    from engine.embedding.projection import Options
    from engine.services.aligned_maps import aligned_maps

    st.subheader("Before and after on the map", anchor=False)
    parts = ["test", "train"] if split == "test" else ["all"]
    part = st.segmented_control(
        "Images of the maps",
        parts,
        default=parts[0],
        required=True,
        key="travel-part",
        format_func=PARTS.__getitem__,
        label_visibility="collapsed",
    )
    options = Options()
    try:
        found = aligned_maps(lab.spaces, models, data, part, options, compute=False)
    except GlyphlabError as error:
        note(str(error))
        return
    if found is not None:
        _travel(lab, found, names)
        return
    arguments = {"models": list(models), "data": data, "part": part, **asdict(options)}
    same = [task for task in lab.tasks(KIND) if task.arguments == arguments]
    task = task_box(lab, same[0].id, "travel-task") if same else None
    if (task is None or task.state in ("failed", "stopped")) and allowed(lab, "compute"):
        do_button(
            "Make the two maps",
            _start,
            (lab, arguments),
            key="travel-start",
            icon=":material/animation:",
        )
        note("Both are laid out on the same axes, in the background, once.")


def _start(lab: Lab, arguments: dict[str, Any]) -> None:
    try:
        lab.start_task(KIND, **arguments)
    except GlyphlabError as error:
        st.toast(str(error), icon=":material/error:")


@fragment
def _travel(lab: Lab, found: AlignedMaps, names: Mapping[str, str]) -> None:
    layers = found.layers(lab.labels)
    name = st.segmented_control(
        "Colour by",
        list(layers),
        default="change",
        required=True,
        key="travel-colour",
        format_func=lambda name: layers[name].title,
    )
    layer = layers[name]
    picked = [at for at in st.session_state.get(PICKED, []) if at < len(found)]
    first, last = (names.get(space.model, space.model) for space in (found.first, found.last))
    scatter(
        key="travel-scatter",
        id=f"travel/{found.first.key}/{found.last.key}",
        count=len(found),
        dims=found.coordinates.shape[2],
        image=f"space/image/{found.last.key}" if found.whole else "",
        layer=layer,
        marks=layer_marks(layer.palette, layer.names),
        selection=Selection(repr(picked), picked, []),
        pixelated=found.last.images.style != "photo",
        frames={
            "titles": [f"Before: {first}", f"After: {last}"],
            "coordinates": found.coordinates,
            "travels": True,
        },
        height=560,
        on_pick=_keep,
    )
    note(
        f"The same {number(len(found))} images. The map after is laid out first; the one before begins"
        " where those points lie, settles, and is turned to fit them (Procrustes). Half of the points"
        f" move by {np.median(found.moved):.2g} or more; laid out again, half of those of the map after"
        f" move by {found.noise:.2g}: shorter lines are the layout, not the model. A line joins where a"
        " changed image was and where it is."
    )
    if picked:
        _picked(found, picked)


def _keep(picked: dict[str, Any]) -> None:
    st.session_state[PICKED] = picked.get("at", [])


def _picked(found: AlignedMaps, picked: list[int]) -> None:
    """The images that were picked on the map, each with what the two models predict."""
    first, last = found.predicted()
    every, shown = found.names, picked[:SHOWN]
    thumbs(
        found.last.data,
        [every[at] for at in shown],
        [f"space/image/{found.last.key}/{int(found.at_last[at])}" for at in shown],
        [f"{first[at]} → {last[at]}" for at in shown],
        columns=12,
        key="travel-images",
        pixelated=found.last.images.style != "photo",
    )
    more = f" The first {SHOWN} of {number(len(picked))}." if len(picked) > SHOWN else ""
    note(f"Below each image: the first model's prediction → the last model's.{more}")
