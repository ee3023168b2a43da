"""Section Injected noise: corrupt correct labels by a known noise model, and compare the diagnosis
with the truth and the methods of training with each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from app.charts import noise as charts
from app.samples.thumbs import thumbs
from app.sections.noise.standing import CHANGED_HERE, estimated, first_of_the_list
from app.widgets import allowed, chart, empty, note, percent, task_box, told
from app.widgets.doing import do_button
from app.widgets.pickers import dataset_label
from engine.errors import GlyphlabError
from engine.noise.findings import regime_words
from engine.noise.inject import NOISES
from engine.noise.shares import share, two_estimates
from engine.runs.run_info import ALIVE

if TYPE_CHECKING:
    from engine.lab import Lab

# The largest share and the step of the slider, of a kind of noise; of the others, any whole percent.
RANGES = {"rare": (0.1, 0.001)}
WHOLE = (1.0, 0.01)
LIMITS = {"1,000": 1_000, "2,000": 2_000, "6,000": 6_000, "20,000": 20_000, "all": None}


def draw(lab: Lab) -> None:
    """Draw the section."""
    st.markdown(
        "Take a data set whose labels are correct, change some of them on purpose, and see how many"
        " the diagnosis finds and how well each method trains on the noisy labels."
    )
    sets = {
        data.name: dataset_label(data)
        for data in lab.datasets()
        if data.here and data.name != "task3"
    }
    if not sets:
        empty("No data set is available yet. Add one on the Data page.", "data", "Data sets")
        return
    if allowed(lab, "diagnose"):
        _as_started(lab, sets)
        _form(lab, sets)
    under_way = _at_work(lab)
    trials = lab.noise.trials()
    if not trials:
        if not under_way:
            note(
                "No result yet. With a comparison, 2,000 images at quick effort take two to three"
                " minutes on two free cores."
            )
        return
    by_id = {trial["id"]: trial for trial in trials}
    id = st.selectbox(
        "Result", list(by_id), format_func=lambda id: title(by_id[id]), key="trial-shown"
    )
    show(lab, by_id[id])
    st.subheader("All results", anchor=False)
    st.dataframe(
        pd.DataFrame(row(trial) for trial in trials),
        hide_index=True,
        key="trials",
        column_config={"images": st.column_config.NumberColumn(format="localized")},
    )


def _form(lab: Lab, sets: dict[str, str]) -> None:
    with st.container(border=True):
        first = st.columns(3)
        with first[0]:
            name = st.selectbox(
                "Clean data set", list(sets), format_func=sets.__getitem__, key="trial-data"
            )
        with first[1]:
            noise = st.selectbox(
                "Noise",
                list(NOISES),
                key="trial-noise",
            )
            st.caption(NOISES[noise].about[0].upper() + NOISES[noise].about[1:] + ".")
        with first[2]:
            model = NOISES[noise]
            st.session_state.setdefault(f"trial-rate-{noise}", model.rates[0])
            top, step = RANGES.get(noise, WHOLE)
            rate = st.slider(
                "Share of labels changed",
                0.0,
                top,
                step=step,
                format="percent",
                key=f"trial-rate-{noise}",
                disabled=noise == "clean",
            )
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            limit = st.segmented_control(
                "Training images, at most",
                list(LIMITS),
                required=True,
                key="trial-limit",
                width="content",
            )
            effort = st.segmented_control(
                "Effort",
                ["brief", "quick", "full"],
                required=True,
                key="trial-effort",
                help="brief: for a first look at a thousand easy images; quick: twice as much;"
                " full: five times as much again or more, the surest.",
                width="content",
            )
            compare = st.toggle(
                "Compare training methods",
                key="trial-compare",
                help="Trains on the noisy labels in three ways, and on the true ones beside. Takes most of the time.",
                width="content",
            )
            arguments = {
                "dataset": name,
                "noise": noise,
                "rate": rate,
                "limit": LIMITS[str(limit)],
                "effort": effort,
                "compare": compare,
            }
            do_button(
                "Inject noise",
                _start,
                (lab, arguments),
                key="trial",
                type="primary",
                icon=":material/science:",
            )


def _at_work(lab: Lab) -> bool:
    """The experiment that is under way, or how the last one failed; whether there is one."""
    task = next((task for task in lab.tasks("noise-trial") if task.state in ALIVE), None)
    if task is not None:
        asked = task.arguments
        size = f"at most {asked['limit']:,}" if asked["limit"] else "all"
        st.caption(
            f"Changing {exactly(asked['rate'])} of the labels of {size} images of `{asked['dataset']}`"
            f" ({asked['noise']} noise). You may leave this page."
        )
        task_box(lab, task.id, "trial-task")
    else:
        last = next(iter(lab.tasks("noise-trial")), None)
        if last and last.state == "failed":
            st.error(f"The last experiment failed: {last.error}", icon=":material/error:")
    return task is not None


def show(lab: Lab, trial: dict[str, Any]) -> None:
    """One result: the diagnosis beside the truth, the first suspects, the methods, and both Ts."""
    low, high = trial["noise_rate_interval"]
    with st.container(horizontal=True, gap="medium"):
        st.metric("Diagnosis", regime_words(trial["regime"]), width="content")
        rate, how = estimated(trial)
        st.metric("Wrong labels, estimated", rate, help=how, width="content")
        st.metric("95% interval", f"{share(low)} to {share(high)}", width="content")
        st.metric("Wrong labels, true", share(trial["true_rate"]), width="content")
        if trial["found_first"] is not None and "sought" in trial:
            st.metric(
                "Found",
                f"{round(trial['found_first'] * trial['sought']):,} of {trial['sought']:,}",
                width="content",
                help=(
                    f"Of the {trial['sought']:,} labels that are sought (the wrong ones; for"
                    " complementary labels the correct ones), as many are among the first"
                    f" {trial['sought']:,} of the list of suspects."
                ),
            )
        st.metric(
            "Likely classes correct",
            percent(trial["likely_right"]),
            width="content",
            help=f"Of all {trial['n']:,} images, the share whose likely class is the true one.",
        )
    if changed := changed_by_chance(trial):
        note(changed)
    _suspects(lab, trial)
    if trial["methods"]:
        chart(charts.methods(trial["methods"], len(trial["classes"])), key=f"methods-{trial['id']}")
    for one in trial["methods"]:
        st.caption(f"**{one['title']}**: {one['note']}")
    left, right = st.columns(2)
    with left:
        chart(
            charts.transition(
                trial["transition"], trial["classes"], "Estimated transition matrix T"
            ),
            key=f"t-{trial['id']}",
        )
    with right:
        chart(
            charts.transition(
                trial["true_transition"], trial["classes"], "True transition matrix T"
            ),
            key=f"true-t-{trial['id']}",
        )
    if words := two_estimates(trial["noise_rate"], low, high, trial["transition"], trial["regime"]):
        note(words)


def exactly(rate: float) -> str:
    """A share 0..1 as it was asked for, with all its digits: '7%', '0.1%'."""
    return f"{100 * rate:.6g}%"


def changed_by_chance(trial: dict[str, Any]) -> str:
    """Why not exactly the share of labels that was asked for is wrong; '' where exactly that is."""
    wrong = round(trial["true_rate"] * trial["n"])
    if wrong == round(trial["rate"] * trial["n"]) or trial["noise"] == "rare":
        return ""
    deed = "drawn at random" if trial["noise"] == "independent" else "changed"
    return (
        f"Each label was {deed} with a probability of {exactly(trial['rate'])}: by chance, {wrong:,} of"
        f" the {trial['n']:,} are wrong now."
    )


def _suspects(lab: Lab, trial: dict[str, Any]) -> None:
    """The images near the top of the list, each with the label it was given and the true one."""
    if not (rows := trial.get("suspects", [])):
        return
    names = [row["image"] for row in rows]
    try:
        images = lab.samples.squares(trial["dataset"], names)
    except GlyphlabError as error:
        note(f"The suspects can't be shown: {error}")
        return
    st.markdown(first_of_the_list(trial))
    captions = [
        f"{'✓' if row['given'] != row['true'] else '✗'} labelled {row['given']}, likely"
        f" {row['likely']}"
        for row in rows
    ]
    thumbs(trial["dataset"], names, images, captions, columns=10, key=f"first-{trial['id']}")
    note(CHANGED_HERE)


def title(trial: dict[str, Any]) -> str:
    """'mnist, symmetric 50% · 2,000 images · 2026-01-02 03:04'."""
    return (
        f"{trial['dataset']}, {trial['noise']} {exactly(trial['rate'])} · {trial['n']:,} images ·"
        f" {trial['created'][:16].replace('T', ' ')}"
    )


def row(trial: dict[str, Any]) -> dict[str, Any]:
    """A line of the table of results."""
    accuracy = {
        method["title"]: (
            percent(method["accuracy"]) if method["accuracy"] is not None else "no result"
        )
        for method in trial["methods"]
    }
    return {
        "data": trial["dataset"],
        "noise": trial["noise"],
        "rate": exactly(trial["rate"]),
        "images": trial["n"],
        "diagnosis": regime_words(trial["regime"]),
        "estimated": estimated(trial)[0],
        "true": share(trial["true_rate"]),
        **accuracy,
    }


def _as_started(lab: Lab, sets: Mapping[str, str]) -> None:
    """Set the form to the experiment that was started last, once for each."""
    usual = {"noise": list(NOISES)[2], "limit": "2,000", "effort": "quick", "compare": True}
    for field, value in usual.items():
        st.session_state.setdefault(f"trial-{field}", value)
    last = next(iter(lab.tasks("noise-trial")), None)
    if last is None or st.session_state.get("trial-last") == last.id:
        return
    st.session_state["trial-last"] = last.id
    asked = last.arguments
    if asked["dataset"] in sets and asked["limit"] in LIMITS.values():
        st.session_state["trial-data"] = asked["dataset"]
        st.session_state["trial-noise"] = asked["noise"]
        top, _ = RANGES.get(asked["noise"], WHOLE)
        st.session_state[f"trial-rate-{asked['noise']}"] = min(asked["rate"], top)
        st.session_state["trial-limit"] = next(k for k, v in LIMITS.items() if v == asked["limit"])
        st.session_state["trial-effort"] = asked["effort"]
        st.session_state["trial-compare"] = asked.get("compare", True)


@told
def _start(lab: Lab, arguments: dict[str, Any]) -> None:
    lab.start_task("noise-trial", **arguments)
