"""What is selected on a map: one image or many, kept in the address, and the gallery of many."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from app.charts.space import layer_marks
from app.samples.thumbs import thumbs
from app.scatter.component import Selection
from app.widgets import allowed, get_lab, note, number
from engine.files.sheets import table_text
from engine.imaging.images import as_picture
from engine.services.selections import as_now

if TYPE_CHECKING:
    from engine.embedding.space import NearestPoints, Space
    from engine.services.selections import Now

POINT, MANY = "at", "selection"  # names in the address
LONGEST_NUMBER = 12  # digits; Python reads none of over 4,300
SHOWN = 60  # images in the gallery
BARS = 16  # classes of a selection that are listed


def listener(space: Space) -> Callable[[dict[str, Any]], None]:
    """What hears a pick on the scatter and writes it into the address, where the next run of the
    page finds it.
    """

    def keep(picked: dict[str, Any]) -> None:
        for name in (POINT, MANY):
            st.query_params.pop(name, None)
        places = [place for place in picked.get("at", []) if 0 <= place < len(space)]
        if picked.get("kind") == "point" and places:
            st.query_params[POINT] = str(int(space.index[places[0]]))
        elif picked.get("kind") == "lasso" and places:
            st.query_params[MANY] = space.keep_selection(np.array(places, np.int64))

    return keep


def selected(space: Space) -> np.ndarray:
    """Places (n,) int64 in the space of what the address says is selected; none if that is of
    another space.
    """
    point, many = st.query_params.get(POINT, ""), st.query_params.get(MANY, "")
    if point.isdecimal() and len(point) <= LONGEST_NUMBER:
        place = space.places.get(int(point))
        return np.array([] if place is None else [place], np.int64)
    found = space.find_selection(many) if many else None
    return np.zeros(0, np.int64) if found is None else found[found < len(space)]


def lit(space: Space, places: np.ndarray, near: NearestPoints | None) -> Selection:
    """The selection as the scatter lights it."""
    if not len(places):
        return Selection()
    id = f"{st.query_params.get(POINT, '')}-{st.query_params.get(MANY, '')}-{0 if near is None else len(near.index)}"
    return Selection(id, places.tolist(), [] if near is None else near.index.tolist())


def gallery(
    space: Space,
    places: np.ndarray,
    key: str,
    draw: Callable[[Space, np.ndarray, str], None] | None = None,
) -> None:
    """Many images: how many of each class, the first of them, and a way to take them away. draw:
    draws them, if not as a plain grid.
    """
    now = as_now(space, get_lab().labels.current(space.data))
    wrong, changed = now.wrong[places], int(now.changed[places].sum())
    by = f" by their labels now, {number(changed)} of which were changed" if changed else ""
    labels = now.labels[places]
    labelled = int((labels >= 0).sum())
    those = "them" if labelled == len(places) else f"the {number(labelled)} with a label"
    st.markdown(
        f"**{number(len(places))} image{'s' * (len(places) > 1)} selected**, "
        + (
            f"{number(int(wrong.sum()))} of {those} classified wrongly{by}."
            if labelled
            else "none of them with a label."
        )
    )
    counts = np.bincount(labels[labels >= 0], minlength=len(now.classes))
    everything = np.bincount(now.labels[now.labels >= 0], minlength=len(now.classes))
    if counts.any():
        st.html(class_bars(now.classes, counts.tolist(), everything.tolist()))
        if now.changed.any():
            note(
                "Of each class: its images here and in all, by their labels now. A legend of given labels counts those."
            )
    if draw is not None:
        draw(space, places, key)
    else:
        order = np.argsort(~wrong, kind="stable")
        shown = places[order[:SHOWN]]
        grid(space, shown.tolist(), key=key)
        first = ["Those classified wrongly come first."] * bool(wrong.any())
        cut = [f"{SHOWN} of {number(len(places))}."] * (len(shown) < len(places))
        if cut or first:
            note(" ".join(cut + first))
    if not allowed(get_lab(), "take away"):
        return
    left, right = st.columns(2)
    with left:
        st.download_button(
            "Table (CSV)",
            lambda: as_csv(space, places, now),
            f"{space.data}-selection.csv",
            "text/csv",
            on_click="ignore",
            key=f"{key}-csv",
            icon=":material/table:",
            width="stretch",
        )
    with right:
        st.download_button(
            "Images (zip)",
            lambda: as_zip(space, places, now),
            f"{space.data}-selection.zip",
            "application/zip",
            on_click="ignore",
            key=f"{key}-zip",
            icon=":material/folder_zip:",
            width="stretch",
        )


def class_bars(names: Sequence[str], chosen: Sequence[int], there: Sequence[int]) -> str:
    """HTML: how many images of each class a selection holds, most first, and of how many. Drawn
    with less delay than a chart.
    """
    order = sorted(
        (number for number in range(len(names)) if chosen[number]),
        key=lambda number: -chosen[number],
    )
    colours, most, rows = layer_marks("classes", names).colours, max(chosen), []
    for number_ in order[:BARS]:
        width = 100 * chosen[number_] / most
        bar = (
            '<i style="display:block;height:12px;border-radius:3px;min-width:2px;'
            f'width:{width:.1f}%;background:{colours[number_]}"></i>'
        )
        count = f"{chosen[number_]:,} of {there[number_]:,}"
        rows.append(
            f"<span>{escape(names[number_])}</span><span>{bar}</span><span"
            f' style="opacity:.7;white-space:nowrap">{count}</span>'
        )
    more = f"<div>… and {len(order) - BARS} more classes</div>" if len(order) > BARS else ""
    style = (
        "display:grid;grid-template-columns:minmax(1.5em,auto) 1fr auto;gap:3px"
        " 10px;align-items:center;font-size:.85rem"
    )
    return f'<div class="class-bars" style="{style}">{"".join(rows)}</div>{more}'


def as_csv(space: Space, places: np.ndarray, now: Now) -> bytes:
    """A line an image: index in the data set, file, label of now, answer and its confidence, the label
    that it came with, and whether it is excluded.
    """
    rows = (
        (
            int(space.index[place]),
            space.images.files[int(space.index[place])],
            now.label(int(place)) or "",
            space.model_classes[space.predicted[place]],
            f"{space.confidence[place]:.4f}",
            now.given_name(int(place)),
            "yes" if now.excluded[place] else "",
        )
        for place in places
    )
    columns = ("index", "file", "label", "predicted", "confidence", "given", "excluded")
    return table_text(columns, rows).encode()


def as_zip(space: Space, places: np.ndarray, now: Now) -> bytes:
    """The images as PNG files, in a folder for each label of now."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as file:
        for place in places:
            picture = io.BytesIO()
            as_picture(space.picture(int(place))).save(picture, "PNG", compress_level=1)
            folder = now.name(int(place)).replace("/", "_")
            file.writestr(f"{folder}/{int(space.index[place]):06d}.png", picture.getvalue())
    return stream.getvalue()


def name_of(space: Space, place: int, unnamed: str = "no label") -> str:
    """The label that an image came with."""
    label = int(space.labels[place])
    return space.classes[label] if label >= 0 else unnamed


def grid(
    space: Space,
    places: Sequence[int],
    captions: Sequence[str] | None = None,
    *,
    key: str,
    columns: int = 16,
    walk: Sequence[int] | None = None,
) -> None:
    """Images with captions below them. The browser fetches each by its address, so that the page
    need not wait for them. walk: the places to step through from the page of one.
    """
    thumbs(
        space.data,
        [file_of(space, place) for place in places],
        [f"space/image/{space.key}/{int(place)}" for place in places],
        captions,
        columns=columns,
        key=key,
        least=58 if captions else 40,
        pixelated=space.images.style != "photo",
        walk=None if walk is None else [file_of(space, place) for place in walk],
    )


def file_of(space: Space, place: int) -> str:
    """The name of an image in its data set."""
    return str(space.images.files[int(space.index[place])])
