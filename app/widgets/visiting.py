"""What a public lab is for those who visit it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.people.presence import AWAY_SECONDS
from app.widgets.person import asking
from engine.people.quota import QUOTAS

if TYPE_CHECKING:
    from engine.lab import Lab

HOURS = f"{AWAY_SECONDS / 3600:g} hours"
ICON = ":material/waving_hand:"


def visiting(lab: Lab) -> None:
    """A visitor's bounds, and what becomes of what they make; nothing for anybody else."""
    if not _is_visit(lab):
        return
    quota = QUOTAS["visitor"]
    runs = "1 run" if quota.at_once == 1 else f"{quota.at_once} runs"
    st.info(
        f"This is a public lab. As a visitor you may have {runs} waiting or training at once and start"
        f" {quota.a_day} a day; each stops after {quota.minutes} minutes of training and keeps its best"
        " model, once an epoch has ended. What you train, teach and draw is deleted once you have been"
        f" away for {HOURS}.",
        icon=ICON,
    )


def visiting_canvas(lab: Lab) -> None:
    """The same in a line, of drawings and symbols."""
    if _is_visit(lab):
        st.caption(
            f"{ICON} This is a public lab: symbols that you teach and drawings that you save are deleted"
            f" once you have been away for {HOURS}."
        )


def _is_visit(lab: Lab) -> bool:
    return lab.settings.mode == "public" and not asking().leads
