"""`scatter`: puts the component on a page and returns what was picked on it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st
from streamlit.components.v2 import component

from app.charts.space import GREY
from app.palette import SHAPES, Marks
from app.scripts import joined

if TYPE_CHECKING:
    from engine.services.layer import Layer

FOLDER = Path(__file__).parent


class Selection(NamedTuple):
    """Places lit up; `links` are joined to a single one by lines; `id` changes whenever either
    does.
    """

    id: str = ""
    at: Sequence[int] = ()
    links: Sequence[int] = ()


class Mended(NamedTuple):
    """The n points that have another label than the given one. at: (n,) places, ascending; codes: (n,)
    of each in `words`, what the tip says of it, and the label that it has now, None for none.
    """

    at: Sequence[int] = ()
    codes: Sequence[int] = ()
    words: Sequence[tuple[str, str | None]] = ()


class Words(NamedTuple):
    """What the tip under the cursor says: the data's class names, the model's, the titles of the layers
    that say the same, and what has another label now.
    """

    classes: Sequence[str] = ()
    answers: Sequence[str] = ()
    titles: Sequence[str] = ()
    mended: Mended = Mended()


def scatter(
    *,
    key: str,
    id: str,
    image: str,
    count: int,
    dims: int,
    layer: Layer,
    marks: Marks,
    points: str | None = None,
    frames: dict[str, Any] | None = None,
    words: Words | None = None,
    selection: Selection | None = None,
    group: str = "",
    pixelated: bool = True,
    height: int = 560,
    extra: dict[str, Any] | None = None,
    turn: np.ndarray | None = None,
    codes: str | None = None,
    on_pick: Callable[[dict[str, Any]], None],
) -> None:
    """Draw `count` points coloured by `layer`. `on_pick` hears what a person picks: {'kind':
    'point' | 'lasso' | 'none', 'at', 'id'}.

    id        changes with the map: the view starts anew then, and only then
    points    address of the coordinates (see app.scatter.routes), or `frames`: {'titles': of each, and
              'coordinates': (F, N, dims) float32}; with 'travels' the first is shown first, and what
              the layer stresses draws a line from where it was
    image     address below which point i's image is `/i`, and several are `/sheet?at=i,j`; '': none
    marks     how the layer's codes are drawn; codes: address where they are fetched (see
              app.scatter.routes), or None to send them along
    group     scatters of one group light up the same points
    extra     a picture of no data set on the map: {'at': coordinates, 'image': address, 'text'}
    turn      (dims, dims) rotation that the view begins with
    """
    selection = selection or Selection()
    words = words or Words()
    data = {
        "id": id,
        "points": points,
        "image": image,
        "count": count,
        "dims": dims,
        "height": height,
        "pixelated": pixelated,
        "group": group,
        "extra": extra,
        "turn": None if turn is None else [float(value) for value in turn.ravel()],
        "classes": list(words.classes),
        "answers": list(words.answers),
        "shown": list(words.titles),
        "mended": {
            "at": _text(np.asarray(words.mended.at, "<i4")),
            "codes": _text(np.asarray(words.mended.codes, "<u2")),
            "words": [list(each) for each in words.mended.words],
        },
        "layer": layer_of(layer, marks, codes, frames is not None),
        "selection": {
            "id": selection.id,
            "at": _text(np.asarray(selection.at, np.int32)),
            "links": [int(i) for i in selection.links],
        },
        "frames": frames
        and {
            "titles": list(frames["titles"]),
            "travels": bool(frames.get("travels")),
            "coordinates": _text(frames["coordinates"].astype(np.float32)),
        },
    }

    def changed() -> None:
        picked = st.session_state[key].get("picked")
        if picked:
            on_pick(picked)

    _component()(key=key, data=data, on_picked_change=changed)


def layer_of(layer: Layer, marks: Marks, codes: str | None, moves: bool) -> dict[str, Any]:
    """A layer as the script in the page is given it; the arguments are those of `scatter`. moves: it
    colours frames.
    """
    sent = None if codes else _text(layer.codes.astype("<u2"))
    return {
        "title": layer.title,
        "kind": layer.kind,
        "codes": sent,
        "source": codes,
        "palette": marks.colours,
        "shapes": marks.shapes,
        "outlines": list(SHAPES.values()),
        "names": list(layer.names),
        "counts": list(layer.counts),
        "moves": moves,
        "named": layer.palette == "classes",
        "stressed": list(range(len(layer.names) - 1)) if layer.palette == "change" else [],
        "nameless": [code for code, name in enumerate(layer.names) if name in GREY],
        "low": layer.low_text,
        "high": layer.high_text,
        "least": layer.low,
        "most": layer.high,
    }


@cache
def _component() -> Callable[..., Any]:
    html, css = (
        (FOLDER / name).read_text(encoding="utf-8") for name in ("scatter.html", "scatter.css")
    )
    return component("glyphlab_scatter", html=html, css=css, js=joined(FOLDER / "main.js"))


def _text(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
