"""The Study page: all experiments of the studies beside ours in one table, and what the notes say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app.charts.study import Figures
from app.charts.words import number, percent
from app.widgets.explain import full
from engine.data.sources import DATASETS

if TYPE_CHECKING:
    from engine.services.study import Row

# The measures of the studies, as short as a column is wide.
MEASURES = {
    "accuracy on the test split": "accuracy, test",
    "accuracy on the MNIST test split": "accuracy, MNIST test",
    "accuracy on the validation split": "accuracy, validation",
    "kNN accuracy (k = 13) on the test split": "kNN, test",
    "kNN accuracy (k = 13) on the validation split": "kNN, validation",
}

NOT_RUN = "not run at full size"

UNLISTED = (
    "The studies were given to this project as a summary, without authors' names or addresses, and are"
    " not publicly listed: their figures can't be looked up elsewhere."
)

WITHIN_CHANCE = (
    "Within chance: chance may explain the difference, which does not show that there is none. The reported"
    " figure lies within the 95% interval of ours, or ours within that of the reported one, each by Wilson's"
    " formula over the number of images that it is of (test images; validation images where *measure* says so),"
    " and that of a mean at least as wide as Student's t over its runs."
    " Over few images the interval is wide: at 40, a difference of"
    " ten points may be chance."
)


def what_small_is(rows: Sequence[Row]) -> str:
    """What *Run it* and *Run the small version* do with these experiments."""
    same = [row.name for row in rows if not row.small_data]
    small = (
        "*Run the small version* is the same experiment cut down to minutes on two cores."
        if same
        else "*Run the small version* takes minutes on two cores."
    )
    other = "".join(
        f" That of `{row.name}` takes other data: {title_of(row.small_data)}."
        for row in rows
        if row.small_data
    )
    return (
        f"*Run it* trains at full size, as reported. {small}{other} A small version's figure can't be"
        " compared with the reported one."
    )


def without_a_figure(rows: Sequence[Row]) -> str:
    """Which experiments have no reported figure, and what their study says, as sentences; '' where all
    have one.
    """
    said: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.judged_by is None:
            said.setdefault((row.study, row.note), []).append(f"`{row.name}`")
    return " ".join(
        f"Study {study} gives no figure for {' and '.join(names)}{f', and tells of them {note}' if note else ''}."
        for (study, note), names in said.items()
    )


def figures_of(row: Row) -> Figures:
    """The row as the chart takes it, in percent."""
    ours, interval = row.ours, row.ours.interval if row.ours else None
    low, high = (None, None) if interval is None else (100 * interval[0], 100 * interval[1])
    # Two recipes may have been recorded at one commit.
    same = row.best and ours and (row.best.recipe, row.best.ref) == (ours.recipe, ours.ref)
    best = None if row.best is None or same else 100 * row.best.value
    return Figures(
        row.name, _percent(row.judged_by), 100 * ours.value if ours else None, low, high, best
    )


def summary(rows: Sequence[Row]) -> None:
    """How far the studies have been reproduced here."""
    full = [row for row in rows if row.ours]
    # Of wrong labels a higher figure is no better one: what was studied is that they can't be learned from.
    judged = [row for row in full if row.difference is not None and not row.labels_are_wrong]
    with st.container(horizontal=True, gap="medium"):
        st.metric("Experiments", len(rows), width=130)
        given = sum(row.judged_by is not None for row in rows)
        st.metric("With a reported figure", f"{given} of {len(rows)}", width=190)
        st.metric("Run at full size", f"{len(full)} of {len(rows)}", width=170)
        st.metric(
            "At or above, within chance",
            f"{sum((row.difference or 0) >= 0 or row.may_be_chance for row in judged)} of {len(judged)}",
            width=230,
            help="Of those that were run at full size and have a reported figure: at or above it, or below"
            f" it within chance. {WITHIN_CHANCE} Both intervals are in the table. Those of wrong"
            " labels are left out: there, higher is not better.",
        )
    if below := _below(judged):  # not in the tooltip alone: the count is read without it
        st.caption(below)


def _below(rows: Sequence[Row]) -> str:
    """Which of the experiments are counted though ours is below, by how much, of how many images and
    runs.
    """
    below = [
        f"`{row.name}` by {-points:.2f} points ({_images(row)}our runs: {row.ours.runs})"
        for row in rows
        if row.ours and (points := row.points or 0) < 0 and row.may_be_chance
    ]
    if not below:
        return ""
    return (
        f"Counted though below the reported figure, as chance may explain it: {'; '.join(below)}."
    )


def _images(row: Row) -> str:
    count = row.ours.n if row.ours else None
    kind = "validation" if "validation" in row.metric else "test"
    return f"{number(count)} {kind} images; " if count else ""


def overview(rows: Sequence[Row]) -> None:
    """Every experiment on a line; the figure of ours leads to its run."""
    share = "%.2f%%"
    lines = [
        {
            "study": row.study,
            "experiment": row.name,
            # What is compared comes first: the rest may be scrolled to on a narrow screen.
            "reported": _percent(row.judged_by),
            "ours": percent(row.ours.value) if row.ours else NOT_RUN,
            "points": row.points,
            "within chance": row.may_be_chance if row.difference is not None else None,
            "our runs": row.ours.runs if row.ours else None,
            "our 95% interval": _interval(row.ours.interval if row.ours else None),
            "our images": row.ours.n if row.ours else None,
            "its 95% interval": _interval(row.published_interval),
            "its images": row.published_n,
            "measure": MEASURES.get(row.metric, row.metric)
            + ("; wrong labels" if row.labels_are_wrong else ""),
            "its epoch": row.published_epoch or None,
            "our epoch": row.our_epoch if row.ours else None,
            "best of this lab": _percent(row.best.value if row.best else None),
            "by": row.best.recipe if row.best else None,
            "state": _state(row),
            "run": f"/train?run={row.ours.ref}" if row.ours and row.ours.kind == "run" else None,
            # The last of many columns, for which there is no room; each experiment names it too.
            **({"hardware of ours": row.ours.hardware if row.ours else None} if full() else {}),
        }
        for row in rows
    ]
    st.dataframe(
        lines,
        hide_index=True,
        key="overview",
        height="content",
        placeholder="–",
        column_config={
            "reported": st.column_config.NumberColumn(format=share),
            "ours": st.column_config.TextColumn(alignment="right", width=135),
            "best of this lab": st.column_config.NumberColumn(format=share),
            "experiment": st.column_config.TextColumn(pinned=True),
            "our epoch": st.column_config.TextColumn(width=125),
            "points": st.column_config.NumberColumn(
                format="%+.2f", help="Ours minus reported as both are shown, in percentage points."
            ),
            "our runs": st.column_config.TextColumn(
                width=190,
                help="Of how many runs our figure is the mean or the best, ± their standard deviation.",
            ),
            "our images": st.column_config.NumberColumn(
                format="localized",
                help="The images that the figure of one run is of: test images, or validation images where"
                " *measure* says so.",
            ),
            "its images": st.column_config.NumberColumn(
                format="localized",
                help="The images that the study's figure is of, where it says how many.",
            ),
            "within chance": st.column_config.CheckboxColumn(help=WITHIN_CHANCE),
            "run": st.column_config.LinkColumn(display_text=r"run=(\w+)"),
        },
    )


def _state(row: Row) -> str:
    if row.ours and row.ours.changed:
        return "full size, other settings"
    if row.ours or not row.small:
        return "full size" if row.ours else "not run yet"
    other = f" on {title_of(row.small_data)}" if row.small_data else ""
    return f"small version only: {percent(row.small.value)}{other}"


def title_of(data: str) -> str:
    """The title of a data set that is known by name; of another, its name."""
    known = DATASETS.get(data)
    return known.title if known else data


def _interval(ends: tuple[float, float] | None) -> str | None:
    return f"{percent(ends[0])} to {percent(ends[1])}" if ends else None


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
