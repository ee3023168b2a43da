"""Two of the compared runs in detail, their mistakes and their calibration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from app.charts import compare_classes
from app.charts.base import class_labels
from app.charts.words import literal, number, probability
from app.samples.confused import Cell, pick_confusion, pick_of_two
from app.samples.thumbs import thumbs
from app.sections.compare.colours import colours_of
from app.sections.compare.labels import by_labels, together
from app.widgets.common import chart, empty, note
from engine.compare.matched import APART, ChangedImagesError, OtherLabelsError
from engine.errors import GlyphlabError, RunError, sentence

if TYPE_CHECKING:
    from engine.compare.subjects import Subject
    from engine.lab import Lab
    from engine.services.comparison import Pair

SHOWN = 40  # images in a gallery at first


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
    try:
        pair = lab.compare.pair(by_id[first], by_id[second])
    except (OtherLabelsError, ChangedImagesError) as error:
        where = together(lab, [by_id[first], by_id[second]])
        st.info(f"{sentence(error)}. {where}", icon=":material/info:")
        return
    except RunError as error:
        if all(lab.run(id).info().saved for id in (first, second)) and APART in str(error):
            where = together(lab, [by_id[first], by_id[second]])
            st.info(f"{sentence(APART)}. {where}", icon=":material/info:")
            return
        raise
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
        _p(lab, subjects, names)
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
    matrices = (pair.first_confusion.tolist(), pair.second_confusion.tolist())
    if which == "difference":
        plot = compare_classes.confusion_difference(*matrices, pair.classes, names)
    else:
        number_of = 0 if which == "first" else 1
        plot = compare_classes.confusion(matrices[number_of], pair.classes, names[number_of])
    key = f"confusion-{which}-{first}-{second}"
    event = chart(
        compare_classes.with_cells(plot), key=key, on_select="rerun", selection_mode="points"
    )
    note("Click a cell, or choose a row below, to see its images.")
    cell = cell_in(event, pair.classes)
    table = f"{key}-{'-'.join(cell or ())}"  # a click clears the row that was chosen before it
    _of_pair(lab, pair, which, pick_of_two(table, *matrices, pair.classes) or cell, key)
    for right, other, where, wrong, subject in (
        (*names, pair.first_only, pair.second_says, pair.first),
        (*reversed(names), pair.second_only, pair.first_says, pair.second),
    ):
        title = f"Only {literal(right)} is correct"
        images = f"{number(len(where))} image{'s' * (len(where) != 1)}"
        st.subheader(f"{title} · {images}", anchor=False)
        if len(where):
            note(f"Below each: its class, and what **{literal(other)}** predicted.")
        captions = [
            f"{pair.classes[pair.labels[i]]}, predicted {pair.classes[wrong[i].argmax()]}"
            f" ({wrong[i].max():.0%})"
            for i in where[:SHOWN]
        ]
        gallery(lab, subject, pair.index[where].tolist(), captions, key=f"only-{subject.id}")


def _p(lab: Lab, subjects: Sequence[Subject], names: tuple[str, str]) -> None:
    """McNemar's p of the two runs of these names, as the table of all pairs has it."""
    tests = lab.compare.tests(subjects)
    p = next(row["p_corrected"] for row in tests if {row["first"], row["second"]} == set(names))
    by = "Exact, by the binomial distribution"
    st.metric(
        "McNemar's p" if len(tests) == 1 else "McNemar's p, corrected",
        "< 0.001" if p < 0.001 else f"{p:.3f}",
        width=190,
        help=by
        if len(tests) == 1
        else f"{by}; corrected for the {len(tests)} pairs of the compared runs (Holm)",
    )


def cell_in(event: Any, classes: Sequence[str]) -> tuple[str, str] | None:
    """The (true, predicted) class of the cell that was clicked in a confusion matrix; None: none."""
    points = event["selection"]["points"] if event else []
    named = dict(zip(class_labels(classes), classes, strict=True))
    chosen = tuple(named.get(str(points[0].get(axis))) for axis in "yx") if points else ()
    return (chosen[0], chosen[1]) if chosen and chosen[0] and chosen[1] else None


def _of_pair(lab: Lab, pair: Pair, which: str, cell: tuple[str, str] | None, key: str) -> None:
    """The images of one cell: of one run those that it predicts so, of the difference those that only
    one of the two does.
    """
    if cell is None:
        return
    true, read = (pair.classes.index(name) for name in cell)
    of_class = pair.labels == true
    one, two = (of_class & (said.argmax(1) == read) for said in (pair.first_says, pair.second_says))
    sides = {
        "first": [(pair.first, pair.first_says, one)],
        "second": [(pair.second, pair.second_says, two)],
        "difference": [
            (pair.first, pair.first_says, one & ~two),
            (pair.second, pair.second_says, two & ~one),
        ],
    }[which]
    only = "only by" if which == "difference" else "by"
    for subject, said, here in sides:
        where = np.flatnonzero(here)
        where = where[np.argsort(-said[where, read], kind="stable")]
        st.markdown(
            f"**{literal(cell[0])}, predicted {literal(cell[1])}** {only} {literal(subject.label)}:"
            f" {number(len(where))} images"
        )
        captions = [f"{share:.0%}" for share in said[where[:SHOWN], read]]
        gallery(lab, subject, pair.index[where].tolist(), captions, key=f"{key}-{subject.id}")


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
    st.subheader("Worst predictions", anchor=False)
    note(
        "The images whose own class was given the lowest probability (the highest loss), worst first."
    )
    captions = [
        (
            f"{row['true']}, correct at {probability(row['p_true'])}"
            if row["true"] == row["predicted"]
            else f"{row['true']}, predicted {row['predicted']} ({probability(row['p_predicted'])})"
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
        split = "test" if subject.split == "test" else "validation"
        by = by_labels(lab, subject, subjects)
        cell = pick_confusion(f"confused-{id}", subject.final["confusion"], classes, split, by)
        if cell is not None:
            _of_cell(lab, subject, cell)


def _of_cell(lab: Lab, subject: Subject, cell: Cell) -> None:
    """The images that a run takes for another class, its surest errors first."""
    found = lab.compare.predictions(subject)
    classes, sure = np.array(found.classes), found.probabilities.max(1)
    here = (classes[found.labels] == cell.true) & (classes[found.predicted] == cell.read)
    where = np.flatnonzero(here)
    where = where[np.argsort(-sure[where], kind="stable")]
    captions = [probability(float(share)) for share in sure[where[:SHOWN]]]
    gallery(lab, subject, found.index[where].tolist(), captions, key=f"cell-{subject.id}")
    note("Below each: the probability of the predicted class.")


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
            "After temperature scaling, on the validation images where a run has some. The area of a point is"
            " proportional to the number of images in it."
        )
    if missing:
        note(f"Without saved predictions: {', '.join(map(literal, missing))}.")


def gallery(
    lab: Lab, subject: Subject, index: Sequence[int], captions: Sequence[str], key: str
) -> None:
    """Images of the data set that the run was scored on, as many as have captions; says so where these
    are not all, or where the data set is not available.
    """
    if not index:
        st.caption("None.")
        return
    count, index = len(index), index[: len(captions)]
    try:
        images = lab.compare.images(subject, index)
    except GlyphlabError as error:
        st.info(f"The images can't be shown: {error}", icon=":material/image_not_supported:")
        return
    names = lab.compare.names(subject, index)
    thumbs(subject.test_spec().name, names, np.asarray(images), captions, columns=10, key=key)
    if len(index) < count:
        note(f"The first {len(index)} of {number(count)}.")
