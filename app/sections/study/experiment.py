"""The pieces of the Study page: one experiment of a study beside ours, and the buttons that run it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import percent
from app.sections.study.overview import UNLISTED, WITHIN_CHANCE, title_of
from app.widgets.links import link
from engine.errors import GlyphlabError

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.runs.run_info import RunInfo
    from engine.services.study import Row
    from engine.services.study_results import Result

# Which epoch a figure is of, as a sentence.
EPOCHS = {
    "last": "After the last epoch.",
    "best by validation": "Of the epoch that was best on the validation images.",
    "best, or not said": "Of its best epoch, or of one that is not named.",
}


def experiment(lab: Lab, row: Row, runs: Sequence[RunInfo]) -> None:
    """One experiment: figures, where they come from, what the study said, and the buttons."""
    with st.container(border=True, key=f"experiment-{row.name}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{row.title.split(' · ', 1)[-1]}**", width="content")
            st.caption(f"`{row.name}` · {row.metric}", width="content")
        reported, ours, best = st.columns([1, 1.5, 1.5])
        with reported:
            words = percent(row.judged_by) if row.judged_by is not None else "not a figure"
            st.metric("Reported", words)
            epoch = f"{EPOCHS[row.published_epoch]} " if row.published_epoch else ""
            st.caption(epoch + _sentence(row.note or row.source))
        with ours:
            _ours(row)
        with best:
            _best(row)
        alive = [run for run in runs if run.alive and run.recipe == row.name]
        for run in alive:
            link(
                "train",
                f"{run.state}: watch run {run.id}",
                icon=":material/show_chart:",
                run=run.id,
            )
        _buttons(
            lab, row, [run.id for run in runs if run.recipe == row.name and run.state == "finished"]
        )
        _details(row)


def _ours(row: Row) -> None:
    if row.ours is None:
        st.metric("Ours, same recipe", "–")
        st.caption("Not run at full size yet." + _small_in_words(row))
        if row.small:
            _where(row.small, "The small run")
        return
    chance = ", within the 95% interval" if row.may_be_chance else ""
    delta = None if row.points is None else f"{row.points:+.2f} points{chance}"
    st.metric(
        "Ours, other settings" if row.ours.changed else "Ours, same recipe",
        percent(row.ours.value),
        delta=delta,
        help=WITHIN_CHANCE if row.may_be_chance else None,
        delta_color="off" if row.may_be_chance or row.labels_are_wrong else "normal",
    )
    st.caption(f"{EPOCHS[row.our_epoch]} {_provenance(row.ours)}")
    _where(row.ours, "The run")


def _small_in_words(row: Row) -> str:
    if not row.small:
        return ""
    if row.small_data:
        return (
            f" Its small version takes other data, {title_of(row.small_data)}, and reached"
            f" {percent(row.small.value)} there, which says nothing about the reported figure."
        )
    return f" Its small version reached {percent(row.small.value)}."


def _best(row: Row) -> None:
    if row.best is None:
        st.metric("Best of this lab, same task", "–")
        st.caption("Nothing was run at full size on this data yet.")
        return
    st.metric("Best of this lab, same task", percent(row.best.value))
    than = "ours" if row.ours else "the reported figure"
    other = f" Measured on other images than {than}." if row.best_is_of_other_images else ""
    limit = f" The best {row.best_of_what}." if row.best_of_what else ""
    st.caption(f"`{row.best.recipe}`.{limit}{other} {_provenance(row.best)}")
    _where(row.best, "The run")


def _provenance(result: Result) -> str:
    parts = []
    if result.changed:
        parts.append(f"other settings than the recipe's: {', '.join(result.changed)}")
    if result.interval:
        ends = " to ".join(map(percent, result.interval))
        parts.append(f"95% interval {ends} over {result.interval_of}")
    if result.spread:
        mean = f"; mean {percent(result.spread.mean)}" if result.runs.startswith("best") else ""
        parts.append(f"runs: {result.runs}{mean}")
    if result.hardware:
        parts.append(result.hardware)
    if result.took:
        parts.append(result.took)
    if result.recorded:
        parts.append(result.recorded)
    words = " · ".join(parts)
    return words[:1].upper() + words[1:]


def _where(result: Result, label: str) -> None:
    if result.kind == "run":
        link("train", f"{label} {result.ref}", icon=":material/show_chart:", run=result.ref)
    elif result.kind == "shipped":
        link("models", "Model card", model=result.ref)


def _buttons(lab: Lab, row: Row, finished: Sequence[str]) -> None:
    if row.needs:
        st.caption(f"It starts from {' and '.join(row.needs)}, which will run before it.")
    with st.container(horizontal=True, vertical_alignment="center"):
        if lab.may("sweep"):
            _run_buttons(lab, row)
        link("train", "Edit the recipe first", icon=":material/tune:", recipe=row.name)
        if len(finished) > 1:
            link("compare", f"Compare its {len(finished)} runs", runs=",".join(finished[:8]))
    if message := st.session_state.pop(f"started-{row.name}", None):
        kind, text = message
        (st.success if kind == "started" else st.error)(
            text, icon=":material/check_circle:" if kind == "started" else ":material/error:"
        )


def _run_buttons(lab: Lab, row: Row) -> None:
    st.button(
        "Run it",
        key=f"full-{row.name}",
        icon=":material/play_arrow:",
        on_click=_start,
        args=(lab, row.name, "full"),
    )
    st.button(
        "Run the small version",
        key=f"small-{row.name}",
        icon=":material/speed:",
        type="tertiary",
        on_click=_start,
        args=(lab, row.name, "small"),
    )


def _start(lab: Lab, name: str, scale: str) -> None:
    try:
        run_id = lab.study.start(name, scale)
    except GlyphlabError as error:
        st.session_state[f"started-{name}"] = ("refused", str(error))
    else:
        st.session_state[f"started-{name}"] = ("started", f"Run {run_id} is queued.")


def _details(row: Row) -> None:
    box = st.expander(
        "What was done, and what was concluded",
        icon=":material/menu_book:",
        key=f"details-{row.name}",
        on_change="rerun",
    )
    if not box.open:  # not filled: a study has up to a dozen of them
        return
    recipe = row.recipe
    with box:
        known = (
            ("Target", recipe.target),
            ("Recipe", recipe.about),
            ("Their conclusion", recipe.analysis),
            ("Source", f"{_sentence(row.source)} {UNLISTED}"),
        )
        for label, text in known:
            if text:
                st.markdown(f"**{label}.** {_sentence(text)}")
        stages = [
            {
                "stage": number + 1,
                "size (px)": stage.size or recipe.data.size,
                "epochs": stage.epochs,
                "learning rate": _rate(stage.lr),
                "schedule": stage.schedule,
                "optimiser": stage.optimizer,
                "loss": stage.loss,
                "batch": stage.batch_size,
                "mixup": stage.mixup or None,
                "frozen": "all but the head" if stage.freeze >= 99 else stage.freeze or None,
            }
            for number, stage in enumerate(recipe.resolved_stages())
        ]
        st.dataframe(stages, hide_index=True, key=f"stages-{row.name}")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '?', '!')) else '.'}"


def _rate(lr: float | tuple[float, ...]) -> str:
    return f"{lr:g}" if isinstance(lr, int | float) else " … ".join(f"{rate:g}" for rate in lr)
