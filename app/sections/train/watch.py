"""Watching one run: progress, figures, curves, log; and the buttons that stop it or let it go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.charts.learning import (
    accuracy_curves,
    epochs_of,
    loss_curves,
    rate_curve,
    speed_curve,
)
from app.charts.words import (
    literal,
    number,
)
from app.sections.train.figures import figures
from app.widgets.busy import busy_with
from app.widgets.common import shared_chart
from app.widgets.fragments import fragment
from app.widgets.links import link
from app.widgets.runs import changes_since, labels_of, progress, state_badge, without_tracebacks
from engine.errors import GlyphlabError
from engine.recipes.units import in_nats

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from engine.lab import Lab
    from engine.runs.run import Run
    from engine.runs.run_info import RunInfo

WAITING_SECONDS, FOLLOWING_SECONDS = (
    0.4,
    1.0,
)  # between two looks: until the first point is there, and from then on

QUEUED, NOTHING_YET, STOP = (
    "Take out of the queue",
    "Stop (there is no model to keep yet)",
    "Stop and keep the model",
)


def watch(lab: Lab, run_id: str) -> None:
    """Draw a run, following it while it is alive. One fragment polls its files and stops polling
    when the run has ended.
    """
    run = lab.run(run_id)
    alive, begun = run.info().alive, bool(run.metrics())
    pace = (FOLLOWING_SECONDS if begun else WAITING_SECONDS) if alive else None
    fragment(_draw, run_every=pace)(lab, run_id, alive, begun)


def _draw(lab: Lab, run_id: str, was_alive: bool, had_begun: bool) -> None:
    run = lab.run(run_id)
    info, rows = run.info(), run.metrics()
    if info.alive != was_alive:
        # the whole page: a run that has ended is drawn without a timer, one that goes on with it
        st.rerun()
    _show(lab, run, info, rows)
    if rows and not had_begun:
        st.rerun()  # the first point stands; from here on at the slower pace


def _show(lab: Lab, run: Run, info: RunInfo, rows: Sequence[Mapping[str, Any]]) -> None:
    run_id = info.id
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(literal(info.name), anchor=False, width="content")
        state_badge(info)
        st.caption(
            f"{literal(info.data)}, {labels_of(info)} · {literal(info.model)}"
            f"{' · by ' + literal(info.by) if info.by else ''}"
            f"{' · ' + info.device if info.device else ''} · run `{info.id}`"
            f"{' · ' + info.where if info.where else ''}",
            width="content",
        )
    # one place for what comes and goes, so that the charts below stay the same elements and keep
    # their zoom
    with st.container():
        share, words = progress(info, rows)
        st.progress(
            share, text=words
        )  # stays when the run has ended, or everything below would jump
        if info.alive and not rows and (busy := busy_with(lab, but=run_id)):
            st.caption(f"This machine is busy ({busy}), so this takes longer than usual.")
        if info.error and not info.alive:
            st.error(info.error, icon=":material/error:")
        _buttons(lab, info, begun=bool(epochs_of(rows)))
    final = run.final()
    figures(info, rows, final)
    left, right = st.columns(2)
    with left:
        _curves(accuracy_curves, run, info, rows, f"accuracy-{run_id}")
    with right:
        _curves(loss_curves, run, info, rows, f"loss-{run_id}", unit=lambda: _in_nats(run))
    # Closed boxes are not filled: this is drawn anew every second, beside the training that it
    # shows.
    more = st.expander(
        "Learning rate and speed", icon=":material/speed:", key=f"more-{run_id}", on_change="rerun"
    )
    if more.open:
        with more:
            left, right = st.columns(2)
            with left:
                _curves(rate_curve, run, info, rows, f"rate-{run_id}")
            with right:
                _curves(speed_curve, run, info, rows, f"speed-{run_id}")
    failed = info.state == "failed"
    log = st.expander(
        "Log",
        icon=":material/terminal:",
        expanded=failed,
        key=f"log-{run_id}-{failed}",
        on_change="rerun",
    )
    if log.open:
        # st.code has the browser read a megabyte of syntax colouring first, even for plain text.
        log.container(height=260, border=True, key="log-lines").text(
            without_tracebacks(run.log_tail(200 if failed else 60)) or "The log is still empty."
        )
    recipe = st.expander(
        "Recipe of this run",
        icon=":material/description:",
        key=f"recipe-{run_id}",
        on_change="rerun",
    )
    if recipe.open:
        recipe.code(run.recipe().to_yaml(), language="yaml", height=320)


def _in_nats(run: Run) -> bool:
    """Whether its losses are in nats, as far as its recipe can be read."""
    with suppress(GlyphlabError):
        return in_nats(run.recipe())
    return False


def _curves(
    draw: Callable[..., go.Figure],
    run: Run,
    info: RunInfo,
    rows: Sequence[Mapping[str, Any]],
    key: str,
    unit: Callable[[], bool] | None = None,
) -> None:
    """A chart of a run's rows, to which rows are only ever added, or taken from their end.
    unit: whether it is in nats, of a chart that asks.
    """
    last = rows[-1].get("seconds") if rows else None
    of = draw.__name__, run.path, info.epochs, len(rows), last, info.alive
    shared_chart(
        of,
        lambda: draw(rows, info.epochs, over=not info.alive, **({"nats": unit()} if unit else {})),
        key,
    )


def _buttons(lab: Lab, info: RunInfo, begun: bool) -> None:
    """begun: whether an epoch has ended, whose model is kept and from which the run could go on."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"run-buttons-{info.id}"):
        own = not lab.why_not("stop a run", info.owner)
        if info.alive and own:
            stopping = info.state == "stopping"
            stop = QUEUED if info.state == "queued" else STOP if begun else NOTHING_YET
            st.button(
                "Stopping…" if stopping else stop,
                key=f"stop-{info.id}",
                icon=":material/stop:",
                disabled=stopping,
                on_click=_act,
                args=(lab.stop, info.id),
            )
        elif own and info.state in ("failed", "stopped"):
            st.button(
                "Resume" if begun else "Start again",
                key=f"resume-{info.id}",
                icon=":material/resume:",
                type="primary",
                on_click=_act,
                args=(lab.resume, info.id),
            )
        if info.saved:
            link("draw", "Draw with it", model=info.id)
            link("models", "Model card", model=info.id)
        link("compare", "Compare", runs=info.id)
        if info.before and info.saved and not info.alive:
            both = f"{info.before},{info.id}"
            link("compare", "Before and after", runs=both, view="common", data=info.data)
        if own and not info.alive and (changed := changes_since(lab, info)):
            _again(lab, info, changed)
    if error := st.session_state.pop(f"refused-{info.id}", None):
        st.error(error, icon=":material/error:")


def _again(lab: Lab, info: RunInfo, changed: int) -> None:
    with st.popover("Train again", icon=":material/replay:"):
        st.markdown(
            f"{number(changed)} image{'s' if changed > 1 else ''} of `{info.data}`"
            f" {'have' if changed > 1 else 'has'} another label now than this run was trained on."
            " The same recipe is trained on the labels as they are now."
        )
        tune = st.toggle("Start from this run's weights", key=f"tune-{info.id}")
        if st.button("Train on mended labels", key=f"again-{info.id}", type="primary"):
            _start_again(lab, info.id, tune and info.saved)
            st.rerun()  # the whole page, not this fragment, which would go on showing this run


def _start_again(lab: Lab, run_id: str, fine_tune: bool) -> None:
    try:
        st.query_params["run"] = lab.launcher.again(run_id, fine_tune)
    except GlyphlabError as error:
        st.session_state[f"refused-{run_id}"] = str(error)


def _act(action: Any, run_id: str) -> None:
    try:
        action(run_id)
    except GlyphlabError as error:
        st.session_state[f"refused-{run_id}"] = str(error)
