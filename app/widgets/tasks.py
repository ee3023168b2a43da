"""A background task on a page: how far it is, a way to stop it, and what it ended with."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import percent
from app.widgets.busy import TASK_WORDS
from app.widgets.common import told
from app.widgets.doing import do_button
from app.widgets.fragments import fragment
from engine.runs.run_info import ALIVE

if TYPE_CHECKING:
    from engine.jobs.tasks import TaskInfo
    from engine.lab import Lab


def task_box(lab: Lab, task_id: str, key: str) -> TaskInfo:
    """Show a task and return how it stands.

    While it is alive the box polls by itself twice a second and, when the task has ended, reruns
    the page, so that the caller only writes `info = task_box(...)`, `if info.state == "finished":
    show(info.result)`. Not to be called inside a fragment. A finished task draws nothing; a failed
    or stopped one says so.
    """
    info = lab.task(task_id)
    if info.state in ALIVE:
        _watch(lab, task_id, key)
    elif info.state == "failed":
        what = TASK_WORDS.get(info.kind, info.kind)
        st.error(f"Failed: {what}. {info.error}", icon=":material/error:")
    elif info.state == "stopped":
        what = TASK_WORDS.get(info.kind, info.kind)
        st.info(f"Stopped: {what}.", icon=":material/stop_circle:")
    return info


@partial(fragment, run_every=0.5)
def _watch(lab: Lab, task_id: str, key: str) -> None:
    info = lab.task(task_id)
    if info.state not in ALIVE:
        st.rerun()
    bar, button = st.columns([5, 1], vertical_alignment="center")
    with bar:
        st.progress(*task_progress(info))
    with button:
        if not lab.why_not("stop a task", info.owner):
            do_button(
                "Stop",
                told(lab.stop_task),
                (task_id,),
                key=f"{key}-stop",
                icon=":material/stop:",
                disabled=info.state == "stopping",
                width="stretch",
            )


def task_progress(info: TaskInfo) -> tuple[float, str]:
    """How far a task is: a share 0..1 and the words beside the bar."""
    if info.state == "queued":
        return 0.0, "Waiting for its turn…"
    what = info.what or TASK_WORDS.get(info.kind, info.kind)
    text = f"{what[:1].upper()}{what[1:]}"
    if not info.total:
        return 0.0, f"{text}…"
    return min(1.0, info.done / info.total), f"{text} · {percent(info.done / info.total, 0)} done"
