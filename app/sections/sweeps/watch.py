"""The pieces of the Sweeps page: setting a sweep up, and watching it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.charts import sweep as charts
from app.charts.parallel import parallel
from app.charts.words import percent, seconds
from app.widgets.common import chart, empty
from app.widgets.doing import do_button
from app.widgets.explain import meaning
from app.widgets.fragments import fragment
from app.widgets.links import link
from app.widgets.runs import Colour
from engine.errors import GlyphlabError

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.sweep.info import SweepInfo
    from engine.sweep.spec import SweepSpec

POLL_SECONDS = 1.0
BUSY = ("running", "pausing", "stopping")
BADGES: dict[str, tuple[Colour, str]] = {  # state → colour and icon
    "running": ("blue", "autorenew"), "pausing": ("orange", "pause"),
    "stopping": ("orange", "stop"), "paused": ("gray", "pause"),
    "unreachable": ("red", "cloud_off"), "damaged": ("red", "error"),
    "stopped": ("gray", "stop"), "interrupted": ("red", "power_off"), "finished": ("green", "check"),
}  # fmt: skip


def watch_sweep(lab: Lab, name: str) -> None:
    """Draw a sweep, following it while it runs; of one that can't be read, why."""
    info = lab.sweeps.info(name)
    if info.error:
        st.error(info.error, icon=":material/error:")
        _delete(lab, name)
        return
    busy = info.state in BUSY
    fragment(_draw, run_every=POLL_SECONDS if busy else None)(lab, name, busy)


def _draw(lab: Lab, name: str, was_busy: bool) -> None:
    info = lab.sweeps.info(name)
    if (info.state in BUSY) != was_busy:
        st.rerun()
    trials, spec = lab.sweeps.trials(name), lab.sweeps.spec(name)
    _header(lab, info, spec)
    left, right = st.columns(2)
    with left:
        chart(charts.history(trials, spec.metric, spec.direction), key=f"history-{name}")
    with right:
        chart(charts.curves(trials, spec.metric, info.best_trial), key=f"curves-{name}")
    chart(
        parallel(trials, spec.metric, spec.direction, log=spec.by_log),
        key=f"parallel-{name}",
        least_width=640,
    )
    left, right = st.columns(2)
    with left:
        finished = info.done - info.failed - info.pruned
        shares = _importances(lab, name, finished)
        chart(charts.importance(shares, spec.metric, finished), key=f"importance-{name}")
    with right:
        _best(lab, info)
    _table(
        trials, spec.metric, {run.id for run in lab.runs()}
    )  # another home's worker keeps its runs there
    space = st.expander(
        "Search space", icon=":material/description:", key=f"space-{name}", on_change="rerun"
    )
    if space.open:  # a closed box is not filled: colours for YAML take a browser half a second
        space.code(spec.to_yaml(), language="yaml")


def _header(lab: Lab, info: SweepInfo, spec: SweepSpec) -> None:
    colour, icon = BADGES[info.state]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(spec.title or info.name, anchor=False, width="content")
        st.badge(info.state, color=colour, icon=f":material/{icon}:")
        how = f"recipe {info.recipe} · {spec.sampler} · pruning: {spec.pruner}"
        st.caption(how, width="content", help=meaning("sweep"))
    st.progress(
        min(1.0, info.done / info.trials),
        text=(
            f"{info.done} of {info.trials} trials ended; {info.pruned} pruned, {info.failed} failed"
        ),
    )
    with st.container(horizontal=True, vertical_alignment="bottom", key="sweep-buttons"):
        busy, may = info.state in BUSY, lab.may("sweep")
        if busy and may:
            _button(
                "Pause",
                "pause",
                info.state != "running",
                "The running trials are finished first.",
                lab.sweeps.pause,
                info.name,
            )
            _button(
                "Stop",
                "stop",
                info.state == "stopping",
                "Stops at once. The running trials can be resumed.",
                lab.sweeps.stop,
                info.name,
            )
        elif may:
            more = st.number_input(
                "Total trials",
                max(1, info.done),
                100_000,
                max(info.trials, info.done),
                key=f"sweep-more-{info.name}",
                width=140,
            )
            do_button(
                "Resume" if info.state != "finished" else "Run more",
                _act,
                (lab.sweeps.start, info.name, int(more)),
                key="sweep-resume",
                type="primary",
                icon=":material/resume:",
                disabled=info.state == "finished" and more <= info.done,
            )
            _delete(lab, info.name)
        link(
            "compare",
            "Compare its runs",
            runs=",".join(
                trial.run for trial in lab.sweeps.trials(info.name) if trial.run and not trial.home
            ),
        )
    if error := st.session_state.pop("sweep-refused", None):
        st.error(error, icon=":material/error:")
    if info.state == "interrupted":
        st.warning(
            "The sweep's workers were killed or the machine went down. No trial is lost: press *Resume*.",
            icon=":material/power_off:",
        )


