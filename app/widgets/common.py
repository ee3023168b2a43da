"""The frame of every page: the lab, the header, the error box, the empty state, the chart."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from datetime import UTC
from functools import wraps
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from app.charts.words import moment
from app.people.asking import in_dashboard
from app.shared_lab import open_lab_here
from app.theme import DARK, LIGHT
from app.widgets.cleared import cleared_notice
from app.widgets.explain import full
from app.widgets.fragments import fragment
from app.widgets.links import link
from app.widgets.live import can_draw, drawn, drawn_once, live_chart
from app.widgets.person import asking
from engine.errors import GlyphlabError, OutsideError, sentence

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from engine.lab import Lab

LOCK_SECONDS = 5  # between two looks of a student's page whether the class is locked
JOIN_AGAIN = '<form method="get" action="join"><button class="gl-plain">Join again</button></form>'
# No logo, and only the buttons that people use; the scroll wheel scrolls the page, not the plot.
CHART_CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "scrollZoom": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "png", "scale": 2},
}
BUTTONS = 25  # pixels, the height of a chart's buttons
# Above a table that is wider than most pages: who sees it cut at the edge knows why.
WIDE_TABLE = "The table scrolls sideways; the button at its upper right corner enlarges it."


def _lock(lab: Lab, was: bool) -> None:
    """Whether the class is locked, and whether one's work was cleared. The page is drawn anew when the lock
    changes, and for somebody who is no longer in the class.
    """
    try:
        locked = lab.classroom.is_locked_for(asking())
    except GlyphlabError:
        locked = not was
    if locked != was:
        st.rerun()
    if locked:
        st.info(
            "The class is locked: look and draw until your teacher unlocks it.",
            icon=":material/lock:",
        )
    cleared_notice()


NATS = " (nats)"


def _outside(error: OutsideError) -> None:
    """A lesson that has ended is no fault: what happened, and the way back in."""
    st.info(sentence(error), icon=":material/waving_hand:")
    st.html(JOIN_AGAIN)


def get_lab() -> Lab:
    """The lab of this process, opened once for the settings in the environment, as the visitor of this
    page has it.
    """
    return in_dashboard(open_lab_here())


@contextmanager
def page(title: str, about: str) -> Iterator[Lab]:
    """The frame of a page: `with page("Train", "start a run and watch it") as lab:`.

    Draws the header and hands out the lab. An error that a person can mend becomes a box with its
    text in the place where it happened; the rest of the page stays.
    """
    st.title(title, anchor=False)
    st.caption(about)
    try:
        lab = get_lab()
    except OutsideError as error:
        _outside(error)
        st.stop()
    except GlyphlabError as error:
        st.error(str(error), icon=":material/error:")
        st.stop()
    if lab.settings.mode == "class" and not asking().leads:
        fragment(_lock, run_every=LOCK_SECONDS)(lab, lab.classroom.is_locked_for(asking()))
    try:
        yield lab
    except GlyphlabError as error:
        st.error(str(error), icon=":material/error:")


def told(deed: Callable[..., None]) -> Callable[..., None]:
    """What a button calls: what is refused is said in a corner of the page, which stays as it is."""

    @wraps(deed)
    def done(*arguments: Any, **named: Any) -> None:
        try:
            deed(*arguments, **named)
        except GlyphlabError as error:
            st.toast(str(error), icon=":material/error:")

    return done


def empty(text: str, page: str | None = None, label: str | None = None, **query: str) -> None:
    """An empty state: what would be here, and a link to the `page` where one makes it so."""
    with st.container(border=True):
        st.markdown(text)
        if page:
            link(page, label, **query)


def clock(stamp: str | float | None) -> str:
    """A recorded time as the visitor's clock shows it: '24 Nov 22:26'; a dash where there is none."""
    then = moment(stamp)
    if then is None:
        return "–"
    try:
        then = then.astimezone(ZoneInfo(st.context.timezone or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        then = then.astimezone(UTC)
    return f"{then.day} {then:%b %H:%M}"


def note(text: str) -> None:
    """A quiet line of explanation under a chart or a table."""
    st.caption(text)


def shared_chart(of: Hashable, make: Callable[[], go.Figure], key: str) -> None:
    """As `chart`, for lines, points and bars that many look at: made once for the data that `of` names."""
    with_units = full()
    live_chart(
        drawn_once((of, with_units), lambda: make() if with_units else _without_nats(make())),
        key,
        CHART_CONFIG,
    )


def chart(figure: go.Figure, key: str, **options: Any) -> Any:
    """Draw a figure in the page's theme with the house's buttons, under a key that stays the same
    while what is drawn changes.

    Lines, points and bars are drawn by `live_chart`, which is quicker and keeps the zoom; the rest
    by `st.plotly_chart`, whose answer is returned. `options` go on to it.
    """
    config = {**CHART_CONFIG, **options.pop("config", {})}
    figure = figure if full() else _without_nats(figure)
    if can_draw(figure):
        return live_chart(drawn(figure), key, config, **options)
    return st.plotly_chart(_below_buttons(_legible(figure)), key=key, config=config, **options)


def _without_nats(figure: go.Figure) -> go.Figure:
    """With axes called 'Loss' instead of 'Loss (nats)', for who has not asked for all statistics."""
    for axis in (*figure.select_xaxes(), *figure.select_yaxes()):
        if (text := axis.title.text) and text.endswith(NATS):
            axis.title.text = text.removesuffix(NATS)
    return figure


def _below_buttons(figure: go.Figure) -> go.Figure:
    """With a strip above the title for the chart's buttons, which in a column would lie on it: how wide
    the browser draws the chart is not known here. (Charts that assets/live.js draws have it where they
    are narrow.)
    """
    layout: Any = figure.layout  # plotly's own types take it for a name
    for size, usual in ((layout.title.pad, 0), (layout.margin, 46)):
        size.t = (usual if size.t is None else size.t) + BUTTONS
    layout.height = (layout.height or 360) + BUTTONS
    return figure


def _legible(figure: go.Figure) -> go.Figure:
    """With the page's own colour for what Streamlit writes at 3.6:1: titles of axes, bars and the chart."""
    colour = (DARK if st.context.theme.type == "dark" else LIGHT)["textColor"]
    for axis in (*figure.select_xaxes(), *figure.select_yaxes()):
        axis.title.font.color = axis.tickfont.color = colour
    traces: Any = figure.data  # plotly's own types take it for a name
    for bar in (one.colorbar for one in traces if "colorbar" in one):
        bar.title.font.color = bar.tickfont.color = colour
    figure.layout.title.subtitle.font.color = colour
    return figure
