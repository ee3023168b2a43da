"""What the views of the explorer share: a model, data and a map's options from the page, and the
map itself or the way to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.widgets import allowed, link, note, number, pick_dataset, pick_model, task_box
from app.widgets.pickers import pick_one
from engine.errors import GlyphlabError
from engine.runs.run_info import ALIVE

if TYPE_CHECKING:
    from engine.embedding.kept import SpaceInfo
    from engine.embedding.projection import Options, Projection
    from engine.embedding.space import Space
    from engine.lab import Lab

MOST_LOOKED_AT = 3  # spaces that are asked whether they have a map
PARTS = {
    "train": "training and validation images",
    "test": "test images",
    "val": "validation images",
    "all": "all images",
    "unlabelled": "images without a label",
}


def pick_space(lab: Lab, second: bool = False) -> tuple[str, str, str, str | None] | None:
    """Model, data set, part and, if `second`, another model, from the page's head; None, with an
    empty state, where there are none.
    """
    _suggest(lab)
    columns = st.columns([3, 3, 2, 3] if second else [5, 3, 3])
    with columns[0]:
        model = pick_model(lab, "model", said=False)  # the map has to fit beneath
    other = None
    if second:
        with columns[1]:
            other = pick_model(lab, "other", "Other model", said=False)
    if model is None:
        return None
    with columns[-2]:
        data = _data(lab, model)
    with columns[-1]:
        part = pick_one("Images", PARTS, "part", "part")
    return None if data is None or (second and other is None) else (model, data, part, other)


def _suggest(lab: Lab) -> None:
    """Whoever can have no map made first sees one that there is. Images without labels are first seen
    through the model that is made for characters of any script: no other was trained on their classes
    either.
    """
    data = st.query_params.get("data")
    if "model" in st.session_state or "model" in st.query_params:
        return
    if not lab.may("compute") and (made := _made(lab, data)):
        st.session_state["model"], st.session_state["data"] = made.model, made.data
        st.session_state.setdefault("part", made.part)
        return
    if not data:
        return
    with suppress(GlyphlabError):  # whoever loads the data set says what is wrong with it
        if lab.models() and lab.data.contents(data).report.unlabelled:
            st.session_state["model"] = lab.taught.embedder(lab.models()[0].name)
            st.session_state.setdefault("part", "unlabelled")


def _made(lab: Lab, data: str | None = None) -> SpaceInfo | None:
    """The newest space (of this data set) with a map as it is made unless set otherwise; None if none of
    the newest few has one.
    """
    from engine.embedding.projection import Options

    models = {model.name for model in lab.models()}
    known = [info for info in lab.spaces.list() if info.model in models]
    for info in [info for info in known if data in (None, info.data)][:MOST_LOOKED_AT]:
        with suppress(GlyphlabError):  # its data set or model is damaged or gone
            space = lab.spaces.find(info.model, info.data, info.part)
            if space is not None and space.find_map(Options()) is not None:
                return info
    return None


def _instead(lab: Lab) -> None:
    """What there is to see for whoever can have no map made."""
    st.markdown(
        "*Draw* has a map of its own: the training images of the model that reads your drawing, and the"
        " drawing among them."
    )
    with st.container(horizontal=True):
        link("draw", "Draw a character")
        if made := _made(lab):
            address = {"model": made.model, "data": made.data, "part": made.part}
            link("embeddings", f"Open a map of {made.data}", **address)


def _data(lab: Lab, model: str) -> str | None:
    if "data" not in st.session_state and "data" not in st.query_params:
        own = lab.model_meta(model)["recipe"]["data"]["name"]
        if own in [data.name for data in lab.datasets()]:
            st.session_state["data"] = own  # a model is first looked at on what it was trained on
    return pick_dataset(lab, "data")


def pick_segment(
    label: str, labels: Mapping[str, str], key: str, *, show_label: bool = True
) -> str:
    """One of a few names, side by side; the choice stands in the address under `key`, and the first
    is the default.
    """
    first = next(iter(labels))
    wanted = st.query_params.get(key)
    if wanted in labels:
        st.session_state[key] = wanted
    elif st.session_state.get(key) not in labels:
        st.session_state[key] = first

    def remember() -> None:
        st.query_params[key] = st.session_state[key] or first

    shown = "visible" if show_label else "collapsed"
    return (
        st.segmented_control(
            label,
            list(labels),
            format_func=labels.__getitem__,
            key=key,
            on_change=remember,
            label_visibility=shown,
        )
        or first
    )


def pick_options() -> Options:
    """How to make the map, from a popover."""
    from engine.embedding.projection import DISTANCES, MAP_METHODS, Options

    with st.popover("Map settings", icon=":material/tune:"):
        method = pick_one(
            "Projection",
            {name: MAP_METHODS[name].about for name in MAP_METHODS},
            "method",
            "projection",
        )
        dims = (
            2 if method == "tsne" else int(pick_segment("Dimensions", {"2": "2", "3": "3"}, "dims"))
        )
        if method == "pca":
            return Options(method, dims)
        default = MAP_METHODS[method].neighbours
        neighbours = st.slider(
            "Neighbours",
            6,
            200,
            default,
            key=f"neighbours-{method}",
            help="Few show fine detail, many the overall structure. t-SNE's perplexity is a third of it.",
        )
        min_dist = 0.1
        if "min_dist" in MAP_METHODS[method].matters:
            min_dist = st.slider(
                "Smallest distance",
                0.0,
                0.99,
                0.1,
                key="min_dist",
                help="How tightly points may be packed.",
            )
        metric = st.selectbox(
            "Distance",
            list(DISTANCES),
            format_func=lambda name: f"{name}: {DISTANCES[name]}",
            key="metric",
        )
        seed = st.number_input("Random seed", 0, 2**31 - 1, 0, key="seed")
        return Options(method, dims, neighbours, min_dist, metric, None, int(seed))


def the_map(
    lab: Lab, model: str, data: str, part: str, options: Options, key: str
) -> tuple[Space, Projection] | None:
    """The space and its map, if they are there; otherwise the button, or the progress of the work,
    and None.
    """
    from dataclasses import asdict

    space = lab.spaces.find(model, data, part)
    found = space.find_map(options) if space else None
    if space is not None and found is not None:
        return space, found
    arguments = {"model": model, "data": data, "part": part, **asdict(options)}
    if at_work(lab, "project", arguments, key):
        return None
    what = "no map with these settings" if space else "not been embedded"
    with st.container(border=True):
        st.markdown(
            f"**{PARTS[part].capitalize()} of `{data}`** through `{model}` have {what} yet."
        )
        if not allowed(lab, "compute"):
            _instead(lab)
            return None
        if st.button(
            "Make the map", type="primary", icon=":material/scatter_plot:", key=f"{key}-start"
        ):
            lab.start_task("project", **arguments)
            st.rerun()
        note("The map is computed in the background and saved: next time it opens at once.")
    return None


def at_work(lab: Lab, kind: str, arguments: dict[str, Any], key: str) -> bool:
    """Whether the task is being done; its progress is drawn, and how its last try failed."""
    same = [task for task in lab.tasks(kind) if task.arguments == arguments]
    if same and same[0].state in ALIVE:
        task_box(lab, same[0].id, f"{key}-task")
        return True
    if same and same[0].state == "failed":
        st.error(f"The last attempt failed: {same[0].error}", icon=":material/error:")
    return False


# Measured, neighbours kept and trustworthiness of UMAP's maps by four of the models that come with the
# lab: of the 1,797 digits 50 to 56% and 0.989 to 0.991, of the 2,480 characters 60 to 65% and 0.993 to
# 0.998. Of MNIST's 60,000 training images 16% and 0.990 (bench/records.csv, `space`).
USUAL = (
    " A map can't hold all neighbours of the space, and of more images a smaller share: UMAP's maps of 2,000"
    " images usually keep half to two thirds of them, one of 60,000 kept 16%, each with a trustworthiness of"
    " 0.99."
)


def faithful_words(found: Projection) -> str:
    """How far the map can be trusted, in a sentence."""
    kept, trust = found.faithful["kept"], found.faithful["trustworthiness"]
    neighbours, count = int(found.faithful["neighbours"]), len(found.coordinates)
    chance = 100 * neighbours / max(count - 1, 1)
    words = (
        f"How faithful: {100 * kept:.0f}% of the {number(neighbours)} true neighbours are"
        f" neighbours on the map ({chance:.2g}% would be by chance), trustworthiness {trust:.3f} (1 is"
        f" best, about 0.5 a random map), measured at {number(found.faithful['points'])} images."
    )
    if found.options.method == "umap" and found.options.dims == 2:
        words += USUAL
    if "variance" in found.notes:
        shares = found.notes["variance"]
        words += f" The axes hold {100 * sum(shares):.0f}% of the variance."
    return words
