"""Section Diagnosis: what is wrong with the labels, the evidence, T, and for Task 3 the results of
training on its labels as names of the class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from app.charts import noise as charts
from app.charts.words import images_of, literal
from app.sections.noise import choose
from app.sections.noise.suspects import pictures
from app.widgets import chart, link, note
from app.widgets.explain import explain, full
from engine.files.checked import LONGEST_YAML
from engine.noise.shares import share, two_counts, two_estimates

if TYPE_CHECKING:
    from engine.files.documents import LabelDiagnosis
    from engine.lab import Lab
    from engine.noise.storage import Diagnosis
    from engine.recipes.recipe import Recipe

ICONS = {
    "clean": ":material/check_circle:",
    "few errors": ":material/error:",
    "symmetric": ":material/shuffle:",
    "class-dependent": ":material/swap_horiz:",
    "complementary": ":material/block:",
    "independent": ":material/casino:",
    "undecided": ":material/help:",
}
HYPOTHESES = {
    "symmetric": "symmetric noise",
    "complementary": "complementary labels",
    "class-dependent": "class-dependent noise",
}
STUDY = "C"  # whose results are shown beside the recovered model
THROUGH_T = (
    "Train on the likely classes: section Cleaned labels. Or on the labels as they are, through the transition"
    " matrix T below, which says how often the images of each class carry each label: a recipe with"
    " `loss: forward` and T among its `loss_options`."
)
LOOK_FIRST = (
    "Look at the images first: which label is the name of a class is not certain here, and the likely"
    " classes may rest on the other one. Then: "
)
ADVICE = {
    "clean": "",
    "few errors": (
        "Correct the suspects and train on the result: section Review, then Cleaned labels."
    ),
    "symmetric": THROUGH_T,
    "class-dependent": THROUGH_T,
    "complementary": (
        "Train with `method: recovered`, as recipe `task3-recovered` does, or on the likely classes:"
        " section Cleaned labels."
    ),
    "independent": "The labels carry no information about the images: there is nothing to learn from them.",
    "undecided": (
        "Look at the images: at the suspects in section Review, and at the groups below if there are"
        " any. What you decide there is what these data can't."
    ),
}


def draw(lab: Lab) -> None:
    """Draw the section."""
    name = choose.dataset(lab)
    if name is None:
        return
    if name == "task3":
        task3(lab)
    found = choose.diagnosis(lab, name)
    if found is not None:
        show(lab, found)


def show(lab: Lab, found: Diagnosis) -> None:
    """A finished diagnosis, conclusion first."""
    document = found.document
    low, high = document["noise_rate_interval"]
    title = document["headline"]
    with st.container(border=True, key="verdict"):
        st.subheader(
            f"{ICONS[document['regime']]} {literal(title[0].upper() + title[1:])}", anchor=False
        )
        st.markdown(literal(document["summary"]))
        with st.container(horizontal=True, gap="large"):
            undecided = document["regime"] == "undecided"
            interval = f"{share(low)} to {share(high)}"
            if undecided:
                st.metric("Wrong labels", interval, width="content")
            else:
                st.metric("Wrong labels", share(document["noise_rate"]), width="content")
                st.metric("95% interval", interval, width="content")
            st.metric("Images", f"{document['n']:,}", width="content")
            correct = document["n"] * (1 - document["noise_rate"])
            if not undecided:
                st.metric("Correct labels, estimated", f"{correct:,.0f}", width="content")
        if words := two_counts(document):
            note(words)
        if advice := advice_on(document):
            st.markdown(f"**What to do.** {advice}")
    groups(found)
    left, right = st.columns(2)
    with left:
        chart(charts.transition(document["transition"], document["classes"]), key="transition")
    with right:
        chart(charts.confusion(document["likely_given"], document["classes"]), key="likely-given")
    through_t(lab, found)
    rate, matrix = document["noise_rate"], document["transition"]
    if words := two_estimates(rate, low, high, matrix, document["regime"]):
        note(words)
    explain("noise-rate", "transition", "regimes", "suspicion", "out-of-sample")
    unknowable(document)
    if full():
        evidence(found)
    else:
        note("The evidence behind this, in likelihoods: switch on *All statistics* at the left.")
    choose.again(lab, found)


def advice_on(document: LabelDiagnosis) -> str:
    """What to do about the labels. Where no name of a class is certain, the likely classes aren't either."""
    unnamed = document["regime"] == "class-dependent" and document["noise_rate_interval"][1] >= 1
    return f"{LOOK_FIRST if unnamed else ''}{ADVICE[document['regime']]}"


