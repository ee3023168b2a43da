"""The sections of the Compare page: what the runs show, how they converge, two of them in detail,
their mistakes, their calibration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.charts import compare as charts
from app.charts.words import literal, number, seconds
from app.sections.compare.colours import colours_of
from app.sections.compare.labels import told
from app.sections.tour import WORDS
from app.widgets.common import WIDE_TABLE, chart, note
from app.widgets.explain import full
from app.widgets.links import link
from app.widgets.runs import progress
from engine.compare.seeds import mixed, of_one_recipe
from engine.services.tour import PAIR

if TYPE_CHECKING:
    from engine.compare.subjects import Subject
    from engine.lab import Lab


# A network's speed is the machine's as well: pretraining changes no image's cost.
TIMES = (
    "Times depend on what else the machine did meanwhile: of runs on one machine that differ neither in"
    " data, network, batch and image size nor in augmentation and loss, one with far fewer images per"
    " second most likely shared it with something else. "
)
INTERVALS = (
    "Bars of several seeds: the wider of the 95% interval of their mean (Student's t over seeds) and that"
    " of one run's images (Wilson), so that seeds which happen to agree are not drawn as certain. Point"
    " at a mean to see which."
)


def choose(ids: Sequence[str]) -> None:
    """Compare these runs from the next drawing on."""
    st.query_params["runs"] = ",".join(ids)


def questions(lab: Lab) -> None:
    """A button for each question of a study that has runs on both sides, and for the latest recipe
    with several seeds.
    """
    from engine.services.studies import STUDIES

    offers: list[tuple[str, list[str]]] = []
    for letter, part in STUDIES.items():
        if part.question:
            sides = [lab.study.runs_of(name)[:5] for name in part.question]
            if all(sides):
                offers.append(
                    (f"Study {letter}: {' against '.join(part.question)}", [*sides[0], *sides[1]])
                )
    seen: dict[tuple[str, str], list[str]] = {}  # runs on other images can't be compared
    for run in lab.runs():
        if run.state == "finished":
            seen.setdefault((run.recipe, run.data), []).append(run.id)
    offers += [
        (f"The {len(ids[:8])} latest of {recipe} on {data}", ids[:8])
        for (recipe, data), ids in seen.items()
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


def asked(lab: Lab, ids: Sequence[str]) -> None:
    """The question of the first steps, where these are its runs."""
    if {lab.run(id).info().recipe for id in ids} == set(PAIR):
        later = any(lab.run(id).info().alive for id in ids)
        every = "both" if len(ids) == 2 else "all"
        when = f" The answer comes when {every} have ended." if later else ""
        st.markdown(f"**Does pretraining help?** {WORDS['compare'].about}{when}")


def under_way(lab: Lab, ids: Sequence[str], compared: Sequence[Subject]) -> None:
    """How far those of the runs are that have not ended; `compared` have finished an epoch."""
    named = {one.id for one in compared}
    for id in ids:
        run = lab.run(id)
        info = run.info()
        if id in named and not info.alive:
            continue
        share, words = progress(info, run.metrics())
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            link("train", f"{literal(info.name)} · {id}", run=id)
            st.progress(share, words)
    for sentence in lab.compare.left_out(ids, compared):
        note(literal(sentence))
    if any(lab.run(one.id).alive for one in compared):
        note(
            "A run that still trains is compared by its epochs until now. Its accuracy, and what"
            " follows from it, come with its end."
        )


def answer(lab: Lab, subjects: Sequence[Subject]) -> None:
    """What the runs show: sentences, scores with their intervals, tests, and the recipes'
    differences.
    """
    # Sentences are Markdown, and names are of whoever started a run.
    named = [replace(one, label=literal(one.label), kind=literal(one.kind)) for one in subjects]
    sentences = lab.compare.answers(named)
    if sentences:
        with st.container(border=True, key="answers"):
            for sentence in told(lab, subjects, sentences):
                st.markdown(sentence)
    elif len(groups := lab.compare.groups(subjects)) > 1:
        st.info(
            "These runs were scored on different images, so their accuracies cannot be compared."
            " Open *All of them on the same images* above to score them on the same ones."
            if all(group.spread for group in groups)
            else "There is no score to compare yet, or no images were held out to score on.",
            icon=":material/info:",
        )
    elif len(subjects) > 1:
        st.info(of_one_recipe(lab.compare.groups(subjects)[0]), icon=":material/info:")
    _doubles(lab, named)
    for place, rows in scores_by_place(lab, subjects).items():
        chart(charts.scores(rows, place), key=f"scores-{place}")
    if any(group.spread and group.spread.n > 1 for group in lab.compare.groups(subjects)):
        note(INTERVALS)
    st.subheader("Figures", anchor=False)
    table(lab, subjects)
    tests = lab.compare.tests(subjects)
    if tests:
        st.subheader("Is the difference significant?", anchor=False)
        st.dataframe(
            [
                {
                    "first": row["first"],
                    "second": row["second"],
                    "images": row["n"],
                    "only first correct": row["only_first"],
                    "only second correct": row["only_second"],
                    "p": row["p"],
                    "p (corrected)": row["p_corrected"],
                    "verdict": _verdict(row),
                }
                for row in tests
            ],
            hide_index=True,
            key="tests",
            column_config={
                "p": st.column_config.NumberColumn(format="%.3g"),
                "p (corrected)": st.column_config.NumberColumn(format="%.3g"),
            },
        )
        note(
            "McNemar's test on the images scored by both; p is corrected for the number of pairs"
            " (Holm). It compares these trained models, not their recipes: to compare recipes, train"
            " several seeds of each."
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


def _doubles(lab: Lab, subjects: Sequence[Subject]) -> None:
    """Which runs repeat another one, and so count in no mean and no interval."""
    labels = [one.label for group in lab.compare.groups(subjects) for one in group.doubles]
    if labels:
        counts = (
            "counts in no mean: it repeats" if len(labels) == 1 else "count in no mean: they repeat"
        )
        note(f"{', '.join(labels)} {counts} another run's recipe, seed and images.")
    groups = lab.compare.groups(subjects)
    for sentence in filter(None, map(mixed, groups if len(groups) > 1 else [])):
        note(sentence)


def _verdict(row: dict[str, Any]) -> str:
    if row["only_first"] == row["only_second"]:
        return "no difference"
    return "significant" if row["p_corrected"] < 0.05 else "not significant"


def scores_by_place(lab: Lab, subjects: Sequence[Subject]) -> dict[str, list[charts.Score]]:
    """For each set of images that runs were scored on, the rows of its plot."""
    places = dict.fromkeys(s.scored_on for s in subjects)
    colours = colours_of(subjects)
    found = {
        place: score_rows(lab, [s for s in subjects if s.scored_on == place], colours)
        for place in places
    }
    return {place: rows for place, rows in found.items() if rows}


def score_rows(
    lab: Lab, subjects: Sequence[Subject], colours: Mapping[str, str]
) -> list[charts.Score]:
    """One row for each recipe, in percent: the seeds' scores and the interval of their mean, or of
    the one score.
    """
    out = []
    for group in lab.compare.groups(subjects):
        if not group.spread:
            continue
        interval, several = group.interval, group.spread.n > 1
        bounds = (100 * interval.low, 100 * interval.high) if interval else (None, None)
        images = f"{number(group.scored.n)} images"
        kind = f"mean of {group.spread.n} {group.noun}" if several else images
        if several and interval:
            kind += f"; 95% interval by {f'its {group.noun}' if interval.by == 'seeds' else f'the {images}'}"
        colour = colours[group.members[0].id]
        scores = [100 * score for score in group.scores]
        out.append(charts.Score(group.label, scores, *bounds, colour, kind))
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
        "scored_on": "scored on",
        "validation": "validation",
        "train": "train",
        "gap": "gap",
        "epochs": "epochs",
        "seconds": "training time",
        "images_per_second": "images/s",
        "parameters": "parameters",
    }
    if full():
        names |= {
            "loss": "loss",
            "setbacks": "rising loss",
            "ece": "calibration error",
            "knn": "kNN",
            "device": "device",
        }
    shown = [{title: row[key] for key, title in names.items()} | _steps(row) for row in rows]
    for row in shown:
        row["training time"] = seconds(row["training time"])
        row["images/s"] = None if row["images/s"] is None else round(row["images/s"])
        row["gap"] = None if row["gap"] is None else 100 * row["gap"]
    shares = ("accuracy", "low", "high", "validation", "knn", "train", "ece", "setbacks")
    config: dict[str, Any] = {names[key]: share for key in shares if key in names} | {
        "parameters": plain,
        "images/s": plain,
        "gap": st.column_config.NumberColumn(format="%.2f points"),
        "run": st.column_config.TextColumn(pinned=True),
    }
    note(WIDE_TABLE)
    st.dataframe(shown, hide_index=True, key="figures", placeholder="–", column_config=config)
    note(
        "Accuracy: on the images named under *scored on*, at the end of the run, with its 95%"
        " Wilson interval. Gap: training accuracy minus that. Training time: with validation, without"
        " loading. Images/s: training images per second of that time. "
        + TIMES
        + (
            " Rising loss: the share of the held-out loss's changes between epochs that went"
            " upwards; 0: it never rose."
            if full()
            else " Loss, calibration and kNN: switch on *All statistics* at the left."
        )
    )


def _steps(row: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{key.split('_')[0]} to {100 * float(key.rpartition('_')[2]):g}%": value
        for key, value in row.items()
        if "_to_" in key
    }
