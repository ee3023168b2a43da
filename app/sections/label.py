"""Labelling by keyboard: the images that the lab proposes, each with what a linear head predicts."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import literal
from app.samples.deeds import REFUSED, act
from app.samples.thumbs import thumbs
from app.sections.embeddings.choose import at_work, pick_segment
from app.widgets import allowed, empty, link, note, number, percent, pick_dataset, pick_model
from app.widgets.doing import do_button
from app.widgets.links import page_file
from app.widgets.person import person, pick_person
from engine.errors import DataError

if TYPE_CHECKING:
    from engine.embedding.space import Space
    from engine.lab import Lab
    from engine.services.labelling import Proposal

WHY = "label"
PART = "all"
MOST_LOOKED_AT = 5  # data sets that are asked whether an image of theirs has no label


def label(lab: Lab) -> None:
    """The page."""
    left, right, name = st.columns([4, 4, 2])
    with left:
        data = pick_dataset(lab, "data", default=_first_without_labels(lab))
    with right:
        model = pick_model(lab, "model")
    with name:
        pick_person()
    if data is None or model is None:
        return
    info = next(info for info in lab.datasets() if info.name == data)
    if info.here and not lab.data.contents(data).report.unlabelled:
        empty(f"Every image of `{data}` has a label. Choose a data set with images that have none.")
        if allowed(lab, "change data"):
            link("data", "Add a data set")
        return
    space = _space(lab, model, data)
    if space is None:
        return
    standing = lab.labelling.standing(space)
    with st.container(horizontal=True, gap="medium"):
        st.metric("Without a label", number(standing.waiting), width=140)
        st.metric("Labelled", number(standing.labelled), width=140)
        st.metric("By hand", number(standing.by_hand), width=140)
        st.metric("Classes", number(len(standing.classes)), width=140)
        _score(lab, space)
    if not standing.waiting:
        empty("Every image of this data set has a label.", "data", "Look at it", data=data)
        return
    from engine.embedding.proposals import STRATEGIES, WORDS

    strategy = pick_segment(
        "Order of the images", {name: WORDS[name].capitalize() for name in STRATEGIES}, "by"
    )
    _propose(lab, space, strategy)
    if standing.by_hand:
        _first_model(lab, space)


def _first_without_labels(lab: Lab) -> str | None:
    """The data set that is offered before one is chosen: the newest of a person's own with images
    that have no label, if there is one.
    """
    if "data" in st.session_state or "data" in st.query_params:
        return None
    own = [data.name for data in lab.datasets() if data.uploaded]
    for name in own[:MOST_LOOKED_AT]:
        with suppress(DataError):
            if lab.data.contents(name).report.unlabelled:
                return name
    return None


def _score(lab: Lab, space: Space) -> None:
    from engine.services.labelling import LEAST_SCORED

    found = lab.labelling.score(space)
    if found is None:
        st.metric("Accuracy so far", "–", help=f"shown from {LEAST_SCORED} labels on", width=160)
        return
    st.metric(
        "Accuracy so far",
        percent(found.accuracy, 0),
        f"random choice {percent(found.chance, 0)}",
        delta_color="off",
        delta_arrow="off",
        help=(
            f"Of {number(found.n)} labelled images, by classifiers that were fitted without them"
            f" (five-fold cross-validation); 95% interval {percent(found.low, 0)} to {percent(found.high, 0)}."
            " Of images chosen for being hard, so others are classified rather better."
        ),
        width=160,
    )


def _first_model(lab: Lab, space: Space) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        start = st.button(
            "Train a model on these labels",
            key="first-model",
            icon=":material/model_training:",
            help=f"From the weights of {space.model}; a fifth of the labels is held out to test it.",
            disabled=not lab.may("train"),
        )
        link("train", "Choose a recipe for them", data=space.data, labels="mended")
    if start:
        run = lab.submit(lab.labelling.recipe(space), f"{space.data}, first model")
        st.switch_page(page_file("train"), query_params={"run": run})


def _space(lab: Lab, model: str, data: str) -> Space | None:
    space = lab.spaces.find(model, data, PART)
    if space is not None:
        return space
    arguments = {"model": model, "data": data, "part": PART}
    if not at_work(lab, "embed", arguments, "label-embed"):
        with st.container(border=True):
            st.markdown(
                f"The images of `{data}` have not been embedded by `{model}` yet. Any model can be"
                " used, also one that was trained on other characters."
            )
            if allowed(lab, "compute") and st.button(
                "Embed them", type="primary", icon=":material/scatter_plot:", key="embed"
            ):
                lab.start_task("embed", **arguments)
                st.rerun()
    return None


def _propose(lab: Lab, space: Space, strategy: str) -> None:
    if not allowed(lab, "label"):
        return
    if refused := st.session_state.pop(REFUSED, None):
        st.error(refused, icon=":material/error:")
    key = f"proposed-{space.key}-{strategy}"
    skipped = st.session_state.setdefault(f"skipped-{space.key}", [])
    known: list[str] = st.session_state.get(key, [])
    labels = lab.labels.labels_now(space.data, known) if known else []
    current = lab.labels.current(space.data)
    waiting = [
        name
        for name, one in zip(known, labels, strict=True)
        if one is None and name not in skipped and not _excluded(current, name)
    ]
    if not waiting:
        found = lab.labelling.proposals(space, strategy, skipped=skipped)
        if not found:
            note("The rest was skipped or left out.")
            return
        known = [one.name for one in found]
        waiting = list(known)
        st.session_state[key] = known
    first = _predicted(lab, space, waiting[0])
    _one(lab, space, first)
    st.caption(f"{len(known) - len(waiting) + 1} of {len(known)} proposed")
    done = [name for name in known if name not in waiting]
    shown = [*waiting[1:], *done]
    captions = ["next"] * (len(waiting) - 1)
    captions += [
        one or "left out" for one in (lab.labels.labels_now(space.data, done) if done else [])
    ]
    if shown:
        thumbs(
            space.data,
            shown,
            [f"space/image/{space.key}/{space.place_of(name)}" for name in shown],
            captions,
            columns=10,
            key="proposed",
            pixelated=space.images.style != "photo",
        )
    note(
        "Keys: Enter takes the predicted class, a digit or letter sets that class, → skips, X leaves"
        " the image out, U takes your latest decision back."
    )


def _excluded(current: dict, name: str) -> bool:
    return name in current and current[name].excluded


def _predicted(lab: Lab, space: Space, name: str) -> Proposal:
    from engine.services.labelling import Proposal

    head, place = lab.labelling.head(space), space.place_of(name) or 0
    if head is None:
        return Proposal(place, name, "", 0.0)
    p = head.probabilities(space.embeddings[place][None])[0]
    best = int(p.argmax())
    return Proposal(place, name, head.classes[best], float(p[best]))


def _one(lab: Lab, space: Space, one: Proposal) -> None:
    """The image, what is predicted, and a button and a key for each class."""
    classes = lab.labels.classes(space.data)
    keys = _keys(classes)
    left, right = st.columns([1, 3], gap="large")
    with left, st.container(key="candidate"):
        st.html(
            f'<img src="space/image/{space.key}/{one.place}" alt="the image to label" style="width:100%;'
            "max-width:220px;image-rendering:pixelated;border-radius:8px;border:1px solid"
            ' rgba(128,138,150,.4);background:white">'
        )
    with right:
        if one.likely:
            st.markdown(f"### {literal(one.likely)}? :gray[{percent(one.confidence, 0)}]")
        else:
            st.markdown("### Which class is it?")
        with st.container(horizontal=True, gap="small"):
            if one.likely:
                st.button(
                    f"Yes, {literal(one.likely)}",
                    key="take",
                    type="primary",
                    shortcut="Enter",
                    on_click=act,
                    args=(_give, lab, space.data, one.name, one.likely, False),
                )
            for name in classes:
                if name in keys:
                    st.button(
                        literal(name),
                        key=f"give-{name}",
                        shortcut=keys[name],
                        on_click=act,
                        args=(_give, lab, space.data, one.name, name, True),
                    )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.selectbox(
                "Class",
                classes,
                index=None,
                key=f"any-{one.name}",
                accept_new_options=True,
                placeholder="Choose, or type a new class",
                width=220,
            )
            do_button(
                "Set",
                act,
                (_give, lab, space.data, one.name, name, True),
                key="give",
                shortcut="Ctrl+Enter",
                disabled=not name,
            )
        with st.container(horizontal=True, gap="small"):
            st.button("Skip", key="skip", shortcut="Right", on_click=_skip, args=(space, one.name))
            st.button(
                "Leave out",
                key="out",
                shortcut=None if "x" in keys.values() else "X",
                icon=":material/block:",
                on_click=act,
                args=(_out, lab, space.data, one.name),
            )
            st.button(
                "Undo",
                key="undo",
                shortcut=None if "u" in keys.values() else "U",
                icon=":material/undo:",
                disabled=lab.labels.decisions(space.data).latest(person()) is None,
                on_click=act,
                args=(_undo, lab, space.data),
            )


def _keys(classes: tuple[str, ...]) -> dict[str, str]:
    """A key for each class that is one letter or digit; none where two would share one."""
    keys = {name: name.lower() for name in classes if len(name) == 1 and name.isalnum()}
    taken = list(keys.values())
    return {name: key for name, key in keys.items() if key.isascii() and taken.count(key) == 1}


def _give(lab: Lab, data: str, name: str, to: str, own: bool) -> None:
    lab.labels.relabel(data, [name], to, who=person(), why=WHY, own=own, new_class=True)


def _out(lab: Lab, data: str, name: str) -> None:
    lab.labels.mark(data, "exclude", [name], who=person(), why=WHY)


def _undo(lab: Lab, data: str) -> None:
    lab.labels.undo(data, who=person(), why=WHY, of=person())


def _skip(space: Space, name: str) -> None:
    st.session_state[f"skipped-{space.key}"].append(name)
