"""The card of one image: picture, label with its history, predictions, neighbours, suspicion, copies,
and what a person can do about it, all of it by keyboard too.
"""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import literal, probability, similar
from app.samples.deeds import STAYS, deeds, do, keys_of
from app.samples.predictions import predictions
from app.samples.thumbs import CAME_FROM, WALK, thumbs
from app.samples.viewer import original
from app.widgets import PAGES, link, note, number
from app.widgets.common import clock
from app.widgets.keys import Press, listen
from engine.errors import GlyphlabError

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.labels.replay import Event
    from engine.services.samples import Sample

LEAST = 56  # pixels a neighbour is wide at least: 13 of them are two rows
AT_ONCE = 20_000  # images of a data set in which copies are looked for without being asked
SPLITS = {"train": "training or validation image", "val": "validation image", "test": "test image"}
VERBS = {
    "exclude": "excluded",
    "include": "included again",
    "tag": "tagged",
    "untag": "removed the tag",
}


def draw(lab: Lab, data: str, name: str) -> None:
    """The card of the image `name` of a data set."""
    sample = lab.samples.find(data, name)
    _steps(lab, sample)
    left, right = st.columns([5, 6], gap="large")
    with left:
        original(data, name, sample.label or "an image without a label", sample.enlarged)
        st.caption(which_image(sample))
    with right:
        _state(sample)
        deeds(lab, sample)
    left, right = st.columns([5, 6], gap="large")
    with left:
        predictions(lab, sample)
        _by_person(lab, sample)
        _history(sample)
    with right:
        _suspicion(lab, sample)
        _neighbours(lab, sample)
        _copies(lab, sample)


def which_image(sample: Sample) -> str:
    """Which image of its data set it is: its name, and its number among those that can be read."""
    if sample.place is None:
        counted = f"can't be read, and is none of the {number(sample.of)} images in `{sample.data}`"
    else:
        counted = f"image {number(sample.place + 1)} of {number(sample.of)} in `{sample.data}`"
    return f"{literal(sample.name)} · {counted}"


def _steps(lab: Lab, sample: Sample) -> None:
    """To the image before, the one after, and back to where one came from."""
    of, walk = st.session_state.get(WALK, ("", []))
    if of == sample.data and sample.name in walk:
        at = walk.index(sample.name)
        before = walk[at - 1] if at else None
        after = walk[at + 1] if at + 1 < len(walk) else None
        where = f"{number(at + 1)} of {number(len(walk))} that you came from"
    else:
        before, after = lab.samples.beside(sample.data, sample.name)
        where = "in the order of the data set"
    page, query = st.session_state.get(CAME_FROM, (None, {}))
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, to, key in (("Previous", before, "Left"), ("Next", after, "Right")):
            st.button(
                label,
                key=f"step-{key}",
                shortcut=key,
                disabled=to is None,
                on_click=_go,
                args=(sample.data, to),
            )
        _listen(lab, sample, before, after)
        st.caption(where, width="content")
        if page in PAGES and page != "sample":
            link(page, f"Back to {PAGES[page].title}", icon=":material/arrow_back:", **query)


def _listen(lab: Lab, sample: Sample, before: str | None, after: str | None) -> None:
    """The keys, each for the image that was on the screen when it was pressed."""
    steps = {"before": before, "after": after}

    def hear(press: Press) -> None:
        to = steps.get(press.action)
        if to is None:
            do(lab, sample.data, press)
        elif press.name == sample.name:
            _go(sample.data, to)

    keys = {
        f"Arrow{side}": step
        for side, step in (("Left", "before"), ("Right", "after"))
        if steps[step]
    }
    if lab.may("label"):
        keys |= keys_of(sample)
    listen("card-keys", keys, [(sample.name, sample.label or "")], hear, stays=STAYS)


def _go(data: str, name: str) -> None:
    st.query_params["data"] = data
    st.query_params["sample"] = name
    st.query_params.pop("model", None)  # that of the drawing beside which the first image was


def _state(sample: Sample) -> None:
    if sample.excluded:
        st.markdown("### Excluded")
    else:
        st.markdown(f"### {literal(sample.label) if sample.label else 'No label yet'}")
    words = [f"given **{literal(sample.given)}**" if sample.given else "given without a label"]
    if sample.split:
        words.append(SPLITS[sample.split])
    words += [f":gray-badge[{literal(tag)}]" for tag in sample.tags]
    st.markdown(" · ".join(words))


def _history(sample: Sample) -> None:
    st.subheader("History", anchor=False)
    if not sample.history:
        note("Nobody has decided about this image yet.")
    for event in reversed(sample.history):
        st.markdown(_told(event))


def _by_person(lab: Lab, sample: Sample) -> None:
    votes = lab.annotators.votes(sample.data).get(sample.name, {})
    if len(votes) < 2:
        return
    st.subheader("Labels by person", anchor=False)
    for who, label in sorted(votes.items()):
        colour = "green" if label == sample.label else "red"
        st.markdown(f"{literal(who)}: :{colour}[**{literal(label)}**]")


