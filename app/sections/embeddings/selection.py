"""What is selected on a map: one image or many, kept in the address, with the card or the gallery
that shows it.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from app.charts.space import layer_marks
from app.charts.words import literal
from app.samples.thumbs import thumbs
from app.scatter.component import Selection
from app.shared_lab import open_lab_here
from app.widgets import allowed, link, note, number, percent
from engine.files.sheets import table_text
from engine.imaging.images import as_picture

if TYPE_CHECKING:
    from engine.embedding.space import NearestPoints, Space

POINT, MANY = "at", "selection"  # names in the address
SHOWN = 60  # images in the gallery
NEIGHBOURS = 13
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
    if point.isdigit():
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


def card(space: Space, place: int, near: NearestPoints, key: str) -> None:
    """One image: what it is, what it is read as, its nearest others with their similarities, and
    their vote.
    """
    label, answer = name_of(space, place), space.model_classes[space.predicted[place]]
    image, words = st.columns([2, 3], vertical_alignment="center")
    with image:
        st.html(_image(space, place, 128))
    with words:
        wrong = bool(space.wrong[place])
        st.markdown(f"**{literal(label)}** · image {number(int(space.index[place]))}")
        st.markdown(
            f"Predicted {':red' if wrong else ':green'}[**{literal(answer)}**]"
            f" ({percent(float(space.confidence[place]))})"
        )
        st.caption(literal(file_of(space, place)))
        link("sample", "Open the image's page", data=space.data, sample=file_of(space, place))
    votes = near.vote.share[0]
    order = [number for number in np.argsort(-votes, kind="stable") if votes[number]]
    counts = ", ".join(
        f"{votes[number] * len(near.index):.0f} for {literal(space.classes[number])}"
        for number in order
    )
    winner = (
        literal(space.classes[int(near.vote.label[0])])
        if near.vote.label[0] >= 0
        else "nothing: no neighbour has a label"
    )
    st.markdown(f"Its {len(near.index)} nearest vote for **{winner}** ({counts}):")
    neighbours(space, near, key)


def neighbours(space: Space, near: NearestPoints, key: str) -> None:
    """The nearest images with their labels and cosine similarities."""
    captions = [
        f"{name_of(space, int(i))} · {s:.3f}"
        for i, s in zip(near.index, near.similarity, strict=True)
    ]
    grid(space, near.index.tolist(), captions, key=key)
    note("Below each: its label and its cosine similarity.")


def gallery(
    space: Space,
    places: np.ndarray,
    key: str,
    draw: Callable[[Space, np.ndarray, str], None] | None = None,
) -> None:
    """Many images: how many of each class, the first of them, and a way to take them away. draw:
    draws them, if not as a plain grid.
    """
    wrong = int(space.wrong[places].sum())
    st.markdown(
        f"**{number(len(places))} images selected**, {number(wrong)} of them classified wrongly."
    )
    labels = space.labels[places]
    counts = np.bincount(labels[labels >= 0], minlength=len(space.classes))
    everything = np.bincount(space.labels[space.labels >= 0], minlength=len(space.classes))
    if counts.any():
        st.html(class_bars(space.classes, counts.tolist(), everything.tolist()))
    if draw is not None:
        draw(space, places, key)
    else:
        order = np.argsort(~space.wrong[places], kind="stable")
        shown = places[order[:SHOWN]]
        grid(space, shown.tolist(), key=key)
        note(
            f"{'Those' if len(shown) == len(places) else f'{SHOWN} of them; those'} classified wrongly come"
            " first."
        )
    if not allowed(open_lab_here(), "take away"):
        return
    left, right = st.columns(2)
    with left:
        st.download_button(
            "Table (CSV)",
            lambda: as_csv(space, places),
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
            lambda: as_zip(space, places),
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


def as_csv(space: Space, places: np.ndarray) -> bytes:
    """A line an image: index in the data set, file, label, answer and its confidence."""
    rows = (
        (
            int(space.index[place]),
            space.images.files[int(space.index[place])],
            name_of(space, int(place), ""),
            space.model_classes[space.predicted[place]],
            f"{space.confidence[place]:.4f}",
        )
        for place in places
    )
    return table_text(("index", "file", "label", "predicted", "confidence"), rows).encode()


def as_zip(space: Space, places: np.ndarray) -> bytes:
    """The images as PNG files, in a folder for each label."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as file:
        for place in places:
            picture = io.BytesIO()
            as_picture(space.picture(int(place))).save(picture, "PNG", compress_level=1)
            folder = name_of(space, int(place)).replace("/", "_")
            file.writestr(f"{folder}/{int(space.index[place]):06d}.png", picture.getvalue())
    return stream.getvalue()


def name_of(space: Space, place: int, unnamed: str = "no label") -> str:
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


def _image(space: Space, place: int, side: int) -> str:
    rendering = "pixelated" if space.images.style != "photo" else "auto"
    return (
        f'<img src="space/image/{space.key}/{place}" alt="{escape(name_of(space, place))}"'
        f' style="width:100%;max-width:{side}px;image-rendering:{rendering};border-radius:6px;border:1px'
        ' solid rgba(128,138,150,.4)">'
    )
