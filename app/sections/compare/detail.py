"""How the compared runs converge, two of them in detail, their mistakes and their calibration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from app.charts import compare as charts
from app.charts import compare_classes
from app.charts.words import literal, number
from app.samples.thumbs import thumbs
from app.sections.compare.colours import colours_of
from app.widgets.common import chart, empty, note
from engine.errors import GlyphlabError, RunError

if TYPE_CHECKING:
    from engine.compare.subjects import Subject
    from engine.lab import Lab

SHOWN = 40  # images in a gallery at first


def convergence(lab: Lab, subjects: Sequence[Subject]) -> None:
    """Curves of all the runs on one axis, and how long each took to each accuracy."""
    with st.container(horizontal=True, gap="medium"):
        measure = st.segmented_control(
            "Measure",
            list(charts.MEASURES),
            default="held-out accuracy",
            required=True,
            key="measure",
        )
        axis = st.segmented_control(
            "By", list(charts.AXES), default="epochs", required=True, key="axis"
        )
    together = st.toggle(
        "Average runs of one recipe (mean and range over seeds)", value=True, key="together"
    )
    chart(
        charts.convergence(lines_of(lab, subjects, together), measure, axis),
        key=f"convergence-{measure}-{axis}",
    )
    note(
        "Held-out: the validation images; for recipes without them that evaluate on the test split"
        " each epoch, as some of the published studies did, the test images."
    )
    if together and any(len(group.members) > 1 for group in lab.compare.groups(subjects)):
        note("Line: mean over seeds. Band: from the lowest to the highest seed.")
    rows, colours = lab.compare.table(subjects), colours_of(subjects)
    left, right = st.columns(2)
    with left:
        chart(charts.thresholds(rows, "epochs", colours), key="epochs-to")
    with right:
        chart(charts.thresholds(rows, "seconds", colours), key="seconds-to")


def lines_of(lab: Lab, subjects: Sequence[Subject], together: bool = True) -> list[charts.Line]:
    """What is drawn as one line each: recipes with all their seeds, or every run."""
    colours = colours_of(subjects)
    if together:
        return [
            charts.Line(
                group.label, [s.epochs for s in group.members], colours[group.members[0].id]
            )
            for group in lab.compare.groups(subjects)
        ]
    return [charts.Line(s.label, [s.epochs], colours[s.id]) for s in subjects]


def two(lab: Lab, subjects: Sequence[Subject]) -> None:
    """Two of the runs on the same images: who is right where the other is wrong."""
    if len(subjects) < 2:
        empty(
            "Choose a second run above to see the images that only one of the two classifies correctly."
        )
        return
    by_id = {s.id: s for s in subjects}
    left, right = st.columns(2)
    with left:
        first = st.selectbox(
            "First", list(by_id), format_func=lambda id: by_id[id].label, key="first"
        )
    with right:
        others = [id for id in by_id if id != first]
        second = st.selectbox(
            "Second", others, format_func=lambda id: by_id[id].label, key="second"
        )
    pair = lab.compare.pair(by_id[first], by_id[second])
    names, test = (pair.first.label, pair.second.label), pair.test
    with st.container(horizontal=True, gap="medium"):
        st.metric("Images scored by both", number(len(pair.labels)), width=170)
        st.metric(
            "Only the first correct", number(test.only_first), help=literal(names[0]), width=170
        )
        st.metric(
            "Only the second correct", number(test.only_second), help=literal(names[1]), width=170
        )
        st.metric("Both wrong", number(test.neither), width=170)
        st.metric(
            "McNemar's p",
            "< 0.001" if test.p < 0.001 else f"{test.p:.3f}",
            width=170,
            help="exact" if test.exact else "chi-square with continuity correction",
        )
    colours = colours_of(subjects)
    by_class = compare_classes.class_differences(
        pair.by_class, *names, (colours[first], colours[second])
    )
    chart(by_class, key=f"classes-{first}-{second}")
    which = st.segmented_control(
        "Confusion",
        ["difference", "first", "second"],
        default="difference",
        required=True,
        key="which-confusion",
    )
    if which == "difference":
        plot = compare_classes.confusion_difference(
            pair.first_confusion.tolist(), pair.second_confusion.tolist(), pair.classes, names
        )
    else:
        matrix, name = (
            (pair.first_confusion, names[0])
            if which == "first"
            else (pair.second_confusion, names[1])
        )
        plot = compare_classes.confusion(matrix.tolist(), pair.classes, name)
    chart(plot, key=f"confusion-{which}-{first}-{second}")
    for title, where, wrong, subject in (
        (f"Only {literal(names[0])} is correct", pair.first_only, pair.second_says, pair.first),
        (f"Only {literal(names[1])} is correct", pair.second_only, pair.first_says, pair.second),
    ):
        st.subheader(f"{title} · {number(len(where))} images", anchor=False)
        captions = [
            f"{pair.classes[pair.labels[i]]}, predicted {pair.classes[wrong[i].argmax()]}"
            f" ({wrong[i].max():.0%})"
            for i in where[:SHOWN]
        ]
        gallery(
            lab, subject, pair.index[where[:SHOWN]].tolist(), captions, key=f"only-{subject.id}"
        )


def mistakes(lab: Lab, subjects: Sequence[Subject]) -> None:
    """The images with the highest losses of one run, and its confusion matrix."""
    by_id = {s.id: s for s in subjects}
    left, right = st.columns([2, 1])
    with left:
        id = st.selectbox(
            "Run", list(by_id), format_func=lambda id: by_id[id].label, key="mistakes-of"
        )
    with right:
        count = st.select_slider("Images", [20, 40, 80, 160], value=SHOWN, key="mistakes-count")
    subject = by_id[id]
    worst = lab.compare.mistakes(subject, count)
    st.subheader("Top losses", anchor=False)
    captions = [
        (
            f"{row['true']}, correct at {row['p_true']:.0%}"
            if row["true"] == row["predicted"]
            else f"{row['true']}, predicted {row['predicted']} ({row['p_predicted']:.0%})"
        )
        for row in worst
    ]
    gallery(lab, subject, [row["index"] for row in worst], captions, key=f"worst-{id}")
    if subject.final.get("confusion"):
        classes = [row["class"] for row in subject.final["per_class"]]
        chart(
            compare_classes.confusion(
                subject.final["confusion"], classes, f"Confusion of {subject.label}"
            ),
            key=f"confusion-of-{id}",
        )


def calibration(lab: Lab, subjects: Sequence[Subject]) -> None:
    """Whether the runs' probabilities mean what they say."""
    curves, missing = {}, []
    for subject in subjects:
        try:
            curves[subject.label] = lab.compare.reliability(subject)
        except RunError:
            missing.append(subject.label)
    if curves:
        colours = colours_of(subjects)
        by_label = {subject.label: colours[subject.id] for subject in subjects}
        chart(compare_classes.reliability(curves, by_label), key="reliability")
        note(
            "After temperature scaling on the validation images. The area of a point is proportional to"
            " the number of images in it."
        )
    if missing:
        note(f"Without saved predictions: {', '.join(missing)}.")


def gallery(
    lab: Lab, subject: Subject, index: Sequence[int], captions: Sequence[str], key: str
) -> None:
    """Images of the data set that the run was scored on; says so where it is not available."""
    if not index:
        st.caption("None.")
        return
    try:
        images = lab.compare.images(subject, index)
    except GlyphlabError as error:
        st.info(f"The images can't be shown: {error}", icon=":material/image_not_supported:")
        return
    names = lab.compare.names(subject, index)
    thumbs(subject.test_spec().name, names, np.asarray(images), captions, columns=10, key=key)