def through_t(lab: Lab, found: Diagnosis) -> None:
    """The recipe that trains through T, to be downloaded, where that is advised."""
    document = found.document
    if ADVICE[document["regime"]] != THROUGH_T:
        return
    text = forward_recipe(lab, document).to_yaml()
    if len(text) > LONGEST_YAML:  # of more than about 80 classes: such a recipe would not be read
        return
    st.download_button(
        "Recipe with T (YAML)",
        text,
        f"{document['name']}-forward.yaml",
        "application/yaml",
        key="forward-recipe",
        icon=":material/download:",
        on_click="ignore",
    )
    note(
        "The recipe *quick* on these labels with `loss: forward` and this T. Run it with `python -m engine"
        " train FILE`, or paste it on page Train: *Edit as* YAML."
    )


def forward_recipe(lab: Lab, document: LabelDiagnosis) -> Recipe:
    """The recipe `quick` on a diagnosed data set, by forward correction with its T."""
    matrix = [[round(share, 6) for share in row] for row in document["transition"]]
    changes = {
        "data.name": document["name"],
        "data.style": document["style"],
        "data.classes": None,
        "data.test_on": None,
        "loss": "forward",
        "loss_options": {"transition": matrix},
    }
    return lab.recipe("quick", changes)


def unknowable(document: LabelDiagnosis) -> None:
    """What no method could tell from such data."""
    st.subheader("What these data can't tell", anchor=False)
    for sentence in document["unknowable"]:
        st.markdown(f"- {literal(sentence)}")


def evidence(found: Diagnosis) -> None:
    """What the verdict rests on, for who reads likelihoods."""
    document = found.document
    st.subheader("Evidence", anchor=False)
    for sentence in document["evidence"]:
        st.markdown(f"- {literal(sentence)}")
    left, right = st.columns(2)
    with left:
        chart(charts.hypotheses(document["hypotheses"], HYPOTHESES), key="hypotheses")
    with right:
        counts, edges = np.histogram(found.arrays["score"], bins=50, range=(0, 1))
        chart(charts.scores(edges.tolist(), counts.tolist()), key="scores")
    explain("nats", "average-precision")


def groups(found: Diagnosis) -> None:
    """Groups of images that look like one class, where their names can't be told."""
    rows = found.document["groups"]
    if not rows:
        return
    st.subheader("Groups of images to name", anchor=False)
    note(
        "Images of one row look like one class, unless it says otherwise. Which of their labels is its name,"
        " or whether none is, you can see."
    )
    for number, row in enumerate(rows):
        labels = ", ".join(
            f"{literal(one['label'])} ({share(one['share'])})" for one in row["labels"]
        )
        like = "" if row.get("alike", True) else " that look like no class in particular"
        st.markdown(f"{images_of(row['count'])}{like}, labelled {labels}")
        places = [place for place in row["samples"] if place < found.n]
        pictures(found, places, columns=16, key=f"group-{number}")


def plain(title: str) -> str:
    """A reported result's name without that of its study."""
    return title.removeprefix(f"study {STUDY}, ")


def task3(lab: Lab) -> None:
    """The reported results beside the recovered model, and the reason for them."""
    from engine.services import task3_results

    with st.spinner("Reading results…"):
        published, here = task3_results.published(lab.store), task3_results.plain_runs(lab.store)
        recovered = task3_results.recovered(lab.store)
    with st.container(border=True, key="task3"):
        named = [{**row, "title": plain(row["title"])} for row in published]
        chart(charts.task3(named, here, recovered), key="attempts")
        note(
            "As names: trained as if each label named its image's class. The reported results are those"
            f" of study {STUDY}, on page Study."
        )
        best = max((row["accuracy"] for row in recovered), default=None)
        ours = f"**{100 * best:.2f}%**" if best is not None else "over 99%"
        st.markdown(
            "**Why 0% is better news than 10%.** A model that learned nothing would guess one"
            f" digit in ten. All {len(published)} reported results are far *below* that: the"
            " models learned to avoid the true class. That is only possible if the labels"
            " themselves avoid it: they are complementary labels, each of which names a class"
            " that its image does *not* belong to.\n\nTrained on them as such, a model reaches"
            f" {ours} on MNIST's test images, with the same images and no other labels."
        )
        if recovered:
            link("models", "The recovered model", model=recovered[0]["name"])
        link("train", "Train it yourself", recipe="task3-recovered")
    if not recovered:
        note(
            "No recovered model is here yet: train recipe `task3-recovered`; its small version takes"
            " three minutes."
        )
