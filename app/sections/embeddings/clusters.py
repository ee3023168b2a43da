"""The clusters of a map: what each consists of, and one click that gives all of it one label."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import literal
from app.samples.deeds import REFUSED, act
from app.sections.embeddings.choose import at_work
from app.sections.embeddings.selection import MANY, POINT, grid
from app.widgets import note, number, percent
from app.widgets.person import person

if TYPE_CHECKING:
    from engine.embedding.projection import Projection
    from engine.embedding.space import Space
    from engine.lab import Lab
    from engine.services.clusters import Cluster

WHY = "map"
SHOWN = 24  # clusters
PICTURES = 8  # of each


def clusters(lab: Lab, space: Space, found: Projection) -> None:
    """The section below the map. Not to be drawn in a fragment: the progress of the work is one."""
    from engine.embedding.clusters import find_clusters
    from engine.services.clusters import clusters_of

    name = f"clusters-{space.map_name(found.options)}"
    box = st.expander("Clusters", icon=":material/bubble_chart:", key="clusters", on_change="rerun")
    if not box.open:
        return
    with box:
        codes = find_clusters(space, found.options)
        if codes is None:
            _offer(lab, space, found)
            return
        listed = clusters_of(lab.labels, space, codes)
        inside = int((codes >= 0).sum())
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"**{number(len(listed))} cluster{'s' * (len(listed) != 1)}** of {number(inside)} images;"
                f" {number(len(codes) - inside)} are in none.",
                width="content",
            )
            st.button(
                "Colour the map by them",
                key="colour-clusters",
                icon=":material/palette:",
                on_click=_colour,
                args=(name,),
            )
            st.button(
                "Undo",
                key="clusters-undo",
                icon=":material/undo:",
                help="Take back your latest decision about this data set, whole.",
                disabled=lab.labels.decisions(space.data).latest(person()) is None,
                on_click=act,
                args=(_undo, lab, space.data),
            )
        if refused := st.session_state.pop(REFUSED, None):
            st.error(refused, icon=":material/error:")
        for one in listed[:SHOWN]:
            _row(lab, space, one)
        if len(listed) > SHOWN:
            st.caption(f"And {number(len(listed) - SHOWN)} more, of fewer other labels.")
        note(
            "Found on the map by HDBSCAN, without labels."
            + " Those with the most images of another label than the majority come first."
            * bool(listed)
        )


def _offer(lab: Lab, space: Space, found: Projection) -> None:
    arguments = {
        "model": space.model,
        "data": space.data,
        "part": space.part,
        **asdict(found.options),
    }
    if at_work(lab, "cluster", arguments, "clusters-work"):
        return
    st.markdown("Groups of images that lie close together on this map can be found without labels.")
    if st.button("Find clusters", key="find-clusters", icon=":material/bubble_chart:"):
        lab.start_task("cluster", **arguments)
        st.rerun()


def _row(lab: Lab, space: Space, one: Cluster) -> None:
    with st.container(border=True):
        left, middle, right = st.columns([2, 4, 3], vertical_alignment="center")
        with left:
            of = "predicted so" if one.guessed else "labelled so"
            st.markdown(
                f"**{literal(one.label)}**{'?' if one.guessed else ''} · {number(len(one.places))}"
                f" images  \n:gray[cluster {one.number + 1}, {percent(one.share, 0)} {of}]"
            )
        with middle:
            step = max(1, len(one.places) // PICTURES)
            shown = one.places[::step][:PICTURES].tolist()
            grid(space, shown, key=f"cluster-{one.number}", columns=PICTURES)
        with right, st.container(horizontal=True):
            st.button(
                "Show",
                key=f"show-cluster-{one.number}",
                icon=":material/highlight:",
                help="Select it on the map, to relabel, exclude or tag some of it.",
                on_click=_show,
                args=(space, one),
            )
            st.button(
                f"This cluster is {literal(one.label)}",
                key=f"is-cluster-{one.number}",
                disabled=not one.others or not lab.may("label"),
                help=f"{number(len(one.others))} images of another label, or none, get this one.",
                on_click=act,
                args=(_is, lab, space.data, one),
            )


def _show(space: Space, one: Cluster) -> None:
    st.query_params.pop(POINT, None)
    st.query_params[MANY] = space.keep_selection(one.places)


def _colour(name: str) -> None:
    st.query_params["colour"] = name


def _is(lab: Lab, data: str, one: Cluster) -> None:
    lab.labels.relabel(
        data, one.others, one.label, who=person(), why=WHY, own=False, new_class=True
    )
    st.toast(
        f"{number(len(one.others))} images are {literal(one.label)} now.", icon=":material/check:"
    )


def _undo(lab: Lab, data: str) -> None:
    lab.labels.undo(data, who=person(), why=WHY, of=person())
