"""Labelling: which data set, by which model, how far it is, and the first model of the labels."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import streamlit as st

from app.sections.embeddings.choose import at_work, pick_segment
from app.sections.noise.choose import too_few_labels
from app.sections.proposed import finished, propose
from app.sections.unlabelled import all_labelled, first_without_labels, not_labelling
from app.widgets import allowed, link, note, number, percent, pick_dataset, pick_model
from app.widgets.explain import explain
from app.widgets.links import page_file
from app.widgets.person import pick_person
from engine.errors import GlyphlabError

if TYPE_CHECKING:
    from engine.embedding.space import Space
    from engine.lab import Lab

PART = "all"
LABELLED = "labelled"  # in the session: the data set and the model that were labelled with last
MEASURED_ON = "EMNIST's capital letters (`python -m bench labelling`)"


def label(lab: Lab) -> None:
    """The page."""
    if not lab.may("label"):
        not_labelling(lab)
        return
    left, right, name = st.columns([4, 4, 2])
    with left:
        data = pick_dataset(lab, "data", default=first_without_labels(lab))
    with right:
        if data is not None:
            _prefer(lab, data)
        model = pick_model(lab, "model")
    with name:
        pick_person()
    if data is None or model is None:
        return
    info = next(info for info in lab.datasets() if info.name == data)
    own_away = info.uploaded and not info.here  # those that come with the lab have all their labels
    if not own_away and not (info.here and lab.data.contents(data).report.unlabelled):
        all_labelled(lab, data)
        return
    space = _space(lab, model, data)
    if space is None:
        return
    st.session_state[LABELLED] = data, model
    st.query_params.update({"data": data, "model": model})  # what a reload and a link come back to
    standing = lab.labelling.standing(space)
    with st.container(horizontal=True, gap="medium"):
        st.metric("Without a label", number(standing.waiting), width=140)
        came = "with a label that came with the data set or was given here"
        st.metric("Labelled", number(standing.labelled), help=came, width=140)
        here = "of the labelled ones, those that somebody decided about here"
        st.metric("By hand", number(standing.by_hand), help=here, width=140)
        st.metric("Classes", number(len(standing.classes)), width=140)
        _score(lab, space, standing.by_hand)
    explain("linear", "given-labels", "accuracy")
    if not standing.waiting:
        st.markdown("Every image of this data set has a label, or was left out.")
        finished(lab, space)
        if standing.by_hand:
            _first_model(lab, space, len(standing.classes))
        if not too_few_labels(lab, data):
            link("noise", "Find label errors", data=data)
        return
    from engine.embedding.proposals import STRATEGIES, WORDS

    titles = {**WORDS, "random": "at random"}
    strategy = pick_segment(
        "Order of the images", {name: titles[name].capitalize() for name in STRATEGIES}, "by"
    )
    _measured(strategy, standing.labelled)
    propose(lab, space, strategy)
    if standing.by_hand:
        _first_model(lab, space, len(standing.classes))


def _prefer(lab: Lab, data: str) -> None:
    """Choose a model that the data set is embedded by, unless a person or the address has chosen one for
    it: one that stands there since another data set was labelled was not.
    """
    named, before = st.query_params.get("model"), st.session_state.get(LABELLED)
    carried = before is not None and before[0] != data and before[1] == named
    if named and not carried:
        return
    embedded = _embedded_by(lab, data)
    if embedded and (named or st.session_state.get("model")) not in embedded:
        st.query_params.pop("model", None)
        st.session_state["model"] = embedded[0]


def _embedded_by(lab: Lab, data: str) -> list[str]:
    """The saved models that a data set is embedded by, as both are now, the newest embedding first."""
    models = {model.name for model in lab.models()}
    out: list[str] = []
    for info in lab.spaces.list():
        if (info.data, info.part) == (data, PART) and info.model in models:
            with suppress(GlyphlabError):  # its model or data set is damaged
                if lab.spaces.find(info.model, data, PART) is not None:
                    out.append(info.model)
    return out


def _score(lab: Lab, space: Space, by_hand: int) -> None:
    from engine.services.labelling import LEAST_SCORED, MOST_FITTED

    found = lab.labelling.score(space)
    if found is None:
        st.metric(
            "Accuracy so far",
            "–",
            help=f"shown from {LEAST_SCORED} to {MOST_FITTED:,} labels",
            width=160,
        )
        return
    chosen = (
        f" {number(by_hand)} of them were labelled here: where these were chosen for being hard, others are"
        " classified rather better."
    )
    st.metric(
        "Accuracy so far",
        percent(found.accuracy, 0),
        f"random choice {percent(found.chance, 0)}",
        delta_color="off",
        delta_arrow="off",
        help=(
            f"Of {number(found.n)} labelled images, by classifiers that were fitted without them"
            f" (five-fold cross-validation); 95% interval {percent(found.low, 0)} to {percent(found.high, 0)}."
            f"{chosen if by_hand else ''}"
        ),
        width=160,
    )


def _first_model(lab: Lab, space: Space, classes: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        start = st.button(
            "Train a model on these labels",
            key="first-model",
            icon=":material/model_training:",
            help=f"From the weights of {space.model}; a fifth of the labels is held out to test it, where the data"
            " set has no test split of its own."
            if classes > 1
            else "A model needs labels of two classes.",
            disabled=classes < 2 or not lab.may("train"),
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


def _measured(strategy: str, labelled: int) -> None:
    """What as many labels of images drawn at random give: not to be told from labels of images that
    were chosen, so what a measurement came to.
    """
    from engine.embedding.proposals import MEASURED, WORDS

    at = max((n for n in MEASURED[strategy] if n <= labelled), default=min(MEASURED[strategy]))
    chosen, drawn = MEASURED[strategy][at], MEASURED["random"][at]
    if strategy == "random":
        note(
            f"Measured on {MEASURED_ON}: {at} labels of images drawn at random gave an accuracy of"
            f" {percent(drawn, 0)}. The other orders are compared with this one."
        )
        return
    note(
        f"Against images drawn at random, measured on {MEASURED_ON}: {at} labels gave an accuracy of"
        f" {percent(chosen, 0)} by *{WORDS[strategy]}*, {percent(drawn, 0)} at random. On your images it"
        " is not known: that would take as many labels of images drawn at random, beside yours."
    )
