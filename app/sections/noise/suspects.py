"""Section Suspects: galleries of given label against likely class, most suspect first, and the
neighbours of each image.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from app.charts.words import images_of, literal, page_of, probability
from app.samples.thumbs import thumbs
from app.sections.noise import choose
from app.sections.noise.standing import suspects_of
from app.widgets import note
from app.widgets.explain import explain as what_is_this

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.noise.storage import Diagnosis

ANY = "any"
PAGE = 60  # images
MOST_STEPS = 2_000  # images that one can step through, from the page of one
ORDERS = {
    "suspect": "most suspect first",
    "trusted": "least suspect first",
    "right": "likeliest correct first",
    "wrong": "likeliest wrong first",
}
# Of complementary labels a right one is the accident, and the list begins with those.
BY_ACCIDENT = {
    **ORDERS,
    "suspect": "likeliest correct by accident first",
    "trusted": "likeliest correct by accident last",
}


def draw(lab: Lab) -> None:
    """Draw the section."""
    name = choose.dataset(lab)
    found = choose.diagnosis(lab, name) if name else None
    if found is None:
        return
    with st.container(border=True):
        columns = st.columns([1, 1, 1.4, 1.2], vertical_alignment="bottom")
        with columns[0]:
            given = st.selectbox("Given label", [ANY, *found.classes], key="given")
        with columns[1]:
            likely = st.selectbox("Likely class", [ANY, *found.classes], key="likely")
        with columns[2]:
            words = ORDERS if found.document["regime"] != "complementary" else BY_ACCIDENT
            order = st.selectbox("Order", list(ORDERS), format_func=words.__getitem__, key="order")
        with columns[3]:
            only = st.toggle(
                "Only where they differ",
                key="differ",
                help="Hide images whose given label is the likely class.",
            )
    places = chosen(found, given, likely, order, only)
    if not len(places):
        hidden = ", of those where they differ" * only
        st.info(
            f"No image has this given label and likely class{hidden}.", icon=":material/search_off:"
        )
        return
    pages = math.ceil(len(places) / PAGE)
    number = (
        st.number_input(page_of(pages), 1, pages, 1, key="gallery-page", width=160)
        if pages > 1
        else 1
    )
    shown = places[(number - 1) * PAGE : number * PAGE]
    pictures(found, shown, captions(found, shown), columns=12, key="gallery", walk=places)
    note(
        f"{images_of(len(places))}. Below each: given → likely class · suspicion, the estimated"
        " probability that the given label is wrong."
    )
    what_is_this("suspicion", "out-of-sample", "calibration")
    st.subheader("Neighbours of an image", anchor=False)
    place = st.selectbox(
        "Image",
        shown.tolist(),
        format_func=lambda i: f"{found.file(i)} · {captions(found, [i])[0]}",
        key=f"explained-{found.key}-{number}",
    )
    explain(found, int(place))


def chosen(
    found: Diagnosis, given: str, likely: str, order: str, only_differing: bool
) -> np.ndarray:
    """Positions (m,) of the images with that given label and likely class ('any': all), in that
    order.
    """
    arrays, names = found.arrays, found.classes
    keep = np.ones(len(arrays["given"]), bool)
    if given != ANY:
        keep &= arrays["given"] == names.index(given)
    if likely != ANY:
        keep &= arrays["likely"] == names.index(likely)
    if only_differing:
        keep &= suspects_of(found)
    if order in ("suspect", "trusted"):
        ranked = arrays["order"] if order == "suspect" else arrays["order"][::-1]
    else:
        ranked = np.argsort(
            -arrays["log_odds"] if order == "right" else arrays["log_odds"], kind="stable"
        )
    return ranked[keep[ranked]]


def pictures(
    found: Diagnosis,
    places: Sequence[int] | np.ndarray,
    below: Sequence[str] | None = None,
    *,
    columns: int,
    key: str,
    walk: np.ndarray | None = None,
) -> None:
    """Thumbnails of images of the diagnosis. walk: the positions to step through from one of them."""
    thumbs(
        found.data.name,
        [found.file(int(i)) for i in places],
        found.images(places),
        below,
        columns=columns,
        key=key,
        walk=None if walk is None else [found.file(int(i)) for i in walk[:MOST_STEPS]],
    )


def captions(found: Diagnosis, places: np.ndarray | list[int]) -> list[str]:
    """'3 → 8 · 97%' for each position, with the suspicion; '3 → not decided', '3 → not known · 53%'."""
    from engine.noise.explanation import NOT_DECIDED, NOT_KNOWN, doubted, not_decided

    arrays, names = found.arrays, found.classes
    left_open, unknown = not_decided(found), doubted(found)

    def after(i: int) -> str:
        if left_open[i]:
            return NOT_DECIDED
        likely = NOT_KNOWN if unknown[i] else names[arrays["likely"][i]]
        return f"{likely} · {probability(1 - float(arrays['score'][i]))}"

    return [f"{names[arrays['given'][i]]} → {after(i)}" for i in places]


def explain(found: Diagnosis, place: int) -> None:
    """An image with the reason for its likely class, and its nearest neighbours of that class and of
    its given label.
    """
    from engine.noise.explanation import explain_label, label_neighbours

    near = label_neighbours(found, place)
    arrays, names = found.arrays, found.classes
    given, likely = names[arrays["given"][place]], names[near.label]
    left, right = st.columns([1, 4])
    with left:
        pictures(found, [place], [f"given {given}"], columns=1, key="explained")
    with right:
        st.markdown(literal(explain_label(found, place, near)))
        sides = [(likely, *near.likely)] + ([(given, *near.given)] if given != likely else [])
        for label, positions, similarity in sides:
            st.caption(
                f"Nearest images whose likely class is {literal(label)}, by a network that was not trained"
                " on this label"
            )
            if len(positions):
                pictures(
                    found,
                    positions,
                    [f"{value:.2f}" for value in similarity],
                    columns=10,
                    key=f"near-{place}-{label}",
                )
            else:
                st.caption("None.")