def _told(event: Event) -> str:
    entry = event.entry
    who, where = literal(entry.who or "Somebody"), f", {literal(entry.why)}" if entry.why else ""
    if entry.action == "relabel":
        same = event.to == event.before
        what = (
            f"confirmed **{literal(event.to or '')}**"
            if same
            else f"{literal(event.before or 'no label')} → **{literal(event.to or '')}**"
        )
        what += "" if entry.own else " (suggestion taken)"
    else:
        what = f"{VERBS[entry.action]} {literal(entry.tag)}".rstrip()
    line = f"{who}: {what} · {clock(entry.at)}{where}"
    if event.undone_by:
        by, at = event.undone_by
        return f":gray[~~{line}~~ taken back by {literal(by)}, {clock(at)}]"
    return line


def _suspicion(lab: Lab, sample: Sample) -> None:
    st.subheader("Suspicion", anchor=False)
    found = lab.samples.suspicion(sample.data, sample.name)
    if found is None and lab.noise.find(sample.data) is not None:
        note("The diagnosis of this data set's labels does not cover this image.")
        return
    if found is None:
        note("The labels of this data set have not been diagnosed.")
        if lab.may("diagnose"):
            link("noise", "Diagnose them", data=sample.data)
        return
    says = (
        "Whether the given label is correct is **not decided**"
        if found.quality is None
        else f"The given label is correct with an estimated probability of **{probability(found.quality)}**"
    )
    order = ", likeliest correct first" if found.by_accident else " in the list of suspects"
    st.markdown(
        f"{says}; number {number(found.rank)} of {number(found.of)}{order}. {literal(found.reason)}"
    )
    if sample.label not in (None, sample.given):
        says = (
            "The diagnosis can't tell whether the current label is correct."
            if isnan(found.now)
            else f"The current label is correct with an estimated probability of"
            f" **{probability(found.now)}**."
        )
        st.markdown(says)


def _neighbours(lab: Lab, sample: Sample) -> None:
    st.subheader("Neighbours", anchor=False)
    model, near, space = lab.samples.neighbours(sample.data, sample.name)
    if space is None:
        note("This data set has not been embedded with this image in it.")
        if sample.place is not None:  # one that can't be read is in no embedding
            part = "unlabelled" if sample.given is None else "all"
            link("embeddings", "Embed it", data=sample.data, part=part)
        return
    names = [one.name for one in near]
    sources = [f"space/image/{space.key}/{space.place_of(name)}" for name in names]
    captions = [f"{one.label or 'no label'} · {similar(one.similarity)}" for one in near]
    thumbs(
        sample.data,
        names,
        sources,
        captions,
        columns=7,
        key="card-neighbours",
        least=LEAST,
        pixelated=space.images.style != "photo",
    )
    note(
        f"The {len(near)} nearest by `{model}`, of {number(len(space.index) - 1)} others that were embedded."
        " Below each: its label now, and its cosine similarity."
    )
    _on_the_map(lab, sample)


def _on_the_map(lab: Lab, sample: Sample) -> None:
    """To a map that is made already, where there is one."""
    space, options = lab.samples.on_map(sample.data, sample.name)
    if space is None:
        return
    shown = {"method": options.method, "dims": str(options.dims)} if options else {}
    link(
        "embeddings",
        "Show on the map",
        icon=":material/scatter_plot:",
        model=space.model,
        data=sample.data,
        part=space.part,
        at=str(int(space.index[space.place_of(sample.name) or 0])),
        **shown,
    )


def _copies(lab: Lab, sample: Sample) -> None:
    st.subheader("Copies", anchor=False)
    key = f"copies-{sample.data}-{sample.name}"
    asked = sample.of <= AT_ONCE or st.session_state.get(key)
    if not asked:
        asked = st.button("Look for copies", key=f"find-{key}", icon=":material/content_copy:")
        st.session_state[key] = asked
    if not asked:
        return
    try:
        found = lab.samples.copies(sample.data, sample.name)
    except GlyphlabError as error:
        note(str(error))
        return
    if not found:
        note(
            "No other image of the data set is found to be the same or nearly so; of an image of one colour, copies"
            " are not looked for."
        )
        return
    names = [name for name, _ in found][:24]
    labels = lab.labels.labels_now(sample.data, names)
    captions = [
        f"{label or 'no label'} · {'identical' if same else 'nearly'}"
        for label, (_, same) in zip(labels, found, strict=False)
    ]
    images = lab.samples.squares(sample.data, names)
    thumbs(sample.data, names, images, captions, columns=6, key="card-copies")
    if len({label for label in (*labels, sample.label) if label}) > 1:
        st.warning("Copies with different labels: one may be wrong.", icon=":material/warning:")
