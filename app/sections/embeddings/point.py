"""One image that is picked on a map: what it is, what it is predicted as, and its nearest others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from app.charts.words import literal, probability
from app.samples.card import which_image
from app.sections.embeddings.selection import file_of, grid
from app.widgets import get_lab, link, note
from engine.errors import DataError
from engine.services.selections import as_now

if TYPE_CHECKING:
    from engine.embedding.space import NearestPoints, Space
    from engine.services.selections import Now

WIDTH = 128  # pixels of the image


def card(space: Space, place: int, near: NearestPoints, key: str) -> None:
    """The image, its label now, the model's prediction, its nearest others with their similarities,
    and their vote.
    """
    now = as_now(space, get_lab().labels.current(space.data))
    image, words = st.columns([2, 3], vertical_alignment="center")
    with image, st.container(width=WIDTH):
        grid(space, [place], key=f"{key}-picked", columns=1)
    with words:
        st.markdown(_label(now, place))
        answer = literal(space.model_classes[space.predicted[place]])
        st.markdown(
            f"Predicted {_agreement(now, place)}[**{answer}**]"
            f" ({probability(float(space.confidence[place]))})"
        )
        st.caption(_which(space, place))
        link("sample", "Open the image's page", data=space.data, sample=file_of(space, place))
    st.markdown(f"{vote_words(now, near)}:")
    neighbours(space, now, near, key)


def vote_words(now: Now, near: NearestPoints) -> str:
    """'Its 13 nearest vote for **7** (12 for 7, 1 for 1)', by their labels now."""
    found = now.vote(near)
    share, winner = found.share[0], int(found.label[0])
    if winner < 0:
        return f"Its {len(near.index)} nearest vote for **nothing: no neighbour has a label**"
    labelled = int((now.labels[near.index] >= 0).sum())
    counts = ", ".join(
        f"{share[at] * labelled:.0f} for {literal(now.classes[at])}"
        for at in np.argsort(-share, kind="stable")
        if share[at]
    )
    return f"Its {len(near.index)} nearest vote for **{literal(now.classes[winner])}** ({counts})"


def neighbours(space: Space, now: Now, near: NearestPoints, key: str) -> None:
    """The nearest images with their labels now and cosine similarities."""
    captions = [
        f"{_named(now, int(at))} · {similarity:.3f}"
        for at, similarity in zip(near.index, near.similarity, strict=True)
    ]
    grid(space, near.index.tolist(), captions, key=key)
    note("Below each: its label now and its cosine similarity.")


def _label(now: Now, place: int) -> str:
    """The image's label now, and the given one where that is another."""
    given = f", given as {literal(now.given_name(place))}" if _differs(now, place) else ""
    return f"**{literal(now.name(place))}**{given}"


def _named(now: Now, place: int) -> str:
    """As `_label`, in plain text."""
    given = f", given as {now.given_name(place)}" if _differs(now, place) else ""
    return f"{now.name(place)}{given}"


def _differs(now: Now, place: int) -> bool:
    """Whether the image came with another label than it has now."""
    return bool(now.changed[place]) and bool(now.given_name(place))


def _agreement(now: Now, place: int) -> str:
    """The colour of a prediction: whether it is the label now; grey where there is none."""
    if now.labels[place] < 0:
        return ":gray"
    return ":red" if now.wrong[place] else ":green"


def _which(space: Space, place: int) -> str:
    """Which image it is, as its own page says it; only its name, if it is not in the data set any more."""
    name = file_of(space, place)
    try:
        return which_image(get_lab().samples.find(space.data, name))
    except DataError:
        return literal(name)
