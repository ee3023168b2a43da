"""The sections of the Compare page: what the runs settle, how they converge, two of them in detail,
their mistakes, their calibration.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from app.charts import compare as charts
from app.charts.words import number, seconds
from app.widgets.common import chart, empty, note
from app.widgets.pictures import image_grid
from engine.errors import GlyphlabError, RunError

if TYPE_CHECKING:
    from engine.compare.subjects import Subject
    from engine.lab import Lab

SHOWN = 40  # images in a gallery at first


def choose(ids: Sequence[str]) -> None:
    """Compare these runs from the next drawing on."""
    st.query_params["runs"] = ",".join(ids)


def questions(lab: Lab) -> None:
    """A button for each question of a study that has runs on both sides, and for the latest recipe
    with several seeds.
    """
    from engine.services.study import STUDIES

    offers: list[tuple[str, list[str]]] = []
    for letter, part in STUDIES.items():
        if part.question:
            sides = [lab.study.runs_of(name)[:5] for name in part.question]
            if all(sides):
                offers.append(
                    (f"Study {letter}: {' against '.join(part.question)}", [*sides[0], *sides[1]])
                )
    seen: dict[str, list[str]] = {}
    for run in lab.runs():
        if run.state == "finished":
            seen.setdefault(run.recipe, []).append(run.id)
    offers += [
        (f"The {len(ids[:8])} latest of {name}", ids[:8])
        for name, ids in seen.items()
        if len(ids) > 1
    ][:3]
    if not offers:
        return
    st.caption("Or start from")
    with st.container(horizontal=True):
        for at, (label, ids) in enumerate(offers):
            st.button(
                label,
                key=f"question-{at}",
                icon=":material/compare_arrows:",
                on_click=choose,
                args=(ids,),
            )


def answer(lab: Lab, subjects: Sequence[Subject]) -> None:
    """What the runs settle: sentences, scores with their intervals, tests, and the recipes'
    differences.
    """
    sentences = lab.compare.answers(subjects)
    if sentences:
        with st.container(border=True, key="answers"):
            for sentence in sentences:
                st.markdown(sentence)
    elif len(lab.compare.groups(subjects)) > 1:
        st.info(
            "These recipes differ, but no two were scored on the same images: which is better can't"
            " be said.",
            icon=":material/info:",
        )
    elif len(subjects) > 1:
        st.info(
            "These runs differ by their seed alone: their spread is below.", icon=":material/info:"
        )
    for place, rows in scores_by_place(lab, subjects).items():
        chart(charts.scores(rows, place), key=f"scores-{place}")
    st.subheader("Figures", anchor=False)
    table(lab, subjects)
    tests = lab.compare.tests(subjects)
    if tests:
        st.subheader("Is the difference real?", anchor=False)
        st.dataframe(
            [
                {
                    "first": row["first"],
                    "second": row["second"],
                    "images": row["n"],
                    "only first right": row["only_first"],
                    "only second right": row["only_second"],
                    "p": row["p"],
                    "p corrected": row["p_corrected"],
                    "verdict": "real" if row["p_corrected"] < 0.05 else "may be chance",
                }
                for row in tests
            ],
            hide_index=True,
            key="tests",
            column_config={
                "p": st.column_config.NumberColumn(format="%.3g"),
                "p corrected": st.column_config.NumberColumn(format="%.3g"),
            },
        )
        note(
            "McNemar's test on the images that both were asked about; p corrected for the number of"
            " pairs (Holm). It speaks of these trained models, not of the recipes: for those, run"
            " several seeds."
        )
    differences = lab.compare.differences(subjects)
    if differences:
        with st.expander(
            "How the recipes differ", icon=":material/difference:", expanded=len(differences) <= 8
        ):
            st.dataframe(
                [{key: str(value) for key, value in row.items()} for row in differences],
                hide_index=True,
                key="differences",
            )


def scores_by_place(lab: Lab, subjects: Sequence[Subject]) -> dict[str, list[charts.Score]]:
    """For each set of images that runs were scored on, the rows of its plot."""
    places = dict.fromkeys(s.scored_on for s in subjects)
    found = {
        place: score_rows(lab, [s for s in subjects if s.scored_on == place]) for place in places
    }
    return {place: rows for place, rows in found.items() if rows}


def score_rows(lab: Lab, subjects: Sequence[Subject]) -> list[charts.Score]:
    """One row for each recipe, in percent: the seeds' scores and the interval of their mean, or of
    the one score.
    """
    out = []
    for group in lab.compare.groups(subjects):
        if not group.spread:
            continue
        low, high = group.spread.low, group.spread.high
        if group.spread.n == 1 and (interval := group.members[0].interval):
            low, high = interval
        bounds = (None, None) if low is None or high is None else (100 * low, 100 * min(high, 1.0))
        kind = (
            f"mean of {group.spread.n} seeds"
            if group.spread.n > 1
            else f"{number(group.members[0].n)} images"
        )
        out.append(
            charts.Score(group.label, [100 * score for score in group.scores], *bounds, kind)
        )
    return out


def table(lab: Lab, subjects: Sequence[Subject]) -> None:
    """The figures of every run; click a column to sort."""
    share, plain = (
        st.column_config.NumberColumn(format="percent"),
        st.column_config.NumberColumn(format="localized"),
    )
    rows = lab.compare.table(subjects)
    names = {
        "name": "run",
        "accuracy": "accuracy",
        "low": "95% from",
        "high": "to",
        "validation": "validation",
        "knn": "kNN",
        "train": "train",
        "gap": "gap",
        "ece": "calibration error",
        "loss": "loss",
        "setbacks": "setbacks",
        "parameters": "parameters",
        "epochs": "epochs",
        "seconds": "time",
        "device": "device",
        "scored_on": "scored on",
    }
    shown = [{title: row[key] for key, title in names.items()} | _steps(row) for row in rows]
    for row in shown:
        row["time"] = seconds(row["time"])
    shares = ("accuracy", "low", "high", "validation", "knn", "train", "gap", "ece", "setbacks")
    config: dict[str, Any] = {names[key]: share for key in shares} | {
        "parameters": plain,
        "run": st.column_config.TextColumn(pinned=True),
    }
    st.dataframe(shown, hide_index=True, key="figures", placeholder="–", column_config=config)
    note(
        "Gap: training accuracy minus the score. Setbacks: of all that the held-out loss moved from"
        " epoch to epoch, the share that went up; 0 is a smooth descent. Accuracy with its 95%"
        " Wilson interval."
    )


def _steps(row: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{key.split('_')[0]} to {100 * float(key.rpartition('_')[2]):g}%": value
        for key, value in row.items()
        if "_to_" in key
    }


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
    together = st.toggle("Seeds of one recipe as mean and spread", value=True, key="together")
    chart(
        charts.convergence(lines_of(lab, subjects, together), measure, axis),
        key=f"convergence-{measure}-{axis}",
    )
    note(
        "Held-out: the validation images, or the test images where a recipe holds none back and"
        " follows the test as the studies did."
    )
    if together and len(lab.compare.groups(subjects)) < len(subjects):
        note("Line: mean of the seeds. Band: from the least to the most of them.")
    rows = lab.compare.table(subjects)
    left, right = st.columns(2)
    with left:
        chart(charts.thresholds(rows, "epochs"), key="epochs-to")
    with right:
        chart(charts.thresholds(rows, "seconds"), key="seconds-to")


def lines_of(lab: Lab, subjects: Sequence[Subject], together: bool = True) -> list[charts.Line]:
    """What is drawn as one line each: recipes with all their seeds, or every run."""
    if together:
        return [
            charts.Line(group.label, [s.epochs for s in group.members])
            for group in lab.compare.groups(subjects)
        ]
    return [charts.Line(s.label, [s.epochs]) for s in subjects]


def two(lab: Lab, subjects: Sequence[Subject]) -> None:
    """Two of the runs on the same images: who is right where the other is wrong."""
    if len(subjects) < 2:
        empty("Choose a second run above to see what one reads that the other does not.")
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
        st.metric("Images asked of both", number(len(pair.labels)), width=170)
        st.metric("Only the first right", number(test.only_first), help=names[0], width=170)
        st.metric("Only the second right", number(test.only_second), help=names[1], width=170)
        st.metric("Both wrong", number(test.neither), width=170)
        st.metric(
            "McNemar's p",
            "< 0.001" if test.p < 0.001 else f"{test.p:.3f}",
            width=170,
            help="exact" if test.exact else "chi-square with continuity correction",
        )
    chart(charts.class_differences(pair.by_class, *names), key=f"classes-{first}-{second}")
    which = st.segmented_control(
        "Confusion",
        ["difference", "first", "second"],
        default="difference",
        required=True,
        key="which-confusion",
    )
    if which == "difference":
        plot = charts.confusion_difference(
            pair.first_confusion.tolist(), pair.second_confusion.tolist(), pair.classes, names
        )
    else:
        matrix, name = (
            (pair.first_confusion, names[0])
            if which == "first"
            else (pair.second_confusion, names[1])
        )
        plot = charts.confusion(matrix.tolist(), pair.classes, name)
    chart(plot, key=f"confusion-{which}-{first}-{second}")
    for title, where, wrong, subject in (
        (f"Only {names[0]} is right", pair.first_only, pair.second_says, pair.first),
        (f"Only {names[1]} is right", pair.second_only, pair.first_says, pair.second),
    ):
        st.subheader(f"{title} · {number(len(where))} images", anchor=False)
        captions = [
            f"{pair.classes[pair.labels[i]]}, taken for {pair.classes[wrong[i].argmax()]}"
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
            f"{row['true']}, right at {row['p_true']:.0%}"
            if row["true"] == row["predicted"]
            else f"{row['true']}, taken for {row['predicted']} ({row['p_predicted']:.0%})"
        )
        for row in worst
    ]
    gallery(lab, subject, [row["index"] for row in worst], captions, key=f"worst-{id}")
    if subject.final.get("confusion"):
        classes = [row["class"] for row in subject.final["per_class"]]
        chart(
            charts.confusion(subject.final["confusion"], classes, f"Confusion of {subject.label}"),
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
        chart(charts.reliability(curves), key="reliability")
        note(
            "After temperature scaling on the validation images; the area of a point goes with the"
            " number of images in it."
        )
    if missing:
        note(f"No predictions were kept by {', '.join(missing)}.")


def gallery(
    lab: Lab, subject: Subject, index: Sequence[int], captions: Sequence[str], key: str
) -> None:
    """Images of the data set that the run was scored on; says so where it is not at hand."""
    if not index:
        st.caption("None.")
        return
    try:
        images = lab.compare.images(subject, index)
    except GlyphlabError as error:
        st.info(f"The images can't be shown: {error}", icon=":material/image_not_supported:")
        return
    image_grid(np.asarray(images), captions, columns=10, key=key)