def _delete(lab: Lab, name: str) -> None:
    if not lab.may("sweep"):
        return
    with st.popover("Delete", icon=":material/delete:"):
        st.write("The sweep is moved to the trash and kept there for a week. Its runs stay.")
        st.button(
            "Delete the sweep", key="sweep-delete", on_click=_act, args=(lab.sweeps.delete, name)
        )


def _best(lab: Lab, info: SweepInfo) -> None:
    if info.best_trial is None:
        empty("The best trial is shown here once one has finished.")
        return
    trials = lab.sweeps.trials(info.name)
    best = next(trial for trial in trials if trial.number == info.best_trial)
    tied = [
        trial.number
        for trial in trials
        if trial.state == "finished" and trial.value == best.value and trial is not best
    ]
    with st.container(border=True):
        st.markdown(
            f"**Best: trial {best.number}**, {charts.words(info.metric)}"
            f" **{figure_of(best.value, info.metric)}**"
        )
        if tied:
            st.caption(f"As good: {_named(tied)}. Trial {best.number} was the first.")
        st.table({charts.short(path): charts.text_of(value) for path, value in best.values.items()})
        if not lab.may("sweep"):
            return
        with st.container(horizontal=True, vertical_alignment="bottom"):
            times = st.number_input(
                "Multiply epochs by", 1, 100, 4, key=f"longer-{info.name}", width=150
            )
            do_button(
                "Train it again, longer",
                _again,
                (lab, info.name, int(times)),
                key="sweep-again",
                icon=":material/replay:",
            )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input(
                "Name of the recipe",
                f"{info.name}-best",
                key=f"promote-name-{info.name}",
                max_chars=60,
            )
            do_button(
                "Save as a recipe",
                _promote,
                (lab, info.name, name.strip()),
                key="sweep-promote",
                icon=":material/bookmark_add:",
            )
        if done := st.session_state.pop("sweep-done", None):
            text, page, query = done
            st.success(text, icon=":material/check:")
            link(page, "Watch it" if "run" in query else "Open it", **query)


def _named(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"trial {numbers[0]}"
    return f"trials {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


def _table(trials: list[Any], metric: str, here: set[str]) -> None:
    st.markdown("**Trials**")
    if not trials:
        st.caption("No trial has started yet.")
        return
    rows = [
        {
            "trial": trial.number,
            "state": trial.state,
            charts.words(metric): figure_of(trial.value, metric),
            **{charts.short(path): charts.text_of(value) for path, value in trial.values.items()},
            "epochs": trial.epochs,
            "training time": seconds(trial.seconds),
            "run": f"/train?run={trial.run}" if trial.run in here else "",
            "note": trial.error or _resumed(trial.retries) or _elsewhere(trial, here),
        }
        for trial in reversed(trials)
    ]
    st.dataframe(
        rows, hide_index=True, key="sweep-table", width="stretch",
        column_config={"run": st.column_config.LinkColumn("run", display_text=r"run=(\w+)")},
    )  # fmt: skip


def _resumed(times: int) -> str:
    return "" if not times else "resumed once" if times == 1 else f"resumed {times} times"


def _elsewhere(trial: Any, here: set[str]) -> str:
    return f"on {trial.home}" if trial.home and trial.run not in here else ""


def figure_of(value: float | None, metric: str) -> str:
    """A value as a person reads it: accuracies in percent."""
    if value is None:
        return "–"
    return percent(value) if metric.endswith("accuracy") else f"{value:.4f}"


@st.cache_data(show_spinner=False, max_entries=50)
def _importances(_lab: Lab, name: str, finished: int) -> dict[str, float]:
    return _lab.sweeps.importances(name)


def _button(label: str, icon: str, disabled: bool, help: str, action: Any, name: str) -> None:
    key = f"sweep-{label.lower()}"
    st.button(
        label,
        key=key,
        icon=f":material/{icon}:",
        disabled=disabled,
        help=help,
        on_click=_act,
        args=(action, name),
    )


def _act(action: Any, *arguments: Any) -> None:
    try:
        action(*arguments)
    except GlyphlabError as error:
        st.session_state["sweep-refused"] = str(error)


def _again(lab: Lab, name: str, times: int) -> None:
    try:
        run = lab.sweeps.again(name, times=times)
        st.session_state["sweep-done"] = (
            f"Run `{run}` was started: the best trial, {times} times as long.",
            "train",
            {"run": run},
        )
    except GlyphlabError as error:
        st.session_state["sweep-refused"] = str(error)


def _promote(lab: Lab, name: str, recipe: str) -> None:
    try:
        lab.sweeps.promote(name, recipe)
        st.session_state["sweep-done"] = (
            f"Recipe `{recipe}` was saved.",
            "train",
            {"recipe": recipe},
        )
    except GlyphlabError as error:
        st.session_state["sweep-refused"] = str(error)
